package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/httpapi"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

const (
	token       = "canary-main"
	eventsToken = "canary-events"
	secret      = "canary-webhook"
)

// world is a tower on an engine in memory, and its API.
type world struct {
	*enginetest.Engine

	t     *testing.T
	api   *httpapi.Handler
	tower *watchtower.Tower
	hold  chan struct{} // an update of a held world waits for it to be closed
	held  chan struct{} // and tells here that it waits
	down  error         // what the engine answers to a ping
}

// Ping answers if the engine is not down.
func (v *world) Ping(ctx context.Context) error {
	if v.down != nil {
		return v.down
	}
	return v.Engine.Ping(ctx)
}

// breakDown lets the engine answer nothing more.
func (v *world) breakDown() { v.down = fmt.Errorf("no such socket: %w", errdefs.ErrUnavailable) }

// everything serves all endpoints.
func everything() []httpapi.Option {
	return []httpapi.Option{
		httpapi.WithEndpoints(httpapi.Endpoints()...), httpapi.WithToken(credentials.NewSecret(token)),
		httpapi.WithEventsToken(credentials.NewSecret(eventsToken)), httpapi.WithWebhookSecret(credentials.NewSecret(secret)),
		httpapi.WithMetrics(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "watchtower_scans_total 1\n") })),
		httpapi.WithConfig(map[string]any{"monitor_only": false, "token": "***"}), httpapi.WithRateLimit(1_000_000),
	}
}

// newWorld has web and cache on stale images and db on a fresh one, with an API that is
// not attached.
func newWorld(t *testing.T, opts ...httpapi.Option) *world {
	t.Helper()
	v := &world{Engine: enginetest.New(), t: t}
	for _, name := range []string{"web", "cache", "db"} {
		v.Publish(name+":1", enginetest.Image{Env: []string{"OF=" + name}, Labels: labelled("1")})
		v.Run(name, name+":1", lifecycle.Spec{})
	}
	v.publish("web", "2")
	v.publish("cache", "2")
	api, err := httpapi.New(append(everything(), opts...)...)
	require.NoError(t, err)
	v.api = api
	return v
}

func (v *world) publish(name, version string) {
	v.Publish(name+":1", enginetest.Image{Env: []string{"OF=" + name, "VERSION=" + version}, Labels: labelled(version)})
}

func labelled(version string) map[string]string {
	return map[string]string{"org.opencontainers.image.version": version + ".0.0"}
}

// attach makes the tower.
func (v *world) attach(opts ...watchtower.Option) *world {
	v.t.Helper()
	v.build(opts...)
	require.NoError(v.t, v.api.Attach(v.tower))
	return v
}

func (v *world) build(opts ...watchtower.Option) {
	v.t.Helper()
	tower, err := watchtower.New(append([]watchtower.Option{
		watchtower.WithEngine(v), watchtower.WithChecker(v.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithStableTime(time.Millisecond), watchtower.WithObserver(v.api),
	}, opts...)...)
	require.NoError(v.t, err)
	v.tower = tower
}

// attachHeld makes one whose updates wait before they touch a container.
func (v *world) attachHeld() *world { return v.attach(v.holding()) }

func (v *world) holding() watchtower.Option {
	v.hold, v.held = make(chan struct{}), make(chan struct{}, 100)
	own := lifecycle.Recreate(v.Engine, lifecycle.WithStableTime(time.Millisecond))
	return watchtower.WithUpdater(lifecycle.UpdaterFunc(func(ctx context.Context, to lifecycle.Target) (lifecycle.Result, error) {
		v.held <- struct{}{}
		<-v.hold
		return own.Update(ctx, to)
	}))
}

// answer is what a caller gets.
type answer struct {
	code   int
	header http.Header
	body   string
}

func (a answer) read(t *testing.T, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(a.body), into), a.body)
}

// call asks the API, with the token unless a header "Authorization: " says otherwise.
func (v *world) call(method, target, body string, header ...string) answer {
	v.t.Helper()
	return v.callAs(v.t.Context(), method, target, body, header...)
}

func (v *world) callAs(ctx context.Context, method, target, body string, header ...string) answer {
	v.t.Helper()
	r := httptest.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "RemoteAddr" {
			r.RemoteAddr = header[i+1]
		}
	}
	w := httptest.NewRecorder()
	v.api.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// running is the version that the container runs.
func (v *world) running(name string) string {
	v.t.Helper()
	snap, err := v.Inspect(v.t.Context(), name)
	require.NoError(v.t, err)
	image, err := v.InspectImage(v.t.Context(), snap.ImageID)
	require.NoError(v.t, err)
	env, _ := json.Marshal(image.Config["Env"])
	if _, after, ok := strings.Cut(string(env), "VERSION="); ok {
		return after[:1]
	}
	return "1"
}
