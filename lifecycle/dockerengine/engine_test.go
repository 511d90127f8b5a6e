package dockerengine_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

func TestMain(m *testing.M) {
	if os.Getenv("FAKE_SSH") != "" {
		os.Exit(fakeSSH())
	}
	os.Exit(enginehost.Run(m))
}

type object = enginehost.Object

func connect(t *testing.T, host *enginehost.Host) *dockerengine.Engine {
	t.Helper()
	e, err := dockerengine.New(dockerengine.WithHost(host.Address))
	require.NoError(t, err)
	return e
}

func TestDescribe(t *testing.T) {
	host := enginehost.Engine(t)
	e := connect(t, host)
	require.NoError(t, e.Ping(t.Context()))
	info, err := e.Describe(t.Context())
	require.NoError(t, err)
	assert.Equal(t, host.Version, info.Version)
	assert.Equal(t, host.Address, info.Address)
	assert.NotEmpty(t, info.APIVersion)
	assert.Regexp(t, `^linux/`, info.Platform)
}

func TestListsAndInspects(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	e := connect(t, host)
	ref, digest := reg.Push(t, "seen:1", enginehost.Image{Env: []string{"VERSION=1"}, Volumes: []string{"/data"}, Labels: map[string]string{"c": "d"}})
	host.Pull(t, ref, "")
	id := host.Run(t, "seen", object{"Image": ref, "Labels": object{"a": "b"}, "HostConfig": object{"Memory": 64 << 20}})
	host.Run(t, "seen-linked", object{"Image": ref, "HostConfig": object{"Links": []string{"seen:alias"}}})

	list, err := e.Containers(t.Context())
	require.NoError(t, err)
	var found lifecycle.Container
	for _, c := range list {
		if c.ID == id {
			found = c
		}
	}
	assert.Equal(t, "seen", found.Name, "its own name, not the one a link adds")
	assert.Equal(t, ref, found.Image)
	assert.Equal(t, lifecycle.StateRunning, found.State)
	assert.Equal(t, "b", found.Labels["a"])

	snap, err := e.Inspect(t.Context(), "seen")
	require.NoError(t, err)
	assert.Equal(t, found.ImageID, snap.ImageID)
	assert.Equal(t, ref, snap.Image)
	assert.Equal(t, "67108864", snap.HostConfig["Memory"].(json.Number).String())
	require.Len(t, snap.Mounts, 1)
	assert.Equal(t, "/data", snap.Mounts[0].Destination)
	assert.Len(t, snap.Mounts[0].Name, 64, "an anonymous volume")

	image, err := e.InspectImage(t.Context(), ref)
	require.NoError(t, err)
	assert.Equal(t, found.ImageID, image.ID)
	assert.Equal(t, "linux/amd64", image.Platform)
	assert.Contains(t, image.Config.Texts("Env"), "VERSION=1")
	assert.Contains(t, image.Digests, reg.Addr+"/seen@"+digest)
	images, err := e.Images(t.Context())
	require.NoError(t, err)
	created := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	assert.True(t, image.Created.Equal(created), "%v", image.Created)
	for _, i := range images {
		if i.ID == image.ID {
			assert.Equal(t, map[string]string{"c": "d"}, i.Labels)
			assert.True(t, i.Created.Equal(created), "%v", i.Created)
		}
		for _, text := range append(i.Tags, i.Digests...) {
			assert.NotContains(t, text, "<none>")
		}
	}
}

func TestCreateJoinsEveryNetwork(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	e := connect(t, host)
	ref, _ := reg.Push(t, "joins:1", enginehost.Image{})
	host.Pull(t, ref, "")
	host.Network(t, "joins-a", "10.93.0.0/24")
	host.Network(t, "joins-b", "10.94.0.0/24")
	spec := lifecycle.Spec{
		Config:     lifecycle.Document{"Image": ref},
		HostConfig: lifecycle.Document{"NetworkMode": "joins-a"},
		Networks: map[string]lifecycle.Document{
			"joins-a": {"IPAMConfig": object{"IPv4Address": "10.93.0.50"}, "Aliases": []string{"one"}},
			"joins-b": {"Aliases": []string{"two"}},
		},
	}
	t.Cleanup(func() { host.RemoveAll(t, "joins") })
	id, err := e.Create(t.Context(), lifecycle.CreateOptions{Name: "joins", Platform: "linux/amd64", Spec: spec})
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), id))
	snap, err := e.Inspect(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, "10.93.0.50", snap.Networks["joins-a"].Text("IPAddress"))
	assert.Contains(t, snap.Networks["joins-a"].Texts("Aliases"), "one")
	assert.Contains(t, snap.Networks["joins-b"].Texts("Aliases"), "two")

	_, err = e.Create(t.Context(), lifecycle.CreateOptions{Name: "joins", Spec: spec})
	assert.True(t, errdefs.IsConflict(err), "%v", err)
	spec.Networks["bridge"] = lifecycle.Document{"Aliases": []string{"refused here"}}
	_, err = e.Create(t.Context(), lifecycle.CreateOptions{Name: "joins-not", Spec: spec})
	require.ErrorContains(t, err, "connect to bridge")
	assert.NotContains(t, host.List(t), "joins-not", "half a container is none")
}

func TestLifecycleOfAContainer(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	e := connect(t, host)
	ctx := t.Context()
	ref, _ := reg.Push(t, "lives:1", enginehost.Image{Cmd: []string{"sh", "-c", `trap "echo hup; exit 7" HUP; echo up; while :; do sleep 1000 & wait $!; done`}})
	host.Pull(t, ref, "")
	t.Cleanup(func() { host.RemoveAll(t, "lives"); host.RemoveAll(t, "lives2") })
	id, err := e.Create(ctx, lifecycle.CreateOptions{Name: "lives", Spec: lifecycle.Spec{Config: lifecycle.Document{"Image": ref}}})
	require.NoError(t, err)
	require.NoError(t, e.Rename(ctx, id, "lives2"))
	assert.True(t, errdefs.IsNotFound(e.Start(ctx, "lives")), "a former name")
	require.NoError(t, e.Start(ctx, "lives2"))
	require.NoError(t, e.Start(ctx, id), "starting what runs is no error")
	assert.True(t, errdefs.IsConflict(e.Remove(ctx, id, lifecycle.RemoveOptions{})), "it is up")
	require.NoError(t, e.Pause(ctx, id))
	require.NoError(t, e.Stop(ctx, id, lifecycle.StopOptions{Timeout: new(time.Duration)}))
	require.NoError(t, e.Stop(ctx, id, lifecycle.StopOptions{}), "stopping what is not up is no error")

	require.NoError(t, e.Start(ctx, id))
	require.Eventually(t, func() bool { return strings.Count(logs(t, e, id), "up") == 2 }, 10*time.Second, 20*time.Millisecond)
	require.NoError(t, e.Stop(ctx, id, lifecycle.StopOptions{Signal: "HUP"}))
	snap, err := e.Inspect(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, 7, snap.Status.ExitCode, "it took the signal, although API 1.41's stop has none")
	assert.Contains(t, logs(t, e, id), "hup")
	require.NoError(t, e.Remove(ctx, id, lifecycle.RemoveOptions{}))
	_, err = e.Inspect(ctx, id)
	assert.True(t, errdefs.IsNotFound(err))
}

func logs(t *testing.T, e *dockerengine.Engine, id string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, e.Logs(t.Context(), id, 10, &out))
	return out.String()
}

func TestPull(t *testing.T) {
	host := enginehost.Engine(t)
	e := connect(t, host)
	ctx := t.Context()
	login := credentials.Credential{Username: "user", Password: credentials.NewSecret("canary")}
	wrong := credentials.Credential{Username: "user", Password: credentials.NewSecret("wrong-canary")}
	for name, opts := range map[string][]enginehost.RegistryOption{
		"open": nil, "basic": {enginehost.WithBasicAuth(t, "user", "canary")}, "token": {enginehost.WithTokenAuth(t, "user", "canary")},
	} {
		t.Run(name, func(t *testing.T) {
			reg := enginehost.StartRegistry(t, opts...)
			ref, _ := reg.Push(t, "pulled-"+name+":1", enginehost.Image{Env: []string{"OF=" + name}, Files: map[string]string{"of": name}})
			var seen []string
			pull := lifecycle.PullOptions{Reference: ref, Platform: "linux/amd64", Credential: login, Progress: func(p lifecycle.PullProgress) {
				seen = append(seen, p.Status)
			}}
			require.NoError(t, e.Pull(ctx, pull))
			assert.Contains(t, strings.Join(seen, "\n"), "Pull complete")
			if opts != nil {
				pull.Credential = wrong
				err := e.Pull(ctx, pull)
				require.Error(t, err)
				assert.True(t, errdefs.IsUnauthorized(err), "%v", err)
				assert.NotContains(t, err.Error(), "canary")
				assert.NotContains(t, err.Error(), base64.StdEncoding.EncodeToString([]byte("user:wrong-canary")))
			}
			pull.Credential, pull.Reference = login, reg.Addr+"/pulled-"+name+":none"
			assert.True(t, errdefs.IsNotFound(e.Pull(ctx, pull)))
		})
	}
	t.Run("cut in the middle of a layer", func(t *testing.T) {
		reg := enginehost.StartRegistry(t)
		ref, _ := reg.Push(t, "cut:1", enginehost.Image{Env: []string{"CUT=1"}, Files: map[string]string{"big": strings.Repeat("cut", 1<<20)}})
		reg.Break(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
				return false
			}
			w.Header().Set("Content-Length", "1000000")
			_, _ = w.Write([]byte("half of it"))
			panic(http.ErrAbortHandler)
		})
		ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
		defer cancel()
		require.Error(t, e.Pull(ctx, lifecycle.PullOptions{Reference: ref}))
		assert.False(t, host.ImageExists(t, ref))
	})
}

func TestImagesAreNeverRemovedByForce(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	e := connect(t, host)
	ctx := t.Context()
	ref, _ := reg.Push(t, "forced:1", enginehost.Image{Env: []string{"OF=forced"}})
	host.Pull(t, ref, "")
	image, err := e.InspectImage(ctx, ref)
	require.NoError(t, err)
	host.Create(t, "forced", object{"Image": ref})
	assert.True(t, errdefs.IsConflict(e.RemoveImage(ctx, image.ID)), "a container uses it")
	require.NoError(t, e.Remove(ctx, "forced", lifecycle.RemoveOptions{}))
	require.NoError(t, e.Tag(ctx, image.ID, "forced-other:1"))
	assert.True(t, errdefs.IsConflict(e.RemoveImage(ctx, image.ID)), "it has two tags")
	require.NoError(t, e.RemoveImage(ctx, "forced-other:1"))
	require.NoError(t, e.RemoveImage(ctx, image.ID))
	_, err = e.InspectImage(ctx, image.ID)
	assert.True(t, errdefs.IsNotFound(err))
}
