package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/containerd/errdefs"
)

// statusAnswer is how the Tower is; of engines with names the sum of theirs: the first
// time of each kind, and the last pass of all.
type statusAnswer struct {
	engineState

	Engines []engineStatus `json:"engines,omitempty"`
	stamp
}

// engineStatus is how the Tower of one of several is.
type engineStatus struct {
	Engine    string `json:"engine"`
	Reachable bool   `json:"reachable"` // its engine answers, whether all is well or not
	engineState
}

type engineState struct {
	Summary  summary   `json:"summary"` // of the last pass, zeros before the first
	LastPass *pass     `json:"last_pass,omitempty"`
	Healthy  bool      `json:"healthy"`
	Problem  string    `json:"problem,omitempty"`
	Started  time.Time `json:"started"`
	InHand   time.Time `json:"in_hand,omitzero"`
	NextDue  time.Time `json:"next_due,omitzero"`
	Overdue  time.Time `json:"overdue,omitzero"`
}

func (h *Handler) status(w http.ResponseWriter, r *http.Request) {
	_, engines, err := h.about(r)
	if err != nil {
		h.fail(w, err)
		return
	}
	states := each(engines, func(e *engine) (engineStatus, error) { return e.status(r.Context()), nil })
	out := statusAnswer{stamp: stamped()}
	for i, s := range states {
		if s.engine.name == "" {
			out.engineState = s.value.engineState
			continue
		}
		out.Engines = append(out.Engines, s.value)
		out.add(s.value, i == 0)
	}
	h.answer(w, http.StatusOK, out)
}

// status is how the engine is.
func (e *engine) status(ctx context.Context) engineStatus {
	health := e.state(ctx)
	out := engineStatus{Engine: e.name, Reachable: !errdefs.IsUnavailable(health.Err), engineState: engineState{
		Healthy: health.Err == nil, Started: rounded(health.Started),
		InHand: health.InHand.UTC(), NextDue: health.NextDue.UTC(), Overdue: health.Overdue.UTC(),
	}}
	if health.Err != nil {
		out.Problem = strings.ReplaceAll(health.Err.Error(), "\n", "; ")
	}
	if last, ok := e.history.last(); ok {
		last.Report = nil
		out.Summary, out.LastPass = last.summary, &last
	}
	return out
}

// add sums it up. All is well if it is on each.
func (s *engineState) add(one engineStatus, first bool) {
	all := total{summary: s.Summary}
	all.add(one.Summary, time.Time{}, time.Time{})
	s.Summary = all.summary
	s.Healthy = one.Healthy && (first || s.Healthy)
	if one.Problem != "" {
		s.Problem = strings.TrimPrefix(s.Problem+"; "+one.Engine+": "+one.Problem, "; ")
	}
	s.Started, s.InHand = earlier(s.Started, one.Started), earlier(s.InHand, one.InHand)
	s.NextDue, s.Overdue = earlier(s.NextDue, one.NextDue), earlier(s.Overdue, one.Overdue)
	if s.LastPass == nil || one.LastPass != nil && one.LastPass.ended.After(s.LastPass.ended) {
		s.LastPass = one.LastPass
	}
}

func (h *Handler) showConfig(w http.ResponseWriter, r *http.Request) {
	if _, err := parameters(r); err != nil {
		h.fail(w, err)
		return
	}
	h.answer(w, http.StatusOK, struct {
		Config any `json:"config"`
		stamp
	}{h.cfg.shown, stamped()})
}

// showMetrics hands on: the answer is not JSON.
func (h *Handler) showMetrics(w http.ResponseWriter, r *http.Request) { h.cfg.metrics.ServeHTTP(w, r) }

// live says that requests are answered, which is all that a restart could mend.
func (h *Handler) live(w http.ResponseWriter, _ *http.Request) { probe(w, true) }

// ready says whether a Tower does its work: the engine answers, no pass is overdue. Of
// several one is enough, and the first that does is the answer: whoever restarts what is not
// ready would end the work of all for the sake of one, and mend nothing.
func (h *Handler) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	engines := h.attached()
	well := make(chan bool, len(engines))
	for _, e := range engines {
		go func() { well <- e.state(ctx).Err == nil }()
	}
	ok := false
	for range engines {
		if ok = <-well; ok {
			break
		}
	}
	probe(w, ok)
}

// startup says whether there is a Tower.
func (h *Handler) startup(w http.ResponseWriter, _ *http.Request) { probe(w, len(h.attached()) > 0) }

// probe answers without a reason: anybody may ask.
func probe(w http.ResponseWriter, ok bool) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	text := "OK"
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
		text = "not ready"
	}
	_, _ = w.Write([]byte(text)) // to a caller who may have gone
}
