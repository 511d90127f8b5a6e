package watchtower_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

const (
	diskSize = 48 << 20
	noSpace  = "no space left on device"
)

// onSmallDisk is a container, on an engine whose disk can be filled.
func onSmallDisk(t *testing.T, disk *enginehost.Disk, reg *enginehost.Registry, name string) (ref string) {
	t.Helper()
	ref, _ = reg.Push(t, name+":1", enginehost.Image{Env: []string{"OF=" + name}})
	disk.Pull(t, ref, "")
	disk.Run(t, name, object{"Image": ref, "HostConfig": object{"NetworkMode": "none"}})
	return ref
}

func TestAnImageForWhichTheDiskHasNoRoom(t *testing.T) {
	disk := enginehost.Small(t, diskSize)
	reg := enginehost.StartRegistry(t)
	onSmallDisk(t, disk, reg, "large")
	before, free := disk.Inspect(t, "large"), disk.Free(t)
	reg.Push(t, "large:1", enginehost.Image{Files: map[string]string{"big": strings.Repeat("x", diskSize+1)}})
	e := entry(t, update(t, tower(t, disk.Host, []string{"large"}, quick())), "large")
	t.Log(e.Err)
	assert.Equal(t, watchtower.StatusFailed, e.Status)
	require.ErrorContains(t, e.Err, noSpace)
	assert.True(t, errdefs.IsResourceExhausted(e.Err))
	assert.Equal(t, before, disk.Inspect(t, "large"), "it was not touched")
	assert.Equal(t, []string{"large"}, disk.List(t))
	assert.Greater(t, disk.Free(t), free-diskSize/10, "nor was the disk")

	reg.Push(t, "large:1", enginehost.Image{Env: []string{"OF=large", "VERSION=2"}})
	e = entry(t, update(t, tower(t, disk.Host, []string{"large"}, quick())), "large")
	assert.Equal(t, watchtower.StatusUpdated, e.Status, "%v", e.Err)
}

// The disk is full from one call of an update on, perhaps until a later one. Unlike the
// test above it is run beside others: the small engine is there but once.
func TestADiskThatFillsDuringAnUpdate(t *testing.T) {
	t.Parallel()
	disk := enginehost.Small(t, diskSize)
	reg := enginehost.StartRegistry(t)
	tests := []struct {
		name    string
		at      int
		until   int // 0: after the pass
		want    watchtower.Status
		stopped bool
		down    bool // there is not even room to start the old one
	}{
		{name: "create", at: 1, want: watchtower.StatusFailed},
		{name: "rename of the old", at: 2, want: watchtower.StatusRolledBack},
		{name: "rename of the new", at: 3, want: watchtower.StatusRolledBack},
		{name: "stop", at: 4, want: watchtower.StatusFailed, stopped: true, down: true},
		{name: "start", at: 5, want: watchtower.StatusFailed, stopped: true, down: true},
		// The engine's list goes on showing the old one as up.
		{name: "stop and start of the new", at: 4, until: 6, want: watchtower.StatusRolledBack, stopped: true},
		{name: "start of the new", at: 5, until: 6, want: watchtower.StatusRolledBack, stopped: true},
		{name: "remove", at: 6, want: watchtower.StatusUpdated},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := fmt.Sprintf("full-%d", i)
			ref := onSmallDisk(t, disk, reg, name)
			before := disk.Inspect(t, name)
			reg.Push(t, name+":1", enginehost.Image{Env: []string{"OF=" + name, "VERSION=2"}})
			disk.Pull(t, ref, "")
			proxy, err := enginetest.NewProxy(filepath.Join(shortDir(t), "docker.sock"), disk.Address)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, proxy.Close()) })
			var empty func()
			proxy.SetFault(func(n int, _ enginetest.Call) enginetest.ProxyFault {
				switch n {
				case tt.at:
					empty = disk.Fill(t)
				case tt.until:
					empty()
				}
				return enginetest.ProxyFault{}
			})
			tw := tower(t, &enginehost.Host{Address: proxy.Address()}, []string{name}, quick())
			e := entry(t, update(t, tw), name)
			proxy.SetFault(nil)
			t.Log(e.Status, e.Err)
			assert.Equal(t, tt.want, e.Status)
			old := tt.want != watchtower.StatusUpdated
			if old {
				require.ErrorContains(t, e.Err, noSpace)
				assert.True(t, errdefs.IsResourceExhausted(e.Err))
			}
			if !tt.down {
				after := disk.Inspect(t, name)
				assert.Equal(t, old, before["Id"] == after["Id"])
				assert.Equal(t, old && !tt.stopped, before["State"].(object)["StartedAt"] == after["State"].(object)["StartedAt"])
				assert.Equal(t, true, after["State"].(object)["Running"])
				assert.Equal(t, []string{name}, named(t, disk.Host, name), "nothing else is left")
			}

			if tt.until == 0 {
				empty()
			}
			r := update(t, tw)
			require.NoError(t, r.Err())
			assert.Equal(t, tt.down, len(r.Recovered) == 1)
			for _, recovered := range r.Recovered {
				assert.Equal(t, lifecycle.OutcomeRolledBack, recovered.Outcome)
				assert.Equal(t, before["Id"], recovered.ID)
			}
			assert.Contains(t, disk.Inspect(t, name)["Config"].(object)["Env"], "VERSION=2", "it was not the image's fault")
			assert.Equal(t, []string{name}, named(t, disk.Host, name), "nothing else is left")
			disk.RemoveAll(t, name)
		})
	}
}
