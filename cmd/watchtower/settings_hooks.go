package main

import "math"

func hookRows(s *settings) []setting {
	const wantID = "a whole number from 0 to 2147483647"
	return []setting{
		{
			flag: "enable-lifecycle-hooks", env: "WATCHTOWER_LIFECYCLE_HOOKS", target: toggle(&s.hooks), has: originFork,
			usage: "run the commands that labels name, in the containers, before and after checks and updates",
		},
		{
			flag: "lifecycle-uid", env: "WATCHTOWER_LIFECYCLE_UID", target: number(&s.hookUID, wantID, 0, math.MaxInt32), def: "0", has: fork,
			usage: "user that runs them; 0: the container's own",
		},
		{
			flag: "lifecycle-gid", env: "WATCHTOWER_LIFECYCLE_GID", target: number(&s.hookGID, wantID, 0, math.MaxInt32), def: "0", has: fork,
			usage: "group that runs them; 0: the container's own",
		},
	}
}
