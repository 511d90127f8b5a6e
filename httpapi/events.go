package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxFollowers bounds the streams, as the fork has it.
	maxFollowers = 100
	// backlog is how many events a follower may be behind, and how many one who comes
	// back is told of those that were missed.
	backlog = 256
	// heartbeat is how often a stream in which nothing happens says so, so that a
	// follower who has gone is noticed, and no proxy takes it for dead.
	heartbeat = 15 * time.Second
	// writeWithin bounds one write to a follower.
	writeWithin = 10 * time.Second
	// reconnect is when a follower whose stream broke is to come back.
	reconnect = 5 * time.Second
)

// message is one event as it is written, its number, and the engine it is about.
type message struct {
	number int
	engine string
	frame  []byte
}

// follower is one stream.
type follower struct {
	engines  []string // none: all
	messages chan message
	missed   int // since it was last told, in the hub's lock
}

// hub hands events to those who follow.
type hub struct {
	closing chan struct{}
	process string // in each event's ID: the next process numbers anew

	mu        sync.Mutex
	end       sync.Once
	number    int
	recent    []message
	followers []*follower
}

func (b *hub) close() { b.end.Do(func() { close(b.closing) }) }

// publish delays nobody: one who is far behind misses events, and is told how many.
func (b *hub) publish(engine, kind, id string, at time.Time, data any) {
	body, err := json.Marshal(struct {
		Type      string    `json:"type"`
		Engine    string    `json:"engine,omitempty"`
		ID        string    `json:"id,omitempty"` // the same fact's is the same
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}{kind, engine, id, at.UTC(), data})
	if err != nil {
		return // it is texts and numbers
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.number++
	m := message{b.number, engine, fmt.Appendf(nil, "id: %s-%d\nevent: %s\ndata: %s\n\n", b.process, b.number, kind, body)}
	if b.recent = append(b.recent, m); len(b.recent) > backlog {
		b.recent = slices.Delete(b.recent, 0, 1)
	}
	for _, f := range b.followers {
		if !f.wants(m) {
			continue
		}
		select {
		case f.messages <- m:
		default:
			f.missed++
		}
	}
}

func (f *follower) wants(m message) bool {
	return len(f.engines) == 0 || slices.Contains(f.engines, m.engine)
}

// join adds a stream, with what has happened since the event of that ID, as far as it is
// known: since one of an earlier process all has. Empty: nothing is asked for. No
// follower: there are too many.
func (b *hub) join(after string, engines []string) (f *follower, since []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.followers) >= maxFollowers {
		return nil, nil
	}
	f = &follower{engines: engines, messages: make(chan message, backlog)}
	b.followers = append(b.followers, f)
	if after == "" {
		return f, nil
	}
	process, text, _ := strings.Cut(after, "-")
	last, err := strconv.Atoi(text)
	if err != nil || process != b.process {
		last = 0
	}
	if first := b.number - len(b.recent) + 1; last < first-1 {
		since = missed(first - 1 - last)
	}
	for _, m := range b.recent {
		if m.number > last && f.wants(m) {
			since = append(since, m.frame...)
		}
	}
	return f, since
}

// missed is told where events are left out.
func missed(n int) []byte {
	return fmt.Appendf(nil, "event: missed\ndata: {\"type\":\"missed\",\"data\":{\"count\":%d}}\n\n", n)
}

func (b *hub) leave(f *follower) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.followers = slices.DeleteFunc(b.followers, func(other *follower) bool { return other == f })
}

// overlooked is how many events the follower missed since it was asked last.
func (b *hub) overlooked(f *follower) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := f.missed
	f.missed = 0
	return n
}

// follow is a stream of events until somebody ends it.
func (h *Handler) follow(w http.ResponseWriter, r *http.Request) {
	engines, err := h.followed(r)
	if err != nil {
		h.fail(w, err)
		return
	}
	if !h.ownOrigin(r) {
		h.refuse(w, http.StatusForbidden, "pages of this origin may not call")
		return
	}
	f, since := h.hub.join(r.Header.Get("Last-Event-ID"), engines)
	if f == nil {
		w.Header().Set("Retry-After", retryAfter)
		h.refuse(w, http.StatusServiceUnavailable, "too many follow")
		return
	}
	defer h.hub.leave(f)
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return
	}
	frame := append(fmt.Appendf(nil, "retry: %d\n\n", reconnect.Milliseconds()), since...)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for send(w, frame) {
		select {
		case m := <-f.messages:
			frame = m.frame
			if n := h.hub.overlooked(f); n > 0 {
				frame = append(slices.Clone(frame), missed(n)...)
			}
		case <-beat.C:
			frame = []byte(": still here\n\n")
		case <-h.hub.closing:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// followed are the engines whose events are asked for; none: all, those of Towers that are
// attached later too.
func (h *Handler) followed(r *http.Request) ([]string, error) {
	values, engines, err := h.about(r, "access_token")
	switch {
	case errors.Is(err, errStarting) && !r.URL.Query().Has("engine"):
		_, err = parameters(r, "access_token")
		return nil, err
	case err != nil || !values.Has("engine"):
		return nil, err
	default:
		return namesOf(engines), nil
	}
}

// send reports whether the follower took the frame in time. While there is nothing to
// write no time is set: over HTTP/2 it would end the stream though nobody writes.
func send(w http.ResponseWriter, frame []byte) bool {
	patience(w, writeWithin)
	defer patience(w, 0)
	_, err := w.Write(frame)
	return err == nil && http.NewResponseController(w).Flush() == nil
}
