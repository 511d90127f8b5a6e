package registrytest_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// What a client sees of each fault, in memory and on the loopback.
func TestFaults(t *testing.T) {
	t.Parallel()
	size := len(registrytest.Manifest{Body: []byte("0123456789")}.Body)
	tests := []struct {
		name   string
		fault  registrytest.Fault
		status int    // 0 for no answer
		body   int    // bytes
		ends   string // the error in reading it
	}{
		{"none", nil, 200, size, ""},
		{"status", registrytest.Status(503), 503, 0, ""},
		{"reply", registrytest.Reply(200, "<html>"), 200, 6, ""},
		{"too many", registrytest.TooMany(time.Minute), 429, 0, ""},
		{"too many, a date", registrytest.TooManyUntil(time.Now()), 429, 0, ""},
		{"reset", registrytest.Reset(), 0, 0, ""},
		{"truncate", registrytest.Truncate(), 200, size / 2, "unexpected EOF"},
		{"drip", registrytest.Drip(time.Millisecond), 200, size, ""},
		{"redirect loop", registrytest.RedirectLoop(), 307, -1, ""},
		{"huge", registrytest.Huge(5 << 20), 200, 5 << 20, ""},
	}
	for name, start := range map[string]func(registrytest.Profile) *registrytest.Registry{
		"memory": registrytest.New, "loopback": registrytest.Start,
	} {
		for _, tt := range tests {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				r := start(registrytest.Profile{})
				t.Cleanup(r.Close)
				r.Push("app", "1", registrytest.Manifest{MediaType: "x/y", Body: []byte("0123456789")})
				r.SetFault(tt.fault, registrytest.KindManifest)
				rt := registrytest.Transport(r)
				t.Cleanup(rt.CloseIdleConnections)
				head, _ := do(t, rt, http.MethodHead, r.URL+"/v2/app/manifests/1", "")
				require.Equal(t, 200, head.StatusCode, "of another kind")
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL+"/v2/app/manifests/1", nil)
				require.NoError(t, err)
				resp, err := rt.RoundTrip(req)
				assert.Equal(t, tt.status, r.Requests()[1].Status)
				if tt.status == 0 {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				defer func() { _ = resp.Body.Close() }()
				assert.Equal(t, tt.status, resp.StatusCode)
				body, err := io.ReadAll(resp.Body)
				if tt.ends != "" {
					require.ErrorContains(t, err, tt.ends)
				} else {
					require.NoError(t, err)
				}
				if tt.body >= 0 {
					assert.Len(t, body, tt.body)
				}
			})
		}
	}
}

// A test ends, whatever hangs.
func TestWhatHangsEndsWithTheClientOrTheRegistry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r, rt := memory(t, registrytest.Profile{})
			r.SetFault(registrytest.Hang())
			ask := func(ctx context.Context) error {
				req, err := http.NewRequestWithContext(ctx, method, r.URL+"/v2/", http.NoBody)
				require.NoError(t, err)
				resp, err := rt.RoundTrip(req)
				if err == nil {
					_ = resp.Body.Close()
				}
				return err
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			assert.ErrorIs(t, ask(ctx), context.DeadlineExceeded)
			cancel()
			failed := make(chan error)
			go func() { failed <- ask(t.Context()) }()
			synctest.Wait()
			assert.Equal(t, 2, r.Requests().Counts().Ping)
			r.Close()
			assert.Error(t, <-failed)
		}
	})
}
