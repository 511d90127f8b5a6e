package dockerengine_test

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// word is what an engine says to a request before it hangs: the whole answer, or
// its beginning.
type word struct {
	text  string
	whole bool
}

// hung is an engine that hangs at every request but those whose paths end so.
func hung(t *testing.T, words map[string]word) *dockerengine.Engine {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then it sees that the caller hangs up
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("X-Docker-Container-Path-Stat", base64.StdEncoding.EncodeToString([]byte("{}")))
		w.Header().Set("Connection", "close") // a connection kept for the next call is no leak
		for end, said := range words {
			if strings.HasSuffix(r.URL.Path, end) {
				_, _ = io.WriteString(w, said.text)
				w.(http.Flusher).Flush()
				if said.whole {
					return
				}
			}
		}
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	e, err := dockerengine.New(dockerengine.WithHost("tcp://" + server.Listener.Addr().String()))
	require.NoError(t, err)
	return e
}

// back expects no more goroutines than before, once those whose connection was
// cut have noticed.
func back(t *testing.T, before int) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for patience := time.After(10 * time.Second); runtime.NumGoroutine() > before; {
		select {
		case <-tick.C:
		case <-patience:
			stacks := make([]byte, 1<<20)
			t.Fatalf("something is left behind:\n%s", stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestACallToAnEngineThatHangsEndsWithItsContext(t *testing.T) {
	timeout := time.Hour
	ping, inspected := word{whole: true}, word{`{"Id":"x","Config":{}}`, true}
	for name, tt := range map[string]struct {
		words map[string]word // which only the engine that does not hang at once says
		call  func(context.Context, *dockerengine.Engine) error
	}{
		"ping": {nil, func(ctx context.Context, e *dockerengine.Engine) error { return e.Ping(ctx) }},
		"list": {
			map[string]word{"/_ping": ping, "/containers/json": {"[", false}},
			func(ctx context.Context, e *dockerengine.Engine) error { _, err := e.Containers(ctx); return err },
		},
		"pull": {
			map[string]word{"/_ping": ping, "/images/create": {`{"status":"Pulling from app"}` + "\n", false}},
			func(ctx context.Context, e *dockerengine.Engine) error {
				return e.Pull(ctx, lifecycle.PullOptions{Reference: "app:1"})
			},
		},
		"create": { // it hangs at a network, and at the undoing
			map[string]word{"/_ping": ping, "/containers/create": {`{"Id":"x"}`, true}},
			func(ctx context.Context, e *dockerengine.Engine) error {
				spec := lifecycle.Spec{Networks: map[string]lifecycle.Document{"a": {}, "bridge": {}}}
				_, err := e.Create(ctx, lifecycle.CreateOptions{Name: "web", Spec: spec})
				return err
			},
		},
		"stop": { // it hangs while the signal works
			map[string]word{"/_ping": ping, "/web/kill": {whole: true}},
			func(ctx context.Context, e *dockerengine.Engine) error {
				return e.Stop(ctx, "web", lifecycle.StopOptions{Signal: "HUP", Timeout: &timeout})
			},
		},
		"logs": {
			map[string]word{"/_ping": ping, "/web/json": inspected, "/web/logs": {}},
			func(ctx context.Context, e *dockerengine.Engine) error { return e.Logs(ctx, "web", 1, io.Discard) },
		},
		"copy to": {
			map[string]word{"/_ping": ping, "/web/json": inspected},
			func(ctx context.Context, e *dockerengine.Engine) error {
				return e.CopyTo(ctx, "web", strings.NewReader("archive"))
			},
		},
		"copy from": {
			map[string]word{"/_ping": ping, "/web/archive": {"half", false}},
			func(ctx context.Context, e *dockerengine.Engine) error {
				stream, err := e.CopyFrom(ctx, "web", "/file")
				if err != nil {
					return err
				}
				defer func() { _ = stream.Close() }()
				_, err = io.Copy(io.Discard, stream)
				return err
			},
		},
	} {
		for how, words := range map[string]map[string]word{"at once": nil, "later": tt.words} {
			t.Run(name+", "+how, func(t *testing.T) {
				e := hung(t, words)
				before := runtime.NumGoroutine()
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				begun := time.Now()
				err := tt.call(ctx, e)
				require.Error(t, err)
				if name == "ping" { // its question is just this
					assert.True(t, errdefs.IsUnavailable(err), "%v", err)
				} else {
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
				assert.Less(t, time.Since(begun), 10*time.Second)
				back(t, before)
			})
		}
	}
}
