package lifecycle_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func TestTracesOfAContainer(t *testing.T) {
	t.Parallel()
	id, other := strings.Repeat("0123456789abcdef", 4), strings.Repeat("fedcba9876543210", 4)
	const docker = "600 590 254:1 /var/lib/docker/containers/"
	for name, tt := range map[string]struct{ mounts, groups, want string }{
		"mounts":              {docker + id + "/hostname /etc/hostname rw - ext4 /dev/vda1 rw\n", "0::/\n", id},
		"rootless mounts":     {"600 590 0:1 /home/u/.local/share/docker/containers/" + id + "/resolv.conf /etc/resolv.conf rw\n", "", id},
		"Podman's mounts":     {"6 5 0:2 /containers/storage/overlay-containers/" + id + "/userdata/hosts /etc/hosts rw\n", "0::/\n", id},
		"control group":       {"", "12:pids:/docker/" + id + "\n1:name=systemd:/docker/" + id + "\n", id},
		"systemd group":       {"", "0::/system.slice/docker-" + id + ".scope\n", id},
		"Podman's group":      {"", "0::/machine.slice/libpod-" + id + ".scope/container\n", id},
		"an engine within":    {"", "1:cpu:/docker/" + other + "/docker/" + id + "\n", id},
		"another's network":   {docker + other + "/hosts /etc/hosts rw\n", "4:cpu:/docker/" + id + "\n", id},
		"no container":        {"25 1 254:1 / / rw - ext4 /dev/vda1 rw\n", "0::/user.slice\n", ""},
		"another's directory": {docker + id + "/hosts /mnt/hosts rw\n", "0::/\n", ""},
		"another's memory":    {"25 1 254:1 /containers/" + id + "/mounts/shm /shm rw\n", "0::/\n", ""},
		"an ID too short":     {"25 1 254:1 /containers/0123/hostname /etc/hostname rw\n", "1:x:/docker/0123\n", ""},
		"an ID in capitals":   {"", "1:x:/docker/" + strings.ToUpper(id) + "\n", ""},
	} {
		assert.Equal(t, tt.want, lifecycle.Traces{Mounts: tt.mounts, ControlGroups: tt.groups}.ID(), name)
	}
}

func TestSelfIsFoundForSureOrNotAtAll(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("app:1", enginetest.Image{})
	run := func(name, hostname, network string, watchtower bool) lifecycle.Container {
		labels := map[string]any{}
		if watchtower {
			labels[lifecycle.LabelInstance] = "true"
		}
		return e.Run(name, "app:1", lifecycle.Spec{
			Config:     lifecycle.Document{"Hostname": hostname, "Labels": labels},
			HostConfig: lifecycle.Document{"NetworkMode": network},
		})
	}
	alone, vpn := run("alone", "", "", false), run("vpn", "", "", false)
	behind := run("behind", "", "container:"+vpn.ID, true)
	crowded := run("crowded", "", "", false)
	run("first", "", "container:"+crowded.ID, true)
	run("second", "", "container:"+crowded.ID, true)
	named := run("named", "tower", "", true)
	run("web", "twin", "", false)
	run("twin1", "twins", "", true)
	run("twin2", "twins", "", true)
	mounts := func(c lifecycle.Container) string {
		return "6 5 254:1 /var/lib/docker/containers/" + c.ID + "/hostname /etc/hostname rw\n"
	}
	group := func(id string) string { return "1:cpu:/docker/" + id + "\n" }
	foreign := strings.Repeat("0", 64)
	for name, tt := range map[string]struct {
		traces lifecycle.Traces
		want   string
	}{
		"by its mounts":                         {lifecycle.Traces{Mounts: mounts(alone)}, alone.ID},
		"by its control group, before mounts":   {lifecycle.Traces{Mounts: mounts(vpn), ControlGroups: group(behind.ID)}, behind.ID},
		"in another's network":                  {lifecycle.Traces{Mounts: mounts(vpn)}, behind.ID},
		"two in another's network":              {lifecycle.Traces{Mounts: mounts(crowded)}, ""},
		"another engine's":                      {lifecycle.Traces{ControlGroups: group(foreign)}, ""},
		"by its host name, an ID":               {lifecycle.Traces{Hostname: alone.ShortID()}, alone.ID},
		"by its host name, another's network":   {lifecycle.Traces{Hostname: vpn.ShortID()}, behind.ID},
		"by a host name of its own":             {lifecycle.Traces{Hostname: "tower"}, named.ID},
		"a host name of one that is none of us": {lifecycle.Traces{Hostname: "twin"}, ""},
		"a host name of two":                    {lifecycle.Traces{Hostname: "twins"}, ""},
		"no trace":                              {lifecycle.Traces{}, ""},
	} {
		got, err := tt.traces.Self(t.Context(), e)
		require.NoError(t, err, name)
		assert.Equal(t, tt.want, got, name)
	}
}

// silent is an engine that does not answer.
type silent struct{ *enginetest.Engine }

func (silent) Containers(context.Context) ([]lifecycle.Container, error) {
	return nil, errors.New("no answer")
}

func TestSelfTellsOfAnEngineThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	_, err := lifecycle.Traces{Hostname: "tower"}.Self(t.Context(), silent{})
	require.EqualError(t, err, "lifecycle: find this process's container: no answer")
	id, err := lifecycle.Traces{}.Self(t.Context(), silent{})
	require.NoError(t, err, "outside of a container the engine is not asked")
	assert.Empty(t, id)
}
