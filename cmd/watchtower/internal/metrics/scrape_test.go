package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/metrics"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

// mortal is an engine that may not answer.
type mortal struct {
	*enginetest.Engine
	dead bool
}

func (m *mortal) Containers(ctx context.Context) ([]watchtower.Container, error) {
	if m.dead {
		return nil, errors.New("connection refused")
	}
	return m.Engine.Containers(ctx)
}

// world is a watchtower in memory that is counted.
type world struct {
	t        *testing.T
	engine   *mortal
	tower    *watchtower.Tower
	metrics  *metrics.Metrics
	down     map[string]bool // registries that do not answer
	versions int
	last     map[string]string
	told     strings.Builder
}

func newWorld(t *testing.T, opts ...watchtower.Option) *world {
	t.Helper()
	w := &world{t: t, engine: &mortal{Engine: enginetest.New()}, metrics: metrics.New(), down: map[string]bool{}}
	tower, err := watchtower.New(append([]watchtower.Option{
		watchtower.WithEngine(w.engine),
		watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithRegistryOptions(registry.WithTransport(w), registry.WithRequestFunc(w.metrics.RegistryRequest)),
		watchtower.WithObserver(w.metrics),
	}, opts...)...)
	require.NoError(t, err)
	w.tower = tower
	return w
}

// RoundTrip leads to the engine's registry, which has a quota on Docker Hub.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.down[r.URL.Host] {
		return nil, errors.New("no route to host")
	}
	resp, err := w.engine.Transport().RoundTrip(r)
	if err == nil && strings.HasSuffix(r.URL.Host, "docker.io") {
		resp.Header.Set("RateLimit-Limit", "100;w=21600")
		resp.Header.Set("RateLimit-Remaining", "76;w=21600")
	}
	return resp, err
}

// publish puts a new image into the registry.
func (w *world) publish(reference string, image enginetest.Image) {
	w.versions++
	image.Env = append(image.Env, fmt.Sprint("VERSION=", w.versions))
	w.engine.Publish(reference, image)
}

func (w *world) update() *watchtower.Report {
	w.t.Helper()
	time.Sleep(time.Hour) //nolint:forbidigo // in a bubble
	r, err := w.tower.Update(w.t.Context())
	require.NoError(w.t, err)
	return r
}

// scrape is what Prometheus reads, by series.
func scrape(t testing.TB, m *metrics.Metrics) map[string]string {
	t.Helper()
	out := httptest.NewRecorder()
	m.Handler().ServeHTTP(out, httptest.NewRequest(http.MethodGet, "/v1/metrics", nil))
	require.Equal(t, http.StatusOK, out.Code)
	require.Contains(t, out.Header().Get("Content-Type"), "text/plain; version=0.0.4")
	series := map[string]string{}
	for line := range strings.Lines(out.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			at := strings.LastIndex(line, " ")
			series[line[:at]] = strings.TrimSpace(line[at:])
		}
	}
	return series
}

// tell writes down which of our series changed since it was called last.
func (w *world) tell(when string) {
	w.t.Helper()
	now := scrape(w.t, w.metrics)
	fmt.Fprintf(&w.told, "# %s\n", when)
	for _, name := range sorted(now, w.last) {
		value, there := now[name]
		switch before, was := w.last[name]; {
		case strings.Contains(name, "_bucket{"), !strings.HasPrefix(name, "watchtower_"):
		case !there:
			fmt.Fprintf(&w.told, "%s is gone\n", name)
		case !was, before != value:
			fmt.Fprintf(&w.told, "%s %s\n", name, value)
		}
	}
	w.told.WriteString("\n")
	w.last = now
}

// What a scrape shows, step by step, is in testdata/scrapes.txt.
func TestScrapesOfALife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.publish("web:1", enginetest.Image{})
		w.publish("quay.example/db:1", enginetest.Image{})
		w.engine.Run("web", "web:1", lifecycle.Spec{})
		w.engine.Run("db", "quay.example/db:1", lifecycle.Spec{})
		w.tell("at the start")

		w.update()
		w.tell("after a pass without anything new")

		w.publish("web:1", enginetest.Image{})
		_, err := w.tower.Check(t.Context())
		require.NoError(t, err)
		w.tell("after a check that finds something newer for web")

		require.Equal(t, 1, w.update().Count(watchtower.StatusUpdated))
		w.tell("after the update of web")

		w.down["quay.example"] = true
		require.Equal(t, 1, w.update().Count(watchtower.StatusFailed))
		w.tell("after a failed check of db")

		w.down["quay.example"] = false
		w.publish("quay.example/db:1", enginetest.Image{StartError: "no such file"})
		require.Equal(t, 1, w.update().Count(watchtower.StatusRolledBack))
		w.tell("after an update of db that was rolled back")

		w.metrics.Observe(t.Context(), watchtower.PassSkipped{Kind: watchtower.PassUpdate})
		require.NoError(t, w.engine.Remove(t.Context(), "db", lifecycle.RemoveOptions{Force: true}))
		w.update()
		w.tell("after a pass that was refused, and one without db")

		w.engine.dead = true
		_, err = w.tower.Update(t.Context())
		require.Error(t, err)
		w.tell("after a pass that could not be made")

		want, err := os.ReadFile("testdata/scrapes.txt")
		require.NoError(t, err)
		assert.Equal(t, string(want), w.told.String())
	})
}

// countedEngine makes calls that an engine answers well, with a refusal, and not at
// all.
func countedEngine(t testing.TB, m *metrics.Metrics) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		if r.Method != http.MethodHead {
			http.Error(w, `{"message":"no such container"}`, http.StatusNotFound)
		}
	}))
	defer server.Close()
	e, err := dockerengine.New(dockerengine.WithHost("tcp://"+server.Listener.Addr().String()), dockerengine.WithRequestFunc(m.EngineRequest))
	require.NoError(t, err)
	require.NoError(t, e.Ping(t.Context()))
	require.Error(t, e.Start(t.Context(), "web"))
	require.Error(t, e.Rename(t.Context(), "a/b", "c"))
	server.Close()
	require.Error(t, e.Pause(t.Context(), "web"))
}

func TestCallsToTheEngineAreCounted(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	countedEngine(t, m)
	got := map[string]string{}
	for name, value := range scrape(t, m) {
		if rest, ok := strings.CutPrefix(name, "watchtower_engine_requests_total"); ok {
			got[rest] = value
		}
	}
	assert.Equal(t, map[string]string{
		`{endpoint="/_ping",method="HEAD",status="200"}`:                  "2",
		`{endpoint="/containers/{id}/start",method="POST",status="404"}`:  "1",
		`{endpoint="other",method="POST",status="404"}`:                   "1",
		`{endpoint="/containers/{id}/pause",method="POST",status="none"}`: "1",
	}, got)
}
