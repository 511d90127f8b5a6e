package watchtower_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"maps"
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

// scenario is what shows a feature: a container of an image that moves on.
type scenario struct {
	body    object // beside its image
	next    []enginehost.Image
	prepare func(t *testing.T, name string)
	opts    []watchtower.Option
	base    []dockerengine.Feature // what it needs besides
	old     bool                   // the engine is to speak API 1.41 at most
	// ask is what is done at the engine's address; nil: an update.
	ask func(t *testing.T, name string, front *enginehost.Host)
}

// scenarios are those of a test, which has networks of its name, and one port of the
// host's own.
func scenarios(t *testing.T, host *enginehost.Host, name, port string) map[dockerengine.Feature]scenario {
	t.Helper()
	looked := []dockerengine.Feature{dockerengine.FeatureCheck, dockerengine.FeatureRegistries}
	updated := append(slices.Clone(looked), dockerengine.FeatureUpdate)
	good, bad := enginehost.Image{Env: []string{"VERSION=2"}}, enginehost.Image{Cmd: []string{"false"}}
	command, err := lifecycle.ParseProbe("exec:true")
	require.NoError(t, err)
	page, err := lifecycle.ParseProbe("tcp://:" + port)
	require.NoError(t, err)
	serves := enginehost.Image{Env: []string{"VERSION=2"}, Cmd: []string{"sh", "-c", "httpd -f -p " + port}}
	netA, netB := name+"-a", name+"-b"
	host.Network(t, netA, "")
	host.Network(t, netB, "")
	check := func(t *testing.T, name string, front *enginehost.Host) {
		t.Helper()
		r, err := tower(t, front, []string{name}).Check(t.Context())
		require.NoError(t, err)
		require.Equal(t, watchtower.StatusStale, entry(t, r, name).Status)
	}
	return map[dockerengine.Feature]scenario{
		dockerengine.FeatureCheck:      {next: []enginehost.Image{good}, ask: check, base: looked[1:]},
		dockerengine.FeatureRegistries: {next: []enginehost.Image{good}, ask: check, base: looked[:1]},
		// One that fails puts the tag back, and one that does not goes all the way.
		dockerengine.FeatureUpdate: {next: []enginehost.Image{good, bad}, base: append(slices.Clone(looked), dockerengine.FeatureLogs)},
		dockerengine.FeatureLogs:   {next: []enginehost.Image{bad}, base: updated},
		dockerengine.FeaturePaused: {
			next: []enginehost.Image{good}, base: updated, opts: []watchtower.Option{watchtower.WithStates(lifecycle.StatePaused)},
			prepare: func(t *testing.T, name string) {
				t.Helper()
				host.API(t, "POST", "/containers/"+name+"/pause", nil, nil)
			},
		},
		dockerengine.FeatureFiles: {
			body: object{"Labels": object{"com.docker.compose.project": "traffic"}}, next: []enginehost.Image{good}, base: updated,
			prepare: func(t *testing.T, name string) { t.Helper(); copyInto(t, host, name) },
		},
		dockerengine.FeatureNetworks: {
			body: object{"HostConfig": object{"NetworkMode": netA}}, next: []enginehost.Image{good}, base: updated, old: true,
			prepare: func(t *testing.T, name string) {
				t.Helper()
				host.API(t, "POST", "/networks/"+netB+"/connect", object{"Container": name}, nil)
			},
		},
		dockerengine.FeatureSignal: {base: updated, old: true, ask: func(t *testing.T, name string, front *enginehost.Host) {
			t.Helper()
			e, err := dockerengine.New(dockerengine.WithHost(front.Address))
			require.NoError(t, err)
			require.NoError(t, e.Stop(t.Context(), name, lifecycle.StopOptions{Signal: "SIGINT"}))
		}},
		dockerengine.FeatureStartFirst: {
			body: object{"HostConfig": object{"NetworkMode": netA}, "NetworkingConfig": object{"EndpointsConfig": object{
				netA: object{"Aliases": []string{"alias"}},
			}}},
			next: []enginehost.Image{good}, base: updated, opts: []watchtower.Option{watchtower.WithUpdateOrder(lifecycle.StartFirst)},
		},
		dockerengine.FeatureExec: {
			next: []enginehost.Image{good}, base: updated, opts: []watchtower.Option{watchtower.WithProbe(command, 20*time.Second)},
		},
		dockerengine.FeatureProbe: {
			body: object{"HostConfig": object{"NetworkMode": "host"}},
			next: []enginehost.Image{serves}, base: updated, opts: []watchtower.Option{watchtower.WithProbe(page, 3*time.Second)},
		},
		dockerengine.FeatureCleanup: {next: []enginehost.Image{good}, base: updated, opts: []watchtower.Option{watchtower.WithCleanup(true)}},
		dockerengine.FeatureVolumes: {
			body: object{"Volumes": object{"/data": object{}}},
			next: []enginehost.Image{good}, base: updated, opts: []watchtower.Option{watchtower.WithRemoveVolumes(true)},
		},
	}
}

// run starts its container and returns the container's ID, and the address at
// which the engine is to be reached.
func (sc scenario) run(t *testing.T, host *enginehost.Host, reg *enginehost.Registry, name string) (id, address string) {
	t.Helper()
	address = host.Address
	if sc.old {
		address = host.Claim(t, "1.24", "1.41").Address
	}
	ref, _ := reg.Push(t, name+":1", enginehost.Image{Env: []string{"OF=" + name}})
	host.Pull(t, ref, "")
	body := object{"Image": ref}
	maps.Copy(body, sc.body)
	id = host.Run(t, name, body)
	if sc.prepare != nil {
		sc.prepare(t, name)
	}
	return id, address
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
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	all := scenarios(t, host, "traffic", "8089")
	for _, ep := range dockerengine.Endpoints() {
		if ep.Feature == dockerengine.FeatureServices {
			continue // which has a test of its own, in a swarm
		}
		assert.Contains(t, all, ep.Feature)
		assert.NotEmpty(t, ep.Feature.Costs())
	}
	for feature, sc := range all {
		t.Run(string(feature), func(t *testing.T) {
			t.Parallel()
			name := "traffic_" + string(feature)
			_, address := sc.run(t, host, reg, name)
			front := enginehost.NewFront(t, address, nil)
			at := &enginehost.Host{Address: front.Address}
			for _, next := range sc.next {
				reg.Push(t, name+":1", next)
				if sc.ask == nil {
					e := entry(t, update(t, tower(t, at, []string{name}, append(sc.opts, quick())...)), name)
					require.Contains(t, []watchtower.Status{watchtower.StatusUpdated, watchtower.StatusRolledBack}, e.Status, "%s %v", e.Reason, e.Err)
				}
			}
			if sc.ask != nil {
				sc.ask(t, name, at)
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

// A proxy that denies one call of an update costs what the list says, and no
// container: what cannot be done to its end is not begun.
func TestADeniedEndpointLosesNothing(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	all := scenarios(t, host, "denied", "8088")
	for i, ep := range dockerengine.Endpoints() {
		if ep.Feature == dockerengine.FeatureServices {
			continue // of it no container is lost
		}
		t.Run(ep.Method+" "+ep.Path, func(t *testing.T) {
			t.Parallel()
			sc, name := all[ep.Feature], fmt.Sprintf("denied_%02d", i)
			old, address := sc.run(t, host, reg, name)
			front := enginehost.NewFront(t, address, func(method, path string) bool {
				return !ep.Match(method, path) && !strings.HasSuffix(ep.Path+path, "/_ping/_ping") // whatever its method
			})
			outcome, err := sc.despite(t, reg, name, front.Address, ep)
			t.Logf("%-11s %-33s %-12s %v", ep.Feature, ep.Method+" "+ep.Path, outcome, err)
			assert.NotEmpty(t, front.Refused())
			assert.Equal(t, []string{name}, named(t, host, name), "nothing else is left")
			now := host.Inspect(t, name)
			switch ep.Feature {
			case dockerengine.FeatureSignal:
				return // what is stopped is down
			case dockerengine.FeatureRegistries, dockerengine.FeatureCleanup, dockerengine.FeatureVolumes:
				require.NoError(t, err)
				assert.Equal(t, watchtower.StatusUpdated, outcome, "it can do without")
			case dockerengine.FeatureProbe:
				assert.Equal(t, watchtower.StatusSkipped, outcome)
				assert.Equal(t, old, now["Id"])
			default:
				require.Error(t, err)
				assert.Equal(t, old, now["Id"], "it is the old one")
			}
			assert.Equal(t, true, now["State"].(object)["Running"])
		})
	}
}

// despite makes an update although the endpoint is denied, or stops the container
// if there is none to be made.
func (sc scenario) despite(t *testing.T, reg *enginehost.Registry, name, address string, ep dockerengine.Endpoint) (watchtower.Status, error) {
	t.Helper()
	if len(sc.next) == 0 {
		e, err := dockerengine.New(dockerengine.WithHost(address))
		require.NoError(t, err)
		return "", e.Stop(t.Context(), name, lifecycle.StopOptions{Signal: "SIGINT"})
	}
	next := sc.next[0]
	if strings.HasSuffix(ep.Path, "/tag") {
		next = sc.next[1] // which is asked for only when something failed
	}
	reg.Push(t, name+":1", next)
	r, err := tower(t, &enginehost.Host{Address: address}, []string{name}, append(sc.opts, quick())...).Update(t.Context())
	if err != nil {
		return "", err
	}
	e := entry(t, r, name)
	return e.Status, e.Err
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
