package main

import (
	"strings"

	"github.com/watchtower-go/watchtower/filter"
)

const (
	wantNames  = "names or regular expressions"
	wantImages = "images (nginx, nginx:1.27) or regular expressions"
)

func selectionRows(s *settings) []setting {
	name := func(word string) error { _, err := filter.Names(word); return err }
	image := func(word string) error { _, err := filter.Images(word); return err }
	return []setting{
		{
			flag: "label-enable", short: "e", env: "WATCHTOWER_LABEL_ENABLE", target: toggle(&s.labelEnable), has: originFork,
			usage: "only containers whose enable label is true",
		},
		{
			flag: "disable-containers", short: "x", env: "WATCHTOWER_DISABLE_CONTAINERS", target: list(&s.disabled, wantNames, name), has: originFork,
			usage: "leave out these names, or patterns of whole names",
		},
		{
			flag: "scope", env: "WATCHTOWER_SCOPE", target: text(&s.scope), has: originFork,
			usage: `only containers with this scope label; "none": only those without`,
		},
		{
			flag: "monitor-image-names", env: "WATCHTOWER_MONITOR_IMAGE_NAMES", target: list(&s.onlyImages, wantImages, image), has: fork,
			usage: "only containers of these images, or patterns of whole references",
		},
		{
			flag: "skip-image-names", env: "WATCHTOWER_SKIP_IMAGE_NAMES", target: list(&s.skipImages, wantImages, image), has: fork,
			usage: "leave out containers of these images",
		},
		{
			flag: "enable-containers-by-label", env: "WATCHTOWER_ENABLE_CONTAINERS_BY_LABEL", target: pairs(&s.enableLabels), has: fork,
			usage: "only containers with one of these labels, key=value or key= for any value",
		},
		{
			flag: "disable-containers-by-label", env: "WATCHTOWER_DISABLE_CONTAINERS_BY_LABEL", target: pairs(&s.disableLabels), has: fork,
			usage: "leave out containers with any of these labels",
		},
		{
			flag: "include-stopped", short: "S", env: "WATCHTOWER_INCLUDE_STOPPED", target: toggle(&s.includeStopped), has: originFork,
			usage: "containers that are created or have exited, too; they stay as they are",
		},
		{
			flag: "include-restarting", env: "WATCHTOWER_INCLUDE_RESTARTING", target: toggle(&s.includeRestarting), has: originFork,
			def: "true", usage: "containers that are restarted again and again, too",
		},
		{
			flag: "include-paused", env: "WATCHTOWER_INCLUDE_PAUSED", target: toggle(&s.includePaused),
			usage: "paused containers, too: their successors are paused, and what they had in memory is gone",
		},
		{
			flag: "revive-stopped", env: "WATCHTOWER_REVIVE_STOPPED", target: toggle(&s.revive), has: originFork,
			usage: "start what was stopped, once it was updated; with include-stopped",
		},
		{
			env: "HOSTNAME", target: of(kindText), has: fork,
			usage: "ID of the container the program runs in", status: ignored,
			note: "the container is found by what the engine mounts into it, by its control group or by its host name",
		},
	}
}

func pairs(field *[]string) target {
	return target{kindPairs, wantPairs, func(text string) error {
		all := *field // there may be too many
		for pair := range strings.SplitSeq(text, ",") {
			if pair = strings.TrimSpace(pair); pair != "" {
				all = append(all, pair)
			}
		}
		if _, err := filter.Labels(all...); err != nil {
			return err
		}
		if len(all) == len(*field) && text != "" {
			return errValue
		}
		*field = all
		return nil
	}}
}
