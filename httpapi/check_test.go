package httpapi_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/registry"
)

// slowly is a checker that takes its time, and finds nothing newer.
type slowly time.Duration

func (s slowly) Check(ctx context.Context, qs []registry.Query) []registry.Verdict {
	out := make([]registry.Verdict, len(qs))
	select {
	case <-time.After(time.Duration(s)):
		for i, q := range qs {
			out[i] = registry.Verdict{Reference: q.Reference, Digest: q.Known[0]}
		}
	case <-ctx.Done():
		for i, q := range qs {
			out[i] = registry.Verdict{Reference: q.Reference, Err: ctx.Err()}
		}
	}
	return out
}

// facts are the events that people are told of, as their type and their error.
func facts(into *[]watchtower.Event) watchtower.Option {
	return watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
		if watchtower.EventID(e) != "" {
			*into = append(*into, e)
		}
	}))
}

// Whoever does not wait for a check has no registry blamed for it, nor the watcher.
func TestACheckIsNotItsCallers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		target string
		gone   time.Duration
		want   int
	}{
		"one who waits":          {"/v1/check", time.Hour, http.StatusOK},
		"one who waits a second": {"/v1/check?timeout=1", time.Hour, http.StatusGatewayTimeout},
		"one who goes away":      {"/v1/check", time.Second, http.StatusOK}, // which nobody gets
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var told []watchtower.Event
				v := newWorld(t)
				v.attach(watchtower.WithChecker(slowly(10*time.Second)), facts(&told))
				ctx, cancel := context.WithTimeout(t.Context(), tt.gone)
				defer cancel()
				go func() {
					time.Sleep(2 * time.Second) //nolint:forbidigo // in a bubble: while the other one is in hand
					waiting := v.call(http.MethodPost, "/v1/check?timeout=1", "")
					assert.Equal(t, http.StatusGatewayTimeout, waiting.code, "its turn does not come: %s", waiting.body)
				}()
				a := v.callAs(ctx, http.MethodPost, tt.target, "")
				assert.Equal(t, tt.want, a.code, a.body)
				time.Sleep(20 * time.Second) //nolint:forbidigo // in a bubble: until all is over
				assert.Empty(t, told)
				history := v.call(http.MethodGet, "/v1/history?kind=check", "")
				assert.Contains(t, history.body, `"scanned":3`)
				assert.Contains(t, history.body, `"error":"httpapi: withdrawn: its turn did not come in time, nothing was done"`)
				require.NoError(t, v.api.Shutdown(t.Context()))
			})
		})
	}
}

func TestAnUpdateThatIsWithdrawnIsNoFailureOfTheWatcher(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []watchtower.Event
		v := newWorld(t)
		v.attach(watchtower.WithChecker(slowly(10*time.Second)), facts(&told))
		go v.call(http.MethodPost, "/v1/update", "")
		synctest.Wait()
		a := v.call(http.MethodPost, "/v1/update?container=web&timeout=1", "")
		assert.Equal(t, http.StatusServiceUnavailable, a.code, a.body)
		require.NoError(t, v.api.Shutdown(t.Context()))
		for _, e := range told {
			_, failed := e.(watchtower.PassFailed)
			assert.False(t, failed, "%v", e)
		}
	})
}

func TestACheckEndsWithTheAPI(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t)
		v.attach(watchtower.WithChecker(slowly(time.Hour)))
		go v.call(http.MethodPost, "/v1/check", "")
		synctest.Wait()
		begin := time.Now()
		require.NoError(t, v.api.Shutdown(t.Context()))
		assert.Zero(t, time.Since(begin))
		assert.Equal(t, http.StatusServiceUnavailable, v.call(http.MethodPost, "/v1/check", "").code)
	})
}
