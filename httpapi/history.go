package httpapi

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/watchtower-go/watchtower"
)

const (
	// maxPasses bounds the history, as the fork has it.
	maxPasses = 500
	// maxReports bounds the reports in it, in bytes of JSON: what does not fit loses
	// its report first.
	maxReports = 8 << 20
)

// pass is one in the history.
type pass struct {
	ID        string              `json:"id"`
	Kind      watchtower.PassKind `json:"kind"`
	Timestamp time.Time           `json:"timestamp"` // its end
	Started   time.Time           `json:"started,omitzero"`
	Duration  int64               `json:"duration_ms"`
	Partial   bool                `json:"partial,omitempty"`
	summary
	Error  string          `json:"error,omitempty"`
	Report json.RawMessage `json:"report,omitempty"`

	ended time.Time // to the nanosecond
}

// watched is what the last pass about a container said of it.
type watched struct {
	entry watchtower.Entry
	at    time.Time
}

// history is what the Tower told of its passes.
type history struct {
	mu     sync.Mutex
	passes []pass // oldest first
	bytes  int    // of their reports
	latest map[string]watched
}

// add notes a pass that was made. The reports of the oldest are given up first.
func (h *history) add(r *watchtower.Report) {
	report, err := json.Marshal(r)
	if err != nil || len(report) > maxReports {
		report = nil
	}
	p := pass{
		ID: passID(r.Started), Kind: r.Kind, Timestamp: rounded(r.Ended), Started: rounded(r.Started),
		Duration: timingOf(r).DurationMS, Partial: r.Partial, summary: summaryOf(r), Report: report, ended: r.Ended,
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keep(p)
	if !r.Partial {
		clear(h.latest) // what is not in the report is not there any more
	}
	for _, e := range r.Entries {
		if e.NewContainerID != "" {
			delete(h.latest, e.Container.ID) // where only some are ever asked for, nothing else ends it
		}
		h.latest[cmp.Or(e.NewContainerID, e.Container.ID)] = watched{e, r.Ended}
	}
}

// fail notes one that could not be made.
func (h *history) fail(e watchtower.PassFailed) {
	if e.Repeated {
		return // it is told once
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keep(pass{ID: passID(e.At), Kind: e.Kind, Timestamp: rounded(e.At), Error: e.Err.Error(), ended: e.At})
}

func (h *history) keep(p pass) {
	h.passes = append(h.passes, p)
	h.bytes += len(p.Report)
	for i := 0; h.bytes > maxReports; i++ {
		h.bytes -= len(h.passes[i].Report)
		h.passes[i].Report = nil
	}
	if len(h.passes) > maxPasses {
		h.bytes -= len(h.passes[0].Report)
		h.passes = slices.Delete(h.passes, 0, 1)
	}
}

// passID is a pass's name, which no other of the Tower has.
func passID(at time.Time) string { return at.UTC().Format("20060102T150405.000000000Z") }

// last is the last pass that was made.
func (h *history) last() (pass, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range slices.Backward(h.passes) {
		if p.Error == "" {
			return p, true
		}
	}
	return pass{}, false
}

// about is what was last said of the container.
func (h *history) about(id string) (watched, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w, ok := h.latest[id]
	return w, ok
}

// span is the part of a history that is asked for.
type span struct {
	since, until time.Time
	kind         watchtower.PassKind
	limit        int // the most recent; 0: all
	reports      bool
}

func (h *history) within(s span) []pass {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := []pass{}
	for _, p := range h.passes {
		if p.ended.Before(s.since) || !s.until.IsZero() && p.ended.After(s.until) || s.kind != "" && p.Kind != s.kind {
			continue
		}
		if !s.reports {
			p.Report = nil
		}
		out = append(out, p)
	}
	if s.limit > 0 && len(out) > s.limit {
		out = out[len(out)-s.limit:]
	}
	return out
}

// passes answers with the history.
func (h *Handler) passes(w http.ResponseWriter, r *http.Request) {
	s, err := readSpan(r)
	if err != nil {
		h.fail(w, err)
		return
	}
	entries := h.history.within(s)
	h.answer(w, http.StatusOK, struct {
		Entries []pass `json:"entries"`
		Count   int    `json:"count"`
		stamp
	}{entries, len(entries), stamped()})
}

func readSpan(r *http.Request) (s span, err error) {
	values, err := parameters(r, "since", "until", "limit", "kind", "reports")
	if err != nil {
		return s, err
	}
	for name, field := range map[string]*time.Time{"since": &s.since, "until": &s.until} {
		if !values.Has(name) {
			continue
		}
		if *field, err = time.Parse(time.RFC3339, values.Get(name)); err != nil {
			return s, invalid("%s: %q: want a time (2026-01-31T15:04:05Z)", name, values.Get(name))
		}
	}
	if !s.until.IsZero() && s.since.After(s.until) {
		return s, invalid("since: %q: want a time before until", values.Get("since"))
	}
	if text := values.Get("limit"); text != "" {
		if s.limit, err = strconv.Atoi(text); err != nil || s.limit < 0 {
			return s, invalid("limit: %q: want a whole number, 0 or more", text)
		}
	}
	switch s.kind = watchtower.PassKind(values.Get("kind")); s.kind {
	case "", watchtower.PassCheck, watchtower.PassUpdate:
	default:
		return s, invalid("kind: %q: want check or update", string(s.kind))
	}
	if text := values.Get("reports"); text != "" {
		if s.reports, err = strconv.ParseBool(text); err != nil {
			return s, invalid("reports: %q: want true or false", text)
		}
	}
	return s, nil
}
