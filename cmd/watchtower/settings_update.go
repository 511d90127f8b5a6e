package main

import (
	"strings"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
)

func updateRows(s *settings) []setting {
	return []setting{
		{
			flag: "monitor-only", short: "m", env: "WATCHTOWER_MONITOR_ONLY", target: toggle(&s.monitorOnly), has: originFork,
			usage: "say what is new, and neither pull nor replace anything",
		},
		{
			flag: "no-pull", env: "WATCHTOWER_NO_PULL", target: toggle(&s.noPull), has: originFork,
			usage: "ask no registry: compare with the images that are here",
		},
		{
			flag: "no-restart", env: "WATCHTOWER_NO_RESTART", target: toggle(&s.noRestart), has: originFork,
			usage: "create the new container and do not start it",
		},
		{
			flag: "cleanup", short: "c", env: "WATCHTOWER_CLEANUP", target: toggle(&s.cleanup), has: originFork,
			usage: "remove the replaced image once nothing refers to it",
		},
		{
			flag: "remove-volumes", env: "WATCHTOWER_REMOVE_VOLUMES", target: toggle(&s.removeVolumes), has: originFork,
			usage: "begin with new anonymous volumes and remove the old ones: the data in them is gone",
		},
		{
			flag: "rolling-restart", env: "WATCHTOWER_ROLLING_RESTART", target: toggle(&s.rolling), has: originFork,
			usage: "one container at a time, the next once the last is up",
		},
		{
			flag: "update-order", env: "WATCHTOWER_UPDATE_ORDER", def: "stop-first",
			target: choice(&s.order, "stop-first or start-first", string(lifecycle.StopFirst), string(lifecycle.StartFirst)),
			usage:  "stop-first, or start-first where it can be done (the default with rolling-restart)",
		},
		{
			flag: "swarm", env: "WATCHTOWER_SWARM", def: "auto",
			target: choice(&s.swarm, "auto, off or only", string(watchtower.ServicesAuto), string(watchtower.ServicesOff), string(watchtower.ServicesOnly)),
			usage:  "update a swarm's services: where the engine is a manager, never, or services alone",
		},
		{
			flag: "swarm-rollback", env: "WATCHTOWER_SWARM_ROLLBACK", target: toggle(&s.swarmRollback),
			usage: "have the swarm roll back what fails of a service without update settings of its own, where the engine would pause",
		},
		{
			flag: "stop-timeout", short: "t", env: "WATCHTOWER_TIMEOUT", target: optional(&s.stopTimeout), def: "10s", has: originFork,
			usage: "time to stop before a container is killed; unset, the container's own setting rules",
		},
		{
			flag: "cooldown-delay", env: "WATCHTOWER_COOLDOWN_DELAY", target: cooldown(&s.cooldown), def: "0", has: fork,
			usage: "wait this long after an image was first seen here, 3d or 1w12h, before it is used",
		},
		{
			flag: "label-take-precedence", env: "WATCHTOWER_LABEL_TAKE_PRECEDENCE", target: toggle(&s.labelPrecedence), has: originFork,
			usage: "a container's labels monitor-only and no-pull win over these settings, also with false",
		},
		{
			flag: "state-dir", env: "WATCHTOWER_STATE_DIR", target: text(&s.stateDir),
			usage: "directory in which to remember, beyond this process, what failed, when images were first seen, what was told, and what could not be told yet",
		},
		{
			flag: "use-compose-depends-on", env: "WATCHTOWER_USE_COMPOSE_DEPENDS_ON", target: of(kindSwitch), def: "true", has: fork,
			usage: "heed Compose's depends_on", status: ignored,
			note: "Compose's depends_on is always heeded: it gives the order, and restarts only what says restart: true",
		},
		{
			flag: "ephemeral-self-update", env: "WATCHTOWER_EPHEMERAL_SELF_UPDATE", target: of(kindSwitch), has: fork,
			usage: "update itself by a short-lived container", status: ignored,
			note: "Watchtower always updates itself by a short-lived container",
		},
		{
			flag: "self-update-orchestrator", target: of(kindSwitch), has: fork,
			usage: "internal to the fork", status: ignored, note: orchestrator,
		},
		{env: "WT_ORCHESTRATOR_OLD_ID", target: of(kindText), has: fork, usage: "internal to the fork", status: ignored, note: orchestrator},
		{env: "WT_ORCHESTRATOR_NEW_IMAGE", target: of(kindText), has: fork, usage: "internal to the fork", status: ignored, note: orchestrator},
		{env: "WT_ORCHESTRATOR_ORIGINAL_NAME", target: of(kindText), has: fork, usage: "internal to the fork", status: ignored, note: orchestrator},
		{env: "WT_ORCHESTRATOR_CONTAINER_CHAIN", target: of(kindText), has: fork, usage: "internal to the fork", status: ignored, note: orchestrator},
		{env: "WT_ORCHESTRATOR_CLEANUP", target: of(kindText), has: fork, usage: "internal to the fork", status: ignored, note: orchestrator},
		{env: "WATCHTOWER_COOLDOWN_PLATFORM_OS", target: of(kindText), has: fork, usage: "platform whose age counts", status: ignored, note: ownPlatform},
		{env: "WATCHTOWER_COOLDOWN_PLATFORM_ARCH", target: of(kindText), has: fork, usage: "platform whose age counts", status: ignored, note: ownPlatform},
		{env: "WATCHTOWER_COOLDOWN_PLATFORM_VARIANT", target: of(kindText), has: fork, usage: "platform whose age counts", status: ignored, note: ownPlatform},
	}
}

const (
	orchestrator = "the helper that updates Watchtower is told otherwise what to do"
	ownPlatform  = "the cooldown counts from when this host first saw the image for the container's own platform"
)

func verifyRows(s *settings) []setting {
	positive := func(field *time.Duration) target { return duration(field, wantPositive, 1) }
	return []setting{
		{
			flag: "stable-time", env: "WATCHTOWER_STABLE_TIME", target: positive(&s.stableTime), def: "3s",
			usage: "time a new container without a health check must stay up to be good",
		},
		{
			flag: "probe", env: "WATCHTOWER_PROBE", target: probe(&s.probe),
			usage: "what a new container must answer to be good: exec:COMMAND, http://:PORT/PATH or tcp://:PORT",
		},
		{
			flag: "probe-timeout", env: "WATCHTOWER_PROBE_TIMEOUT", target: positive(&s.probeTimeout), def: "60s",
			usage: "time in which the probe must pass",
		},
	}
}

// optional tells 0 from nothing.
func optional(field **time.Duration) target {
	return target{kindDuration, wantDuration, func(text string) error {
		d, err := parseDuration(text)
		if err != nil || d < 0 {
			return errValue
		}
		*field = &d
		return nil
	}}
}

func cooldown(field *time.Duration) target {
	return target{kindDuration, wantCooldown, func(text string) (err error) {
		*field, err = gate.ParseDelay(text)
		return err
	}}
}

func probe(field *lifecycle.Probe) target {
	return target{kindText, wantProbe, func(text string) (err error) {
		*field, err = lifecycle.ParseProbe(strings.TrimSpace(text))
		return err
	}}
}
