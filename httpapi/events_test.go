package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/httpapi"
)

// stream is a follower, who may not read for a while.
type stream struct {
	http.ResponseWriter

	mu    sync.Mutex
	text  strings.Builder
	stuck chan struct{} // not nil: writes wait until it is closed
}

func (s *stream) Write(p []byte) (int, error) {
	if s.stuck != nil {
		<-s.stuck
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *stream) Flush() {}

func (s *stream) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// types are the events that came, by name.
func (s *stream) types() []string {
	var out []string
	for line := range strings.Lines(s.String()) {
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			out = append(out, strings.TrimSpace(name))
		}
	}
	return out
}

// ids are theirs.
func (s *stream) ids() []string {
	var out []string
	for line := range strings.Lines(s.String()) {
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			out = append(out, strings.TrimSpace(id))
		}
	}
	return out
}

// follow begins to, until leave is called.
func (v *world) follow(s *stream, header ...string) (leave func()) {
	v.t.Helper()
	return v.followAt("", s, header...)
}

func (v *world) followAt(query string, s *stream, header ...string) (leave func()) {
	v.t.Helper()
	ctx, cancel := context.WithCancel(v.t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/events?access_token="+eventsToken+query, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	s.ResponseWriter = httptest.NewRecorder()
	done := make(chan struct{})
	go func() { defer close(done); v.api.ServeHTTP(s, r) }()
	synctest.Wait()
	return func() { cancel(); <-done }
}

func TestFollowersAreToldWhatHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach(watchtower.WithCleanup(true))
		one := &stream{}
		leave := v.follow(one)
		v.call(http.MethodPost, "/v1/update?container=web", "")
		synctest.Wait()
		types := one.types()
		require.NotEmpty(t, types)
		assert.Equal(t, "scan_started", types[0])
		assert.Equal(t, "scan_completed", types[len(types)-1])
		for _, kind := range []string{"update_found", "pull_started", "pull_ended", "step_started", "update_ended", "image_cleanup"} {
			assert.Contains(t, types, kind)
		}
		assert.True(t, strings.HasPrefix(one.String(), "retry: 5000\n\n"))
		for line := range strings.Lines(one.String()) {
			data, ok := strings.CutPrefix(line, "data: ")
			if !ok {
				continue
			}
			var envelope struct {
				Type, ID  string
				Timestamp time.Time
				Data      object
			}
			require.NoError(t, json.Unmarshal([]byte(data), &envelope), data)
			assert.False(t, envelope.Timestamp.IsZero())
			switch envelope.Type {
			case "scan_completed":
				assert.InDelta(t, 1, envelope.Data["updated"], 0)
				assert.InDelta(t, 0, envelope.Data["failed"], 0)
			case "image_cleanup":
				assert.Equal(t, []any{"web:1"}, envelope.Data["images"])
			case "update_ended":
				assert.Equal(t, "updated", envelope.Data["status"])
				assert.Equal(t, "1.0.0 -> 2.0.0", envelope.Data["change"])
				assert.NotEmpty(t, envelope.ID)
			}
		}
		before := len(one.types())
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble
		assert.Equal(t, 4, strings.Count(one.String(), ": still here"), "every 15 seconds")
		v.breakDown()
		v.call(http.MethodPost, "/v1/check", "")
		synctest.Wait()
		assert.Equal(t, []string{"scan_started", "scan_failed"}, one.types()[before:])
		leave()
	})
}

func TestAFollowerWhoComesBackIsToldWhatItMissed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach()
		for i := range 300 {
			v.api.Observe(t.Context(), watchtower.PassScheduled{At: time.Now(), Next: time.Now().Add(time.Duration(i))})
		}
		stays := &stream{}
		defer v.follow(stays, "Last-Event-ID", "of an earlier process")()
		ids := stays.ids()
		require.Len(t, ids, 256)
		assert.Equal(t, 1, strings.Count(stays.String(), `{"type":"missed","data":{"count":44}}`), "those that are not kept")
		for range 10 {
			v.api.Observe(t.Context(), watchtower.PassScheduled{At: time.Now()})
		}
		for after, want := range map[string]int{ids[255]: 10, ids[250]: 15, ids[9]: 256, "": 0} {
			one := &stream{}
			leave := v.follow(one, "Last-Event-ID", after)
			assert.Len(t, one.types(), want, "after %q", after)
			assert.NotContains(t, one.types(), "missed")
			leave()
		}
		one := &stream{}
		leave := v.follow(one, "Last-Event-ID", ids[6])
		assert.Equal(t, 1, strings.Count(one.String(), `{"type":"missed","data":{"count":3}}`))
		leave()
		next := newWorld(t).attach() // as after a restart: its numbers begin anew
		next.api.Observe(t.Context(), watchtower.PassScheduled{At: time.Now()})
		again := &stream{}
		defer next.follow(again, "Last-Event-ID", ids[0])()
		assert.Len(t, again.types(), 1)
	})
}

// One that does not read delays nobody, and learns how much it has missed.
func TestASlowFollower(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach()
		quick, slow := &stream{}, &stream{stuck: make(chan struct{})}
		leave, forget := v.follow(quick), v.follow(slow)
		for range 400 {
			v.api.Observe(t.Context(), watchtower.PassScheduled{At: time.Now()})
			synctest.Wait()
		}
		assert.Len(t, quick.types(), 400)
		close(slow.stuck)
		synctest.Wait()
		assert.Equal(t, 256, strings.Count(slow.String(), "event: scan_scheduled"))
		assert.Equal(t, 1, strings.Count(slow.String(), `{"type":"missed","data":{"count":144}}`))
		forget()
		leave()
	})
}

// timed is a stream that knows by when it is to be written to.
type timed struct {
	*stream
	deadlines []time.Time
}

func (s *timed) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadlines = append(s.deadlines, t)
	return nil
}

// last are those of the last write, and after it.
func (s *timed) last() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deadlines[len(s.deadlines)-2:]
}

// Over HTTP/2 a deadline ends the stream when its time comes, and not with a write.
func TestAStreamInWhichNothingHappensHasNoDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach()
		one := &timed{stream: &stream{ResponseWriter: httptest.NewRecorder()}}
		ctx, cancel := context.WithCancel(t.Context())
		go v.api.ServeHTTP(one, httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/events?access_token="+eventsToken, nil))
		for range 2 {
			synctest.Wait()
			last := one.last()
			assert.Equal(t, 10*time.Second, time.Until(last[0]), "to write in")
			assert.Zero(t, last[1], "until the next")
			time.Sleep(15 * time.Second) //nolint:forbidigo // in a bubble: until it says that it is still there
		}
		cancel()
	})
}

func TestFollowersAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach()
		var leave []func()
		for range 100 {
			leave = append(leave, v.follow(&stream{}))
		}
		a := v.call(http.MethodGet, "/v1/events", "")
		assert.Equal(t, http.StatusServiceUnavailable, a.code)
		assert.Equal(t, "30", a.header.Get("Retry-After"))
		leave[0]()
		again := v.follow(&stream{})
		again()
		require.NoError(t, v.api.Shutdown(t.Context()), "which ends them all")
		synctest.Wait()
		for _, f := range leave[1:] {
			f()
		}
	})
}

func TestPagesOfOtherOriginsDoNotFollow(t *testing.T) {
	t.Parallel()
	v := newWorld(t, httpapi.WithOrigins("https://status.example")).attach()
	ask := func(origin string) int {
		return v.call(http.MethodHead, "/v1/events", "", "Origin", origin).code
	}
	assert.Equal(t, http.StatusForbidden, ask("https://other.example"))
	assert.Equal(t, http.StatusForbidden, ask("null"))
	assert.Equal(t, http.StatusOK, ask("https://status.example"))
	assert.Equal(t, http.StatusOK, ask("http://example.com"), "its own host")
	assert.Equal(t, http.StatusOK, ask(""), "no page")
}
