package notify_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/notify"
)

// A service that has had too much is asked again when it says so, and not before; what is
// in between, by it or its library, is one request a try.
func TestAServiceIsLeftAloneForAsLongAsItAsks(t *testing.T) { // not in parallel: it changes how Go's own client dials
	for name, tt := range map[string]struct {
		url    string
		answer func(http.ResponseWriter)
		fine   func(http.ResponseWriter)
	}{
		"discord": {
			"discord://token@1234",
			func(w http.ResponseWriter) {
				w.Header().Set("Retry-After", "3.5")
				w.WriteHeader(http.StatusTooManyRequests)
			},
			func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) },
		},
		"discord, which is down": {
			"discord://token@1234",
			func(w http.ResponseWriter) {
				w.Header().Set("Retry-After", time.Now().UTC().Add(4500*time.Millisecond).Format(http.TimeFormat))
				w.WriteHeader(http.StatusServiceUnavailable)
			},
			func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) },
		},
		"telegram": {
			"telegram://123456789:abcdefghijklmnopqrstuvwxyzabcdefghi@telegram?chats=@me",
			func(w http.ResponseWriter) {
				w.WriteHeader(http.StatusTooManyRequests)
				_, _ = io.WriteString(w, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 4","parameters":{"retry_after":4}}`)
			},
			func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"ok":true}`) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			taken := make(chan struct{}, 10)
			redirected(t, func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) == 1 {
					tt.answer(w)
					return
				}
				tt.fine(w)
				taken <- struct{}{}
			})
			var logged bytes.Buffer
			n, err := notify.New(notify.Config{Services: to(tt.url), Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			require.NoError(t, err)
			began := time.Now()
			n.Started(at, "begun")
			select {
			case <-taken:
			case <-time.After(30 * time.Second):
				t.Fatal("it never came")
			}
			assert.Greater(t, time.Since(began), 3400*time.Millisecond)
			assert.EqualValues(t, 2, asked.Load())
			closed(t, n)
			t.Log(logged.String())
		})
	}
}

// What a library says of a limit is heard even where it does not say for how long.
func TestALimitWithoutATimeIsAMinute(t *testing.T) {
	t.Parallel()
	web, posts := webReceiver(t, http.StatusTooManyRequests)
	n, err := notify.New(notify.Config{Services: to("generic+http://" + web)})
	require.NoError(t, err)
	n.Started(at, "begun")
	require.Eventually(t, func() bool { return len(posts) == 1 }, 10*time.Second, time.Millisecond)
	assert.Never(t, func() bool { return len(posts) > 1 }, 3*time.Second, 10*time.Millisecond, "by default it is tried again after two seconds")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n.Close(ctx)
}
