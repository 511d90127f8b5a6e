package main

import (
	"strings"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/gate"
)

const defaultInterval = watchtower.DefaultInterval

func scheduleRows(s *settings) []setting {
	return []setting{
		{
			flag: "interval", short: "i", env: "WATCHTOWER_POLL_INTERVAL", def: "86400", has: originFork,
			target: duration(&s.interval, wantInterval, time.Second),
			usage:  "seconds between passes, or a duration; not along with a schedule",
		},
		{
			flag: "schedule", short: "s", env: "WATCHTOWER_SCHEDULE", target: cron(&s.schedule), has: originFork,
			usage: `when passes are made, as cron has it: five fields from the minute on, six from the second on, @daily and its like, TZ=Zone in front`,
		},
		{
			flag: "jitter", env: "WATCHTOWER_JITTER", target: duration(&s.jitter, wantDuration, 0), def: "0",
			usage: "begin each pass up to this much later, at random",
		},
		{
			flag: "update-window", env: "WATCHTOWER_UPDATE_WINDOW", target: window(&s.updateWindow),
			usage: `replace containers only then: "Mon-Fri 02:00-05:00, Sat 22:00-06:00 Europe/Berlin"; checks go on`,
		},
		{
			flag: "update-on-start", env: "WATCHTOWER_UPDATE_ON_START", target: toggle(&s.updateOnStart), has: fork,
			usage: "make the first pass at once, not after the interval",
		},
		{
			flag: "run-once", short: "R", env: "WATCHTOWER_RUN_ONCE", target: toggle(&s.runOnce), has: originFork,
			usage: "make one pass and exit: 0 if nothing failed, else 1",
		},
		{
			flag: "health-check", target: toggle(&s.healthCheck), has: originFork,
			usage: "say whether the watcher that runs here is well, and exit: 0 if it is, else 1",
		},
		{
			env: "TZ", target: of(kindText), def: "the system's", has: originFork,
			usage: "zone of schedules, windows and logs",
		},
	}
}

// cron drops the quotes that Compose files leave around a schedule.
func cron(field *string) target {
	return target{kindText, "", func(text string) error {
		*field = strings.Trim(strings.TrimSpace(text), `"'`)
		if *field == "" {
			return nil
		}
		if _, err := watchtower.Cron(*field, nil); err != nil {
			return explained{err}
		}
		return nil
	}}
}

func window(field *string) target {
	return valid(field, "", func(text string) error {
		if _, err := gate.ParseWindow(text); err != nil {
			return explained{err}
		}
		return nil
	})
}

// when are the passes made, for the log.
func (s settings) when() (key, text string) {
	if s.onlyAsked() {
		return "schedule", "none: a pass is made when one is asked for over HTTP"
	}
	if s.schedule != "" {
		return "schedule", s.schedule
	}
	return "interval", s.interval.String()
}
