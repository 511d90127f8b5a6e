package watchtower_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/enginehost"
)

func TestCleanupRemovesOnlyWhatNothingRefersTo(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	prepare := func(name string) (ref, image string) {
		ref, _ = reg.Push(t, name+":1", enginehost.Image{Env: []string{"OF=" + name}})
		host.Pull(t, ref, "")
		host.Run(t, name, object{"Image": ref})
		image = imageID(t, host, ref)
		reg.Push(t, name+":1", enginehost.Image{Env: []string{"OF=" + name, "VERSION=2"}})
		return ref, image
	}
	_, free := prepare("clean-free")
	_, kept := prepare("clean-tagged")
	host.API(t, "POST", "/images/"+kept+"/tag?repo=clean-kept&tag=mine", nil, nil)
	ref, shared := prepare("clean-shared")
	host.Create(t, "clean-other", object{"Image": ref})
	unasked, stays := prepare("clean-unasked")
	require.NotEmpty(t, unasked)

	names := []string{"clean-free", "clean-tagged", "clean-shared"}
	r := update(t, tower(t, host, names, quick(), watchtower.WithCleanup(true)))
	require.NoError(t, r.Err())
	assert.Equal(t, 3, r.Count(watchtower.StatusUpdated), r.Summary())
	assert.False(t, host.ImageExists(t, free), "nothing refers to it")
	assert.True(t, host.ImageExists(t, kept), "it has another tag")
	assert.True(t, host.ImageExists(t, shared), "a container that never ran uses it")

	r = update(t, tower(t, host, []string{"clean-unasked"}, quick()))
	assert.Equal(t, 1, r.Count(watchtower.StatusUpdated))
	assert.True(t, host.ImageExists(t, stays), "nobody asked for a cleanup")
	host.Status(t, "DELETE", "/images/clean-kept:mine", nil)
}

// configFile writes a config.json, by rename as `docker login` does.
func configFile(t *testing.T, path, registry, user, password string) {
	t.Helper()
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	require.NoError(t, os.WriteFile(path+".new", fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, registry, auth), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

func TestAPrivateRegistryIsReadWithTheLoginInForce(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	for kind, with := range map[string]func(testing.TB, string, string) enginehost.RegistryOption{
		"basic": enginehost.WithBasicAuth, "token": enginehost.WithTokenAuth,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			reg := enginehost.StartRegistry(t, with(t, "user", "right"))
			name := "private_" + kind
			ref, _ := reg.Push(t, name+":1", enginehost.Image{})
			host.Pull(t, ref, base64.URLEncoding.EncodeToString([]byte(`{"username":"user","password":"right"}`)))
			host.Run(t, name, object{"Image": ref})
			_, latest := reg.Push(t, name+":1", enginehost.Image{Env: []string{"VERSION=2"}})

			path := filepath.Join(t.TempDir(), "config.json")
			configFile(t, path, reg.Addr, "user", "wrong")
			store, err := credentials.File(path)
			require.NoError(t, err)
			var mu sync.Mutex
			var statuses []watchtower.Status
			tw := tower(t, host, []string{name}, quick(), watchtower.WithCredentials(store), watchtower.WithInterval(time.Second),
				watchtower.WithPassAtStart(true), watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
					end, ok := e.(watchtower.PassEnded)
					if !ok {
						return
					}
					mu.Lock()
					defer mu.Unlock()
					statuses = append(statuses, end.Report.Entries[slices.IndexFunc(end.Report.Entries,
						func(e watchtower.Entry) bool { return e.Container.Name == name })].Status)
				})))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- tw.Run(ctx) }()
			seen := func(s watchtower.Status) func() bool {
				return func() bool {
					mu.Lock()
					defer mu.Unlock()
					return slices.Contains(statuses, s)
				}
			}
			require.Eventually(t, seen(watchtower.StatusFailed), 20*time.Second, 50*time.Millisecond, "the wrong login")
			configFile(t, path, reg.Addr, "user", "right")
			require.Eventually(t, seen(watchtower.StatusUpdated), 20*time.Second, 50*time.Millisecond, "the login that came by rename")
			cancel()
			require.NoError(t, <-done)
			assert.NotEmpty(t, latest)
			assert.Equal(t, "2", host.Exec(t, name, "sh", "-c", "echo $VERSION"))
		})
	}
}

// No other test is run beside it, which would keep it waiting, too.
func TestADeadRegistryKeepsNobodyElseWaiting(t *testing.T) {
	host := enginehost.Engine(t)
	first, second := enginehost.StartRegistry(t), enginehost.StartRegistry(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	dead := l.Addr().String()
	require.NoError(t, l.Close())
	var names []string
	for i := range 20 {
		name := fmt.Sprintf("many-%02d", i)
		names = append(names, name)
		reg := []*enginehost.Registry{first, second}[i%2]
		ref, _ := reg.Push(t, name+":1", enginehost.Image{Env: []string{"OF=" + name}})
		host.Pull(t, ref, "")
		if i >= 15 { // the image is here, its registry is not
			image := imageID(t, host, ref)
			host.API(t, "POST", "/images/"+image+"/tag?repo="+dead+"/"+name+"&tag=1", nil, nil)
			ref = dead + "/" + name + ":1"
		} else {
			reg.Push(t, name+":1", enginehost.Image{Env: []string{"OF=" + name, "VERSION=2"}})
		}
		host.Run(t, name, object{"Image": ref})
	}
	start := time.Now()
	r := update(t, tower(t, host, names, quick()))
	took := time.Since(start)
	t.Log(r.Summary(), took)
	assert.Equal(t, 15, r.Count(watchtower.StatusUpdated))
	assert.Equal(t, 5, r.Count(watchtower.StatusFailed))
	assert.ErrorContains(t, entry(t, r, "many-15").Err, "connection refused")
	assert.Less(t, took, time.Minute)
}

// steps keeps what happened to whom, in order.
type steps struct {
	mu  sync.Mutex
	all []string
}

func (s *steps) Observe(_ context.Context, e watchtower.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := e.(type) {
	case watchtower.StepStarted:
		s.all = append(s.all, e.Step.Container+" "+e.Step.Action)
	case watchtower.UpdateEnded:
		s.all = append(s.all, e.Entry.Container.Name+" "+string(e.Entry.Status))
	}
}

func TestRollingGoesOneAtATimeAndStopsAtABadImage(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	names := []string{"roll-a", "roll-b", "roll-c"}
	ref, _ := reg.Push(t, "roll:1", enginehost.Image{})
	host.Pull(t, ref, "")
	for _, name := range names {
		host.Run(t, name, object{"Image": ref})
	}
	reg.Push(t, "roll:1", enginehost.Image{Env: []string{"VERSION=2"}})
	seen := &steps{}
	tw := tower(t, host, names, quick(), watchtower.WithRolling(true), watchtower.WithObserver(seen))
	r := update(t, tw)
	require.NoError(t, r.Err())
	var want []string
	for _, name := range names {
		for _, step := range []string{"create", "start", "verify", "rename", "stop", "remove", "updated"} {
			want = append(want, name+" "+step)
		}
	}
	assert.Equal(t, want, seen.all)

	reg.Push(t, "roll:1", enginehost.Image{Cmd: []string{"false"}})
	r = update(t, tw)
	assert.Equal(t, watchtower.StatusRolledBack, entry(t, r, "roll-a").Status, "%v", entry(t, r, "roll-a").Err)
	for _, name := range names[1:] {
		assert.Equal(t, watchtower.StatusSkipped, entry(t, r, name).Status)
		assert.Contains(t, entry(t, r, name).Reason, "failed on another container")
	}
}

func TestOneImageForManyIsPulledOnce(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "shared:1", enginehost.Image{})
	host.Pull(t, ref, "")
	names := []string{"shared-a", "shared-b", "shared-c"}
	for _, name := range names {
		host.Run(t, name, object{"Image": ref})
	}
	reg.Push(t, "shared:1", enginehost.Image{Env: []string{"OF=shared", "VERSION=2"}})
	reg.Requests()
	tw := tower(t, host, names, quick())
	r, err := tw.Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 3, r.Count(watchtower.StatusStale))
	asked := reg.Requests()
	assert.Equal(t, "HEAD /v2/shared/manifests/1", asked[0])
	assert.Len(t, asked, 3, "and what it moved to is read once, manifest and configuration: %v", asked)
	r = update(t, tw)
	require.NoError(t, r.Err())
	assert.Equal(t, 3, r.Count(watchtower.StatusUpdated))
	asked = reg.Requests()
	assert.Equal(t, 1, count(asked, "GET /v2/shared/blobs/"), "the new configuration; the layers are there: %v", asked)
}

func count(lines []string, prefix string) int {
	n := 0
	for _, line := range lines {
		if len(line) >= len(prefix) && line[:len(prefix)] == prefix {
			n++
		}
	}
	return n
}

func TestWhatIsLeftAloneIsReportedWithTheReason(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, digest := reg.Push(t, "left:1", enginehost.Image{})
	host.Pull(t, ref, "")
	image := imageID(t, host, ref)
	host.API(t, "POST", "/commit?container="+host.Create(t, "left-source", object{"Image": ref})+"&repo=left-local&tag=1", nil, nil)
	t.Cleanup(func() { host.Status(t, "DELETE", "/images/left-local:1?force=1", nil) })
	parent := host.Run(t, "left-parent", object{"Image": ref})
	host.Run(t, "left-pinned", object{"Image": reg.Addr + "/left@" + digest})
	host.Run(t, "left-pinned-tag", object{"Image": ref + "@" + digest})
	host.Run(t, "left-id", object{"Image": image})
	host.Run(t, "left-bare-id", object{"Image": image[len("sha256:"):]})
	host.Run(t, "left-short-id", object{"Image": image[len("sha256:"):][:12]})
	host.Run(t, "left-local", object{"Image": "left-local:1"})
	host.Run(t, "left-self", object{"Image": ref, "HostConfig": object{"NetworkMode": "container:" + parent}})
	reg.Push(t, "left:1", enginehost.Image{Env: []string{"VERSION=2"}})

	tw := tower(t, host, []string{"left-.*"}, quick(), watchtower.WithSelf(host.Inspect(t, "left-self")["Id"].(string)))
	r, err := tw.Check(t.Context())
	require.NoError(t, err)
	for name, want := range map[string]string{
		"left-source":     "it is created",
		"left-parent":     "stale, but left-self moves with it: this watchtower runs in it",
		"left-pinned":     "pinned to a digest",
		"left-pinned-tag": "pinned to a digest",
		"left-id":         "created from an image ID: no reference to follow",
		"left-bare-id":    "created from an image ID: no reference to follow",
		"left-short-id":   "created from an image ID: no reference to follow",
		"left-local":      "its image was built or loaded here",
		"left-self":       "this watchtower runs in it",
	} {
		e := entry(t, r, name)
		assert.Equal(t, watchtower.StatusSkipped, e.Status, name)
		assert.Equal(t, want, e.Reason, name)
	}
}

func TestAHandPulledTagStillMakesAContainerStale(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "byhand:1", enginehost.Image{})
	host.Pull(t, ref, "")
	host.Run(t, "byhand", object{"Image": ref})
	reg.Push(t, "byhand:1", enginehost.Image{Env: []string{"VERSION=2"}})
	host.Pull(t, ref, "")
	seen := 0
	r := update(t, tower(t, host, []string{"byhand"}, quick(), watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
		if _, ok := e.(watchtower.PullStarted); ok {
			seen++
		}
	}))))
	e := entry(t, r, "byhand")
	require.NoError(t, e.Err)
	assert.Equal(t, watchtower.StatusUpdated, e.Status)
	assert.Equal(t, ref, e.Container.Image, "the reference, although the list shows an ID")
	assert.Zero(t, seen, "what is there is not pulled")
	assert.Equal(t, ref, host.Inspect(t, "byhand")["Config"].(object)["Image"])
}

func TestAContainerThatIsRestartedForEverGetsItsFix(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "loop:1", enginehost.Image{Cmd: []string{"sh", "-c", "exit 1"}})
	host.Pull(t, ref, "")
	id := host.Run(t, "loop", object{"Image": ref, "HostConfig": object{"RestartPolicy": object{"Name": "always"}}})
	restarting := func() bool { return host.Inspect(t, "loop")["State"].(object)["Restarting"].(bool) }
	require.Eventually(t, restarting, 10*time.Second, 20*time.Millisecond)

	reg.Push(t, "loop:1", enginehost.Image{Cmd: []string{"sh", "-c", "exit 2"}})
	tw := tower(t, host, []string{"loop"}, quick())
	e := entry(t, update(t, tw), "loop")
	assert.Equal(t, watchtower.StatusRolledBack, e.Status, e.Err)
	assert.Equal(t, id, host.Inspect(t, "loop")["Id"])
	require.Eventually(t, restarting, 10*time.Second, 20*time.Millisecond, "it is left as it was")

	reg.Push(t, "loop:1", enginehost.Image{})
	e = entry(t, update(t, tw), "loop")
	assert.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
	assert.Equal(t, "running", host.Inspect(t, "loop")["State"].(object)["Status"])
	assert.Equal(t, []string{"loop"}, named(t, host, "loop"), "nothing else is left")
}
