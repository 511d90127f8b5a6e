package main

// label is one that containers have: a row for the page in docs.
type label struct {
	name   string
	value  string // what it holds
	usage  string
	has    origin
	status status
	note   string
}

const labelPrefix = "com.centurylinklabs.watchtower"

// labels lists every label, the predecessors' and ours. Who reads one is the
// library.
func labels() []label {
	const (
		yesNo   = "true or false"
		command = "a command for sh -c"
		minutes = "whole minutes, 0 without limit (default 1)"
		id      = "a whole number from 0 to 2147483647"
		own     = labelPrefix + "."
	)
	return []label{
		{name: labelPrefix, value: "true", has: originFork, usage: "marks an instance of Watchtower; the image has it"},
		{name: own + "enable", value: yesNo, has: originFork, usage: "whether the container is watched; label-enable wants a true one"},
		{name: own + "scope", value: "text", has: originFork, usage: "which of several watchers the container belongs to"},
		{name: own + "monitor-only", value: yesNo, has: originFork, usage: "say what is new and leave the container alone"},
		{name: own + "no-pull", value: yesNo, has: originFork, usage: "ask no registry: compare with the image that is here"},
		{name: own + "depends-on", value: "names, split by commas", has: originFork, usage: "containers it cannot do without: it is stopped before them, started after them, and restarted with them"},
		{name: own + "stop-signal", value: "a signal's name or number", has: originFork, usage: "what stops it, instead of its own setting"},
		{name: own + "stop-timeout", value: "seconds or a duration", usage: "time to stop before it is killed"},
		{name: own + "update-order", value: "stop-first or start-first", usage: "a demand, where the setting is a wish"},
		{name: own + "stable-time", value: "seconds or a duration", usage: "time the new container must stay up to be good"},
		{name: own + "probe", value: "as the setting; empty for none", usage: "what the new container must answer to be good"},
		{name: own + "probe-timeout", value: "seconds or a duration", usage: "time in which the probe must pass"},
		{name: own + "window", value: "as update-window", usage: "when the container may be replaced, instead of the setting"},
		{name: own + "cooldown-delay", value: "as the setting; 0 for none", has: fork, usage: "how long to wait after its image was first seen, instead of the setting"},
		{name: own + "tag-policy", value: `"semver:^1.2" and the like`, usage: "follow versions instead of the tag"},
		{name: own + "drop-copied-files", value: yesNo, usage: "do without files that Compose copied in, where they cannot be taken over"},
		{name: own + "lifecycle.pre-check", value: command, has: originFork, usage: "run before each check"},
		{name: own + "lifecycle.post-check", value: command, has: originFork, usage: "run after each check"},
		{name: own + "lifecycle.pre-update", value: command, has: originFork, usage: "run before the container is replaced; exit code 75 puts it off"},
		{name: own + "lifecycle.post-update", value: command, has: originFork, usage: "run in the new container"},
		{name: own + "lifecycle.pre-update-timeout", value: minutes, has: originFork, usage: "time the command may take"},
		{name: own + "lifecycle.post-update-timeout", value: minutes, has: originFork, usage: "time the command may take"},
		{name: own + "lifecycle.uid", value: id, has: fork, usage: "user that runs the commands; 0 is root"},
		{name: own + "lifecycle.gid", value: id, has: fork, usage: "group that runs the commands; 0 is root"},
		{name: own + "container-chain", value: "IDs", has: fork, usage: "written by the fork: what it took itself to be a successor of; shows which leftovers are its own"},
		{
			name: own + "ephemeral-orchestrator", value: "true", has: fork, usage: "written by the fork: its helper",
			status: ignored, note: "helpers here are known by the journal of the swap they carry out",
		},
		{name: "com.centurylinklabs.zodiac.original-image", value: "an image", has: originFork, usage: "the image the container is of, whatever it was created with"},
		{name: "com.docker.compose.depends_on", value: "as Compose writes it", has: fork, usage: "the order; with restart: true the container is restarted, too"},
		{name: "com.docker.compose.project", value: "as Compose writes it", has: fork, usage: "where depends_on looks"},
		{name: "com.docker.compose.service", value: "as Compose writes it", has: fork, usage: "what depends_on names"},
		{
			name: "com.docker.compose.container-number", value: "as Compose writes it", has: fork, usage: "which of a service's containers it is",
			status: ignored, note: "who depends on a service depends on all its containers",
		},
	}
}
