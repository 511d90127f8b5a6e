package dockerengine_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

func ExampleEndpoints() {
	for _, ep := range dockerengine.Endpoints() {
		if ep.Feature == dockerengine.FeatureCleanup {
			fmt.Println(ep.Method, ep.Path, "-", ep.Why)
			fmt.Println("without:", ep.Feature.Costs())
		}
	}
	// Output:
	// DELETE /images/{name} - remove the image that was replaced
	// without: replaced images stay
}

func TestAnEndpointIsFoundInARequest(t *testing.T) {
	t.Parallel()
	find := func(method, path string) string {
		for _, ep := range dockerengine.Endpoints() {
			if ep.Match(method, path) {
				return ep.Path
			}
		}
		return ""
	}
	for _, tt := range []struct{ method, path, want string }{
		{"HEAD", "/_ping", "/_ping"},
		{"GET", "/v1.41/containers/json", "/containers/json"},
		{"GET", "/containers/json", "/containers/json"},
		{"GET", "/v1.41/containers/web/json", "/containers/{id}/json"},
		{"GET", "/v1.41/containers/a/b/json", ""},
		{"GET", "/v1.41/images/json", "/images/json"},
		{"GET", "/v1.41/images/127.0.0.1:5000/a/b:1/json", "/images/{name}/json"},
		{"POST", "/v1.41/images/create", "/images/create"},
		{"POST", "/v1.41/images/a/b:1/tag", "/images/{name}/tag"},
		{"POST", "/v1.41/images/a/push", ""},
		{"DELETE", "/v1.41/images/sha256:0", "/images/{name}"},
		{"DELETE", "/v1.41/containers/web", "/containers/{id}"},
		{"DELETE", "/v1.41/containers/", ""},
		{"POST", "/v1.41/containers/web", ""},
		{"POST", "/v1.41/containers/prune", ""},
		{"DELETE", "/v1.41/volumes/0", "/volumes/{id}"},
		{"POST", "/v1.41/exec/0/start", "/exec/{id}/start"},
		{"GET", "/v1.41/secrets", ""},
	} {
		assert.Equal(t, tt.want, find(tt.method, tt.path), "%s %s", tt.method, tt.path)
	}
}

// What can be told of an endpoint without calling it for anything.
func TestATrialChangesNothing(t *testing.T) {
	host := enginehost.Engine(t)
	front := enginehost.NewFront(t, host.Address, nil)
	e, err := dockerengine.New(dockerengine.WithHost(front.Address))
	require.NoError(t, err)
	look := func() (out []string) {
		for _, path := range []string{"/containers/json?all=1", "/images/json?all=1", "/networks"} {
			var list []struct{ Id string } //nolint:revive // the engine's spelling
			host.API(t, http.MethodGet, path, nil, &list)
			for _, one := range list {
				out = append(out, path+" "+one.Id)
			}
		}
		return out
	}
	before := look()
	for _, ep := range dockerengine.Endpoints() {
		require.NoError(t, e.Try(t.Context(), ep), "%s %s", ep.Method, ep.Path)
		asked := front.Requests()
		method, path, _ := strings.Cut(asked[len(asked)-1], " ")
		assert.True(t, ep.Match(method, path), "%s %s was tried by %s", ep.Method, ep.Path, asked)
	}
	assert.ElementsMatch(t, before, look())
	err = e.Try(t.Context(), dockerengine.Endpoint{Method: "POST", Path: "/frobnicate"})
	require.ErrorIs(t, err, errdefs.ErrNotImplemented)
	assert.EqualError(t, err, "dockerengine: try POST /frobnicate: 404 Not Found: page not found")
}

func TestATrialFindsOutWhatIsDenied(t *testing.T) {
	host := enginehost.Engine(t)
	for _, ep := range dockerengine.Endpoints() {
		front := enginehost.NewFront(t, host.Address, func(method, path string) bool {
			return !ep.Match(method, path) && !strings.HasSuffix(ep.Path+path, "/_ping/_ping") // whatever its method
		})
		e, err := dockerengine.New(dockerengine.WithHost(front.Address))
		require.NoError(t, err)
		for _, other := range dockerengine.Endpoints() {
			err := e.Try(t.Context(), other)
			if other.Method == ep.Method && other.Path == ep.Path {
				require.ErrorIs(t, err, errdefs.ErrPermissionDenied, "%s %s", ep.Method, ep.Path)
				continue
			}
			require.NoError(t, err, "%s %s, without %s %s", other.Method, other.Path, ep.Method, ep.Path)
		}
	}
	e, err := dockerengine.New(dockerengine.WithHost("unix:///nowhere.sock"))
	require.NoError(t, err)
	require.ErrorIs(t, e.Try(t.Context(), dockerengine.Endpoints()[1]), errdefs.ErrUnavailable)
}

// An engine that answers like Docker refuses in words of its own.
func TestPodmanIsNotTakenForOneThatDenies(t *testing.T) {
	e, err := dockerengine.New(dockerengine.WithHost(enginehost.StartPodman(t).Address))
	require.NoError(t, err)
	for _, ep := range dockerengine.Endpoints() {
		if err := e.Try(t.Context(), ep); ep.Feature != dockerengine.FeatureServices {
			assert.NoError(t, err, "%s %s", ep.Method, ep.Path)
		} else if ep.Path == "/services" {
			assert.ErrorContains(t, err, "404 Not Found, which is not the engine's answer", "it has none, in words that anybody could say")
		}
	}
}

func TestAPreflightNamesAllThatAnUpdateWouldMiss(t *testing.T) {
	host := enginehost.Engine(t)
	front := enginehost.NewFront(t, host.Address, func(method, path string) bool {
		return method != http.MethodDelete && !strings.HasSuffix(path, "/start") && !strings.HasSuffix(path, "/pause") && !strings.HasSuffix(path, "/exec")
	})
	e, err := dockerengine.New(dockerengine.WithHost(front.Address))
	require.NoError(t, err)
	const denied = `dockerengine: try POST /containers/{id}/start: 403 Forbidden
dockerengine: try DELETE /containers/{id}: 403 Forbidden`
	err = e.Preflight(t.Context(), lifecycle.Needs{})
	require.ErrorIs(t, err, errdefs.ErrPermissionDenied)
	require.EqualError(t, err, denied)
	require.EqualError(t, e.Preflight(t.Context(), lifecycle.Needs{Paused: true}), denied+"\ndockerengine: try POST /containers/{id}/pause: 403 Forbidden")
	require.EqualError(t, e.Preflight(t.Context(), lifecycle.Needs{Exec: true}), denied+`
dockerengine: try POST /containers/{id}/exec: 403 Forbidden
dockerengine: try POST /exec/{id}/start: 403 Forbidden`)
	e, err = dockerengine.New(dockerengine.WithHost(host.Address))
	require.NoError(t, err)
	require.NoError(t, e.Preflight(t.Context(), lifecycle.Needs{Paused: true, Exec: true}))
}

const endpointsPage = "../../docs/endpoints.md"

// The page is what the list says: `make docs` writes it, by UPDATE_DOCS=1.
func TestThePageOfEndpointsIsOfThisList(t *testing.T) {
	t.Parallel()
	page := endpointsText()
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(endpointsPage, []byte(page), 0o600))
	}
	data, err := os.ReadFile(endpointsPage)
	require.NoError(t, err)
	assert.Equal(t, page, string(data), "run make docs")
}

func endpointsText() string {
	var b strings.Builder
	b.WriteString(`# The engine's endpoints that are used

This page is generated from ` + "`dockerengine.Endpoints()`" + `, and a test holds that list against the requests that each
feature makes of a real engine: none is missing, and none is there in vain.

` + "`watchtower preflight`" + ` tries all of them, at the engine or at the proxy that ` + "`DOCKER_HOST`" + ` names, without changing
anything, and says what is denied and what that costs. It asks for containers and images that do not exist, and reads in
the refusal who refuses; the engine's own log may tell of that.

A pass that is to change containers tries first, in the same way, the calls without which a swap could be begun and neither
finished nor undone: rename, stop, start and remove. Where one is denied nothing is begun. So it does with the pause of
a container that is paused, and with the commands of one that has an exec probe: where these are denied, that one stays.

The container through which the engine is reached, a proxy's, is never replaced: once it is stopped nobody is left who
could start the new one, or the old one again. A warning tells that it is stale, and it waits for a person.

Paths have the API's version in front of them, ` + "`/v1.41/containers/json`" + `, but for the ping's. ` + "`{id}`" + ` is a container's
name as often as its ID: a swap addresses containers by name. ` + "`{name}`" + ` is an image's, which may have slashes and a colon.
Where the ping by HEAD is refused it is made by GET.

`)
	var done []dockerengine.Feature
	for _, ep := range dockerengine.Endpoints() {
		if !slices.Contains(done, ep.Feature) {
			done = append(done, ep.Feature)
			fmt.Fprintf(&b, "## %s\n\nWithout: %s.\n\n| method | path | why |\n|---|---|---|\n", ep.Feature, ep.Feature.Costs())
			for _, row := range dockerengine.Endpoints() {
				if row.Feature != ep.Feature {
					continue
				}
				why := row.Why
				if row.Below != "" {
					why += " (only of engines below API " + row.Below + ")"
				}
				fmt.Fprintf(&b, "| %s | `%s` | %s |\n", row.Method, row.Path, why)
			}
			b.WriteString("\n")
		}
	}
	b.WriteString(`## In the variables of docker-socket-proxy

Tecnativa's docker-socket-proxy tells requests apart by the first part of their path, and by whether they only read:

| variable | needed for |
|---|---|
`)
	for _, v := range []struct{ name, part string }{
		{"PING", "/_ping"},
		{"CONTAINERS", "/containers/"},
		{"IMAGES", "/images/"},
		{"INFO", "/info"},
		{"NETWORKS", "/networks/"},
		{"EXEC", "/exec/"},
		{"VERSION", "/version"},
		{"VOLUMES", "/volumes/"},
		{"SERVICES", "/services"},
		{"NODES", "/nodes"},
		{"TASKS", "/tasks"},
	} {
		fmt.Fprintf(&b, "| `%s=1` | %s |\n", v.name, featuresOf(func(ep dockerengine.Endpoint) bool { return strings.HasPrefix(ep.Path, v.part) }))
	}
	fmt.Fprintf(&b, "| `POST=1` | %s |\n", featuresOf(func(ep dockerengine.Endpoint) bool {
		return ep.Method != http.MethodGet && ep.Method != http.MethodHead
	}))
	b.WriteString(`
` + "`PING` and `VERSION`" + ` are on by default there. With ` + "`CONTAINERS=1` and `POST=1`" + ` containers may be started and stopped;
` + "`ALLOW_START`, `ALLOW_STOP` and `ALLOW_RESTARTS`" + ` add nothing to that. A check alone needs no ` + "`POST`" + `.
`)
	return b.String()
}

// featuresOf are those with such an endpoint, in order.
func featuresOf(of func(dockerengine.Endpoint) bool) string {
	var out []string
	for _, ep := range dockerengine.Endpoints() {
		if of(ep) && !slices.Contains(out, string(ep.Feature)) {
			out = append(out, string(ep.Feature))
		}
	}
	return strings.Join(out, ", ")
}
