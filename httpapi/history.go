package httpapi

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
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
	Engine    string              `json:"engine,omitempty"`
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

// history is what the Tower of an engine told of its passes.
type history struct {
	engine string

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
		ID: passID(h.engine, r.Started), Engine: h.engine, Kind: r.Kind, Timestamp: rounded(r.Ended), Started: rounded(r.Started),
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
	h.keep(pass{ID: passID(h.engine, e.At), Engine: h.engine, Kind: e.Kind, Timestamp: rounded(e.At), Error: e.Err.Error(), ended: e.At})
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

// passID is a pass's name, which no other of the Towers has.
func passID(engine string, at time.Time) string {
	id := at.UTC().Format("20060102T150405.000000000Z")
	if engine != "" {
		id += "-" + engine
	}
	return id
}

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

// span is the part of the histories that is asked for.
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
	return out
}

// passes answers with the history of the engines, in the order of time.
func (h *Handler) passes(w http.ResponseWriter, r *http.Request) {
	values, engines, err := h.about(r, "since", "until", "limit", "kind", "reports")
	if err != nil {
		h.fail(w, err)
		return
	}
	s, err := readSpan(values)
	if err != nil {
		h.fail(w, err)
		return
	}
	entries := []pass{}
	for _, e := range engines {
		entries = append(entries, e.history.within(s)...)
	}
	if len(engines) > 1 {
		slices.SortStableFunc(entries, func(a, b pass) int { return a.ended.Compare(b.ended) })
	}
	if s.limit > 0 && len(entries) > s.limit {
		entries = entries[len(entries)-s.limit:]
	}
	h.answer(w, http.StatusOK, struct {
		Entries []pass `json:"entries"`
		Count   int    `json:"count"`
		stamp
	}{entries, len(entries), stamped()})
}

func readSpan(values url.Values) (s span, err error) {
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
