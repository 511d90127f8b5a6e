package lifecycle

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/containerd/errdefs"
)

// The places where a process in a container can read the container's ID: its
// control group, and the sources of the files that an engine mounts into it, in
// Docker's way and in Podman's.
var (
	controlGroup = regexp.MustCompile(`(?m)(?:/docker/|docker-|libpod-)([0-9a-f]{64})(?:\.scope)?(?:/container)?$`)
	mountedFrom  = regexp.MustCompile(`(?m)^\S+ \S+ \S+ \S*containers/([0-9a-f]{64})/(?:userdata/)?(?:hostname|hosts|resolv\.conf) /etc/(?:hostname|hosts|resolv\.conf) `)
	shortID      = regexp.MustCompile(`^[0-9a-f]{12}$`)
)

// Traces are what a process can see of the container it runs in.
type Traces struct {
	// ControlGroups and Mounts are the text of /proc/self/cgroup and of
	// /proc/self/mountinfo.
	ControlGroups, Mounts string
	// Hostname is the host's name as the process sees it; empty if it is known to
	// run in no container.
	Hostname string
}

// OwnTraces reads those of this process.
func OwnTraces() Traces {
	groups, _ := os.ReadFile("/proc/self/cgroup") // none where there is no such file
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	t := Traces{ControlGroups: string(groups), Mounts: string(mounts)}
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			t.Hostname, _ = os.Hostname()
		}
	}
	return t
}

// Any reports whether there is a trace of a container at all.
func (t Traces) Any() bool { return t.Hostname != "" || t.ID() != "" }

// ID is the full ID as far as the process can tell alone; empty if it cannot. In
// another container's network it may be that one's.
func (t Traces) ID() string {
	for _, m := range [][]string{controlGroup.FindStringSubmatch(t.ControlGroups), mountedFrom.FindStringSubmatch(t.Mounts)} {
		if m != nil {
			return m[1]
		}
	}
	return ""
}

// Self returns the full ID of the container that a process with these traces runs
// in, as one of this engine's; empty if it runs in none of them or that cannot be
// told for sure.
//
// The control group's ID is the process's own. The mounts' is that of the container
// whose network it uses: if others use that network as well, the one of them that
// has LabelInstance is meant, if there is one. Without either, the host's name is
// looked for among the containers that run: as the beginning of an ID, or as the
// host name of exactly one that has LabelInstance.
func (t Traces) Self(ctx context.Context, e Engine) (string, error) {
	if !t.Any() {
		return "", nil
	}
	list, err := e.Containers(ctx)
	if err != nil {
		return "", fmt.Errorf("lifecycle: find this process's container: %w", err)
	}
	if m := controlGroup.FindStringSubmatch(t.ControlGroups); m != nil {
		return known(list, m[1]), nil
	}
	if id := known(list, t.ID()); id != "" {
		return t.inNetworkOf(ctx, e, *byID(list, id), list)
	}
	if shortID.MatchString(t.Hostname) {
		for _, c := range list {
			if c.State.Up() && c.ShortID() == t.Hostname {
				return t.inNetworkOf(ctx, e, c, list)
			}
		}
	}
	found, err := instances(ctx, e, list, func(s Snapshot) bool {
		return t.Hostname != "" && s.Config.Text("Hostname") == t.Hostname
	})
	if err != nil || len(found) != 1 {
		return "", err
	}
	return found[0], nil
}

// inNetworkOf tells the container whose network it is from those that use it.
func (t Traces) inNetworkOf(ctx context.Context, e Engine, owner Container, list []Container) (string, error) {
	users, err := instances(ctx, e, list, func(s Snapshot) bool {
		ref, ok := strings.CutPrefix(s.HostConfig.Text("NetworkMode"), "container:")
		return ok && (ref == owner.ID || ref == owner.Name)
	})
	switch {
	case err != nil:
		return "", err
	case len(users) == 0:
		return owner.ID, nil
	case len(users) > 1, owner.Labels[LabelInstance] == "true":
		return "", nil // any of them
	}
	return users[0], nil
}

// instances are the IDs of those with the label that run and are meant.
func instances(ctx context.Context, e Engine, list []Container, meant func(Snapshot) bool) ([]string, error) {
	var out []string
	for _, c := range list {
		if _, helper := Helper(c); helper || !c.State.Up() || c.Labels[LabelInstance] != "true" {
			continue
		}
		snap, err := e.Inspect(ctx, c.ID)
		switch {
		case errdefs.IsNotFound(err):
		case err != nil:
			return nil, fmt.Errorf("lifecycle: find this process's container: %w", err)
		case meant(snap):
			out = append(out, c.ID)
		}
	}
	return out, nil
}

func known(list []Container, id string) string {
	if byID(list, id) == nil {
		return ""
	}
	return id
}
