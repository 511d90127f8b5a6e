package watchtower_test

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

// counter counts requests for manifests, by method, on their way to the engine's
// registry.
type counter struct {
	http.RoundTripper

	mu   sync.Mutex
	seen map[string]int
}

func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	if strings.Contains(req.URL.Path, "/manifests/") {
		c.seen[req.Method]++
	}
	c.mu.Unlock()
	return c.RoundTripper.RoundTrip(req)
}

// since returns what was asked since the last call.
func (c *counter) since() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.seen
	c.seen = map[string]int{}
	return out
}

// asking is a tower that asks the engine's registry over HTTP, and a count of it.
func asking(t *testing.T, e *enginetest.Engine, opts ...watchtower.Option) (*watchtower.Tower, *counter) {
	t.Helper()
	c := &counter{RoundTripper: e.Transport(), seen: map[string]int{}}
	client, err := registry.New(registry.WithTransport(c))
	require.NoError(t, err)
	return memory(t, e, append([]watchtower.Option{watchtower.WithChecker(client)}, opts...)...), c
}

// stores makes engines with either image store, by what tells them apart. They
// call the same image by different digests.
func stores() map[string]func() *enginetest.Engine {
	of := func(opts ...enginetest.Option) func() *enginetest.Engine {
		return func() *enginetest.Engine { return enginetest.New(opts...) }
	}
	return map[string]func() *enginetest.Engine{
		"classic": of(), "containerd": of(enginetest.WithContainerdStore()),
		"containerd, origins untold": of(enginetest.WithContainerdStore(), enginetest.WithoutOrigins()),
	}
}

func version(n int) enginetest.Image {
	return enginetest.Image{Env: []string{fmt.Sprint("VERSION=", n)}}
}

func running(t *testing.T, e *enginetest.Engine, name string) lifecycle.Snapshot {
	t.Helper()
	snap, err := e.Inspect(t.Context(), name)
	require.NoError(t, err)
	return snap
}

// What else is in the index than the platform's own content restarts nothing, and
// is read once.
func TestAnIndexThatMovesAroundItsPlatformRestartsNothing(t *testing.T) {
	t.Parallel()
	for name, engine := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := engine()
				index := map[string]enginetest.Image{"linux/amd64": version(1), "linux/s390x": version(1)}
				e.PublishIndex("app:1", index)
				old := e.Run("web", "app:1", lifecycle.Spec{})
				tw, asked := asking(t, e)
				fresh := func(reason string, requests map[string]int) {
					t.Helper()
					got := entry(t, update(t, tw), "web")
					assert.Equal(t, watchtower.StatusFresh, got.Status)
					assert.Equal(t, reason, got.Reason)
					assert.Equal(t, requests, asked.since())
					assert.Equal(t, old.ID, running(t, e, "web").ID)
				}
				const moved = "the index moved, its content did not"
				fresh("", map[string]int{"HEAD": 1})
				classic := old.ImageManifest == ""
				reads := 1
				if classic {
					reads = 2 // once, the manifest too: the engine tells the configuration only
				}
				for _, pushed := range []struct {
					platform string
					image    enginetest.Image
				}{{"unknown/unknown", version(1)}, {"linux/arm64", version(1)}, {"linux/s390x", version(2)}, {"unknown/unknown", version(2)}} {
					index[pushed.platform] = pushed.image
					e.PublishIndex("app:1", index)
					fresh(moved, map[string]int{"HEAD": 1, "GET": reads})
					reads = 1
					for range 3 {
						fresh(moved, map[string]int{"HEAD": 1})
					}
				}
				require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:1"}))
				if classic {
					fresh("", map[string]int{"HEAD": 1}) // the same image under one more digest
				} else {
					fresh(moved, map[string]int{"HEAD": 1})
				}

				index["linux/amd64"] = version(2)
				e.PublishIndex("app:1", index)
				got := entry(t, update(t, tw), "web")
				require.NoError(t, got.Err)
				assert.Equal(t, watchtower.StatusUpdated, got.Status)
				assert.Equal(t, map[string]int{"HEAD": 1, "GET": 2}, asked.since(), "the index, and the manifest it points at")
				assert.Contains(t, running(t, e, "web").Config.Texts("Env"), "VERSION=2")
				for range 2 {
					assert.Equal(t, watchtower.StatusFresh, entry(t, update(t, tw), "web").Status)
					assert.Equal(t, map[string]int{"HEAD": 1}, asked.since())
				}
			})
		})
	}
}

// A tag that turns into an index of what it was, or back, is the same content.
func TestATagThatBecomesAnIndexRestartsNothing(t *testing.T) {
	t.Parallel()
	for name, engine := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := engine()
				e.Publish("app:1", version(1))
				old := e.Run("web", "app:1", lifecycle.Spec{})
				tw, _ := asking(t, e)
				e.PublishIndex("app:1", map[string]enginetest.Image{"linux/amd64": version(1), "linux/arm64": version(7)})
				assert.Equal(t, watchtower.StatusFresh, entry(t, update(t, tw), "web").Status)
				e.Publish("app:1", version(1))
				assert.Equal(t, watchtower.StatusFresh, entry(t, update(t, tw), "web").Status)
				assert.Equal(t, old.ID, running(t, e, "web").ID)
			})
		})
	}
}

func TestAContainerKeepsItsPlatform(t *testing.T) {
	t.Parallel()
	for name, engine := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := engine()
				publish := func(amd64, arm64 int) {
					e.PublishIndex("app:1", map[string]enginetest.Image{"linux/amd64": version(amd64), "linux/arm64": version(arm64)})
				}
				publish(1, 1)
				e.Run("amd", "app:1", lifecycle.Spec{})
				e.RunFor("linux/arm64", "arm", "app:1", lifecycle.Spec{})
				tw, _ := asking(t, e)
				pass := func() (amd, arm watchtower.Status) {
					t.Helper()
					r := update(t, tw)
					for name, want := range map[string]string{"amd": "linux/amd64", "arm": "linux/arm64"} {
						snap := running(t, e, name)
						image, err := e.InspectImage(t.Context(), snap.ImageID)
						require.NoError(t, err)
						assert.Equal(t, want, cmp.Or(snap.ImagePlatform, image.Platform), name)
					}
					return entry(t, r, "amd").Status, entry(t, r, "arm").Status
				}
				expect := func(amd, arm watchtower.Status) {
					t.Helper()
					gotAmd, gotArm := pass()
					assert.Equal(t, []watchtower.Status{amd, arm}, []watchtower.Status{gotAmd, gotArm})
				}
				const fresh, updated = watchtower.StatusFresh, watchtower.StatusUpdated
				expect(fresh, fresh)
				publish(2, 1)
				expect(updated, fresh)
				publish(2, 2)
				expect(fresh, updated)

				// Somebody pulls the next for the engine's own platform alone. In the
				// classic store a tag leads to one image at a time: one has to wait.
				publish(3, 3)
				require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:1"}))
				pass()
				pass()
				for _, name := range []string{"amd", "arm"} {
					assert.Contains(t, running(t, e, name).Config.Texts("Env"), "VERSION=3", name)
				}
				expect(fresh, fresh)
			})
		})
	}
}

func TestAnIndexThatLostThePlatformIsNoCandidate(t *testing.T) {
	t.Parallel()
	for name, engine := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := engine()
				e.PublishIndex("app:1", map[string]enginetest.Image{"linux/amd64": version(1), "linux/arm64": version(1)})
				old := e.Run("web", "app:1", lifecycle.Spec{})
				tw, asked := asking(t, e)
				e.PublishIndex("app:1", map[string]enginetest.Image{"linux/arm64": version(2), "unknown/unknown": version(2)})
				for _, requests := range []map[string]int{{"HEAD": 1, "GET": 1}, {"HEAD": 1}, {"HEAD": 1}} {
					r := update(t, tw)
					got := entry(t, r, "web")
					assert.Equal(t, watchtower.StatusSkipped, got.Status)
					assert.Equal(t, "its reference no longer serves linux/amd64", got.Reason)
					assert.Empty(t, r.Plan.Groups)
					assert.Equal(t, requests, asked.since())
				}
				assert.Equal(t, old.ID, running(t, e, "web").ID)
			})
		})
	}
}

func TestATagPulledByHandMakesItsContainersStale(t *testing.T) {
	t.Parallel()
	for name, engine := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := engine()
				e.PublishIndex("app:1", map[string]enginetest.Image{"linux/amd64": version(1)})
				e.Run("old", "app:1", lifecycle.Spec{})
				e.PublishIndex("app:1", map[string]enginetest.Image{"linux/amd64": version(2)})
				fresh := e.Run("new", "app:1", lifecycle.Spec{}) // pulls it
				tw, _ := asking(t, e)
				e.Calls()
				r := update(t, tw)
				assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "old").Status, entry(t, r, "old").Err)
				assert.Equal(t, "app:1", entry(t, r, "old").Container.Image, "the list shows an ID")
				assert.Equal(t, watchtower.StatusFresh, entry(t, r, "new").Status)
				assert.Equal(t, fresh.ID, running(t, e, "new").ID)
				for _, call := range e.Calls() {
					assert.NotEqual(t, "Pull", call.Method, "it is there")
				}
			})
		})
	}
}

// The price of a check: one question per reference, however many containers use
// it, and three calls to the engine, however many containers there are.
func TestWhatACheckAsksDoesNotGrowWithTheContainers(t *testing.T) {
	t.Parallel()
	for name, engine := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := engine()
				count := 0
				for _, n := range []int{1, 10, 100} {
					for ; count < n; count++ {
						ref := fmt.Sprintf("team/app%d:1", count%5)
						e.PublishIndex(ref, map[string]enginetest.Image{"linux/amd64": version(count % 5), "unknown/unknown": version(count % 5)})
						e.Run(fmt.Sprint("web-", count), ref, lifecycle.Spec{})
					}
					tw, asked := asking(t, e)
					e.Calls()
					r, err := tw.Check(t.Context())
					require.NoError(t, err)
					calls, requests := e.Calls(), asked.since()
					assert.Equal(t, n, r.Count(watchtower.StatusFresh))
					assert.Len(t, calls, 3, "a ping and two lists")
					assert.Equal(t, map[string]int{"HEAD": min(n, 5)}, requests, "one question per reference")
					t.Logf("%d containers on %d references: engine %v, registry %v", n, min(n, 5), calls, requests)
				}
			})
		})
	}
}
