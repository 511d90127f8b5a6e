package main

import (
	"os"
	"regexp"
)

// The places where a process in a container can read the container's ID: the
// sources of the files an engine mounts into it, and its control group.
var (
	mountedFrom  = regexp.MustCompile(`/containers/([0-9a-f]{64})/(?:hostname|hosts|resolv\.conf)`)
	controlGroup = regexp.MustCompile(`(?:/docker/|docker-)([0-9a-f]{64})(?:\.scope)?(?:\n|$)`)
)

// ownContainer is the ID of the container this process runs in, empty outside
// of one.
func ownContainer() string {
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	groups, _ := os.ReadFile("/proc/self/cgroup")
	return containerID(string(mounts), string(groups))
}

func containerID(mounts, groups string) string {
	if m := mountedFrom.FindStringSubmatch(mounts); m != nil {
		return m[1]
	}
	if m := controlGroup.FindStringSubmatch(groups); m != nil {
		return m[1]
	}
	return ""
}
