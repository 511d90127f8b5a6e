package watchtower_test

import (
	"archive/tar"
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// scenario is something that shows a feature: a container of the image that ref
// names, and what is done about it at the engine's address.
type scenario struct {
	body object // beside its image
	next []enginehost.Image
	do   func(t *testing.T, name string, front *enginehost.Host)
	base []dockerengine.Feature // what it needs besides
	old  bool                   // the engine is to speak API 1.41 at most
}

// updates makes an update for each image that comes.
func updates(opts ...watchtower.Option) func(*testing.T, string, *enginehost.Host) {
	return func(t *testing.T, name string, front *enginehost.Host) {
		t.Helper()
		e := entry(t, update(t, tower(t, front, []string{name}, append(opts, quick())...)), name)
		t.Log(e.Status, e.Err)
		require.Contains(t, []watchtower.Status{watchtower.StatusUpdated, watchtower.StatusRolledBack}, e.Status, "%s %v", e.Reason, e.Err)
	}
}

func scenarios(t *testing.T, host *enginehost.Host) map[dockerengine.Feature]scenario {
	t.Helper()
	looked := []dockerengine.Feature{dockerengine.FeatureCheck, dockerengine.FeatureRegistries}
	updated := append(slices.Clone(looked), dockerengine.FeatureUpdate)
	good, bad := enginehost.Image{Env: []string{"VERSION=2"}}, enginehost.Image{Cmd: []string{"false"}}
	probe, err := lifecycle.ParseProbe("exec:true")
	require.NoError(t, err)
	page, err := lifecycle.ParseProbe("tcp://:8089")
	require.NoError(t, err)
	serves := enginehost.Image{Env: []string{"VERSION=2"}, Cmd: []string{"sh", "-c", "httpd -f -p 8089"}}
	host.Network(t, "traffic-a", "")
	host.Network(t, "traffic-b", "")
	check := func(t *testing.T, name string, front *enginehost.Host) {
		t.Helper()
		r, err := tower(t, front, []string{name}).Check(t.Context())
		require.NoError(t, err)
		require.Equal(t, watchtower.StatusStale, entry(t, r, name).Status)
	}
	return map[dockerengine.Feature]scenario{
		dockerengine.FeatureCheck:      {next: []enginehost.Image{good}, do: check, base: looked[1:]},
		dockerengine.FeatureRegistries: {next: []enginehost.Image{good}, do: check, base: looked[:1]},
		// One that fails puts the tag back, and one that does not goes all the way.
		dockerengine.FeatureUpdate: {next: []enginehost.Image{bad, good}, do: updates(), base: append(slices.Clone(looked), dockerengine.FeatureLogs)},
		dockerengine.FeatureLogs:   {next: []enginehost.Image{bad, good}, do: updates(), base: updated},
		dockerengine.FeaturePaused: {next: []enginehost.Image{good}, base: updated, do: func(t *testing.T, name string, front *enginehost.Host) {
			t.Helper()
			host.API(t, "POST", "/containers/"+name+"/pause", nil, nil)
			updates(watchtower.WithStates(lifecycle.StatePaused))(t, name, front)
		}},
		dockerengine.FeatureFiles: {
			body: object{"Labels": object{"com.docker.compose.project": "traffic"}},
			next: []enginehost.Image{good}, base: updated, do: func(t *testing.T, name string, front *enginehost.Host) {
				t.Helper()
				copyInto(t, host, name)
				updates()(t, name, front)
			},
		},
		dockerengine.FeatureNetworks: {
			body: object{"HostConfig": object{"NetworkMode": "traffic-a"}}, old: true,
			next: []enginehost.Image{good}, base: updated, do: func(t *testing.T, name string, front *enginehost.Host) {
				t.Helper()
				host.API(t, "POST", "/networks/traffic-b/connect", object{"Container": name}, nil)
				updates()(t, name, front)
			},
		},
		dockerengine.FeatureSignal: {old: true, base: updated, do: func(t *testing.T, name string, front *enginehost.Host) {
			t.Helper()
			e, err := dockerengine.New(dockerengine.WithHost(front.Address))
			require.NoError(t, err)
			require.NoError(t, e.Stop(t.Context(), name, lifecycle.StopOptions{Signal: "SIGINT"}))
		}},
		dockerengine.FeatureStartFirst: {
			body: object{"HostConfig": object{"NetworkMode": "traffic-a"}, "NetworkingConfig": object{"EndpointsConfig": object{
				"traffic-a": object{"Aliases": []string{"alias"}},
			}}},
			next: []enginehost.Image{good}, base: updated, do: updates(watchtower.WithUpdateOrder(lifecycle.StartFirst)),
		},
		dockerengine.FeatureExec: {next: []enginehost.Image{good}, base: updated, do: updates(watchtower.WithProbe(probe, 5*time.Second))},
		dockerengine.FeatureProbe: {
			body: object{"HostConfig": object{"NetworkMode": "host"}},
			next: []enginehost.Image{serves}, base: updated, do: updates(watchtower.WithProbe(page, 5*time.Second)),
		},
		dockerengine.FeatureCleanup: {next: []enginehost.Image{good}, base: updated, do: updates(watchtower.WithCleanup(true))},
	}
}

// copyInto writes a file as Compose does: of a whole second.
func copyInto(t *testing.T, host *enginehost.Host, name string) {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "etc/copied", Mode: 0o444, Size: 2, ModTime: time.Now().Truncate(time.Second)}))
	_, err := w.Write([]byte("42"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	e, err := dockerengine.New(dockerengine.WithHost(host.Address))
	require.NoError(t, err)
	require.NoError(t, e.CopyTo(t.Context(), name, &archive))
}

// The list of endpoints is what is really asked: no more, and no less.
func TestTheListOfEndpointsIsWhatIsAsked(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	all := scenarios(t, host)
	for _, ep := range dockerengine.Endpoints() {
		assert.Contains(t, all, ep.Feature)
		assert.NotEmpty(t, ep.Feature.Costs())
	}
	for feature, sc := range all {
		t.Run(string(feature), func(t *testing.T) {
			address := host.Address
			if sc.old {
				address = host.Claim(t, "1.24", "1.41").Address
			}
			front := enginehost.NewFront(t, address, nil)
			name := "traffic-" + string(feature)
			ref, _ := reg.Push(t, name+":1", enginehost.Image{Env: []string{"OF=" + name}})
			host.Pull(t, ref, "")
			body := object{"Image": ref}
			for key, value := range sc.body {
				body[key] = value
			}
			host.Run(t, name, body)
			if len(sc.next) == 0 {
				sc.do(t, name, &enginehost.Host{Address: front.Address})
			}
			for _, next := range sc.next {
				reg.Push(t, name+":1", next)
				sc.do(t, name, &enginehost.Host{Address: front.Address})
			}
			seen, strange := sorted(front.Requests())
			assert.Empty(t, strange, "of no endpoint in the list")
			var want []string
			for _, ep := range dockerengine.Endpoints() {
				line := ep.Method + " " + ep.Path
				switch {
				case slices.Contains(sc.base, ep.Feature):
					seen = slices.DeleteFunc(seen, func(s string) bool { return s == line })
				case ep.Feature == feature:
					want = append(want, line)
				}
			}
			assert.ElementsMatch(t, want, seen)
			t.Logf("%-12s %s", feature, strings.Join(seen, ", "))
		})
	}
}

// sorted are the endpoints of requests, each once, and the requests of none.
func sorted(requests []string) (seen, strange []string) {
	for _, request := range requests {
		method, path, _ := strings.Cut(request, " ")
		i := slices.IndexFunc(dockerengine.Endpoints(), func(ep dockerengine.Endpoint) bool { return ep.Match(method, path) })
		if i < 0 {
			strange = append(strange, request)
			continue
		}
		ep := dockerengine.Endpoints()[i]
		if line := ep.Method + " " + ep.Path; !slices.Contains(seen, line) {
			seen = append(seen, line)
		}
	}
	return seen, strange
}
