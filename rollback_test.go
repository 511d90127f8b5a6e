package watchtower_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// quick is long enough for a container that fails to have failed.
func quick() watchtower.Option { return watchtower.WithStableTime(700 * time.Millisecond) }

func TestABadImageEndsWithTheOldContainerRunning(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	tests := []struct {
		name   string
		bad    enginehost.Image
		policy string
		want   string
	}{
		{"the entrypoint is missing", enginehost.Image{Entrypoint: []string{"/nowhere"}}, "no", "/nowhere"},
		{"it exits at once", enginehost.Image{Cmd: []string{"sh", "-c", "echo cannot run; exit 1"}}, "no", "exit code 1"},
		{"it is restarted for ever", enginehost.Image{Cmd: []string{"sh", "-c", "echo cannot run; exit 1"}}, "always", "it restarts"},
		{
			"it is unhealthy",
			enginehost.Image{Healthcheck: object{"Test": []string{"CMD-SHELL", "echo sick; exit 1"}, "Interval": 200e6, "Retries": 1}},
			"no", "it is unhealthy: sick",
		},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := fmt.Sprintf("bad-%d", i)
			ref, _ := reg.Push(t, name+":1", enginehost.Image{})
			host.Pull(t, ref, "")
			old := host.Run(t, name, object{"Image": ref, "HostConfig": object{"RestartPolicy": object{"Name": tt.policy}}})
			before := host.Inspect(t, name)
			reg.Push(t, name+":1", tt.bad)
			tw := tower(t, host, []string{name}, quick())

			e := entry(t, update(t, tw), name)
			require.Error(t, e.Err)
			assert.Equal(t, watchtower.StatusRolledBack, e.Status)
			assert.Contains(t, e.Err.Error(), "update "+name)
			assert.Contains(t, e.Err.Error(), tt.want)
			assert.True(t, errdefs.IsAborted(e.Err))
			require.NotNil(t, e.Failure)
			t.Logf("%v | %+v | downtime: %v", e.Err, *e.Failure, e.Downtime)

			after := host.Inspect(t, name)
			assert.Equal(t, old, after["Id"])
			assert.Equal(t, "/"+name, after["Name"])
			assert.Equal(t, true, after["State"].(object)["Running"])
			assert.Equal(t, before["Config"], after["Config"])
			assert.Equal(t, before["HostConfig"], after["HostConfig"])
			assert.Equal(t, []string{name}, named(t, host, name), "nothing else is left")

			again := entry(t, update(t, tw), name)
			assert.Equal(t, watchtower.StatusSkipped, again.Status, "the digest is not tried again")
			assert.Equal(t, after["State"], host.Inspect(t, name)["State"], "nothing was restarted")

			reg.Push(t, name+":1", enginehost.Image{Env: []string{"VERSION=3"}})
			assert.Equal(t, watchtower.StatusUpdated, entry(t, update(t, tw), name).Status, "another digest is")
		})
	}
}

// named lists the containers that have to do with a service.
func named(t *testing.T, host *enginehost.Host, service string) []string {
	t.Helper()
	var out []string
	for _, name := range host.List(t) {
		if len(name) >= len(service) && name[:len(service)] == service {
			out = append(out, name)
		}
	}
	return out
}

func TestTheTagGoesBackWithTheContainer(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "tagback:1", enginehost.Image{})
	host.Pull(t, ref, "")
	host.Run(t, "tagback", object{"Image": ref})
	before := imageID(t, host, ref)
	reg.Push(t, "tagback:1", enginehost.Image{Cmd: []string{"false"}})
	e := entry(t, update(t, tower(t, host, []string{"tagback"}, quick())), "tagback")
	assert.Equal(t, watchtower.StatusRolledBack, e.Status)
	assert.Equal(t, before, imageID(t, host, ref))
}

func imageID(t *testing.T, host *enginehost.Host, ref string) string {
	t.Helper()
	var image struct{ Id string } //nolint:revive // the engine's spelling
	host.API(t, http.MethodGet, "/images/"+ref+"/json", nil, &image)
	return image.Id
}

// What is not running stays so, on the new image; what removes itself when it is
// stopped is replaced all the same.
func TestTheStateIsLeftAsFound(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	all := watchtower.WithStates("running", "created", "exited", "paused")
	tests := []struct {
		name, was, is string
		prepare       func(t *testing.T, name string)
		host          object
	}{
		{"created", "created", "created", nil, nil},
		{"stopped", "exited", "created", func(t *testing.T, name string) {
			t.Helper()
			host.API(t, "POST", "/containers/"+name+"/start", nil, nil)
			host.API(t, "POST", "/containers/"+name+"/stop", nil, nil)
		}, nil},
		{"paused", "paused", "paused", func(t *testing.T, name string) {
			t.Helper()
			host.API(t, "POST", "/containers/"+name+"/start", nil, nil)
			host.API(t, "POST", "/containers/"+name+"/pause", nil, nil)
		}, nil},
		{"removed when stopped", "running", "running", func(t *testing.T, name string) {
			t.Helper()
			host.API(t, "POST", "/containers/"+name+"/start", nil, nil)
			host.Exec(t, name, "sh", "-c", "echo precious > /data/file")
		}, object{"AutoRemove": true}},
	}
	for i, tt := range tests {
		for _, bad := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, bad image: %v", tt.name, bad), func(t *testing.T) {
				name := fmt.Sprintf("state-%d-%v", i, bad)
				ref, _ := reg.Push(t, name+":1", enginehost.Image{Volumes: []string{"/data"}})
				host.Pull(t, ref, "")
				old := host.Create(t, name, object{"Image": ref, "HostConfig": tt.host})
				if tt.prepare != nil {
					tt.prepare(t, name)
				}
				volume := mountAt(host.Inspect(t, name), "/data")
				next := enginehost.Image{Volumes: []string{"/data"}, Env: []string{"VERSION=2"}}
				if bad {
					next.Cmd = []string{"false"}
				}
				reg.Push(t, name+":1", next)
				e := entry(t, update(t, tower(t, host, []string{name}, quick(), all)), name)
				after := host.Inspect(t, name)
				t.Log(e.Status, e.Err, e.Warnings)
				// What is not started proves nothing, and is replaced.
				if bad && (tt.was == "running" || tt.was == "paused") {
					assert.Equal(t, watchtower.StatusRolledBack, e.Status)
					assert.Equal(t, tt.was, after["State"].(object)["Status"])
					assert.Equal(t, tt.host == nil, after["Id"] == old, "the old container, or a copy of one that removes itself")
				} else {
					require.NoError(t, e.Err)
					assert.Equal(t, watchtower.StatusUpdated, e.Status)
					assert.Equal(t, tt.is, after["State"].(object)["Status"])
					assert.NotEqual(t, old, after["Id"])
				}
				assert.Equal(t, volume, mountAt(after, "/data"), "its volume")
				assert.Equal(t, []string{name}, named(t, host, name), "nothing else is left")
				if tt.host != nil {
					assert.Equal(t, "precious", host.Exec(t, name, "cat", "/data/file"))
				}
				host.RemoveAll(t, name)
				host.Status(t, "DELETE", "/volumes/"+volume, nil)
			})
		}
	}
}
