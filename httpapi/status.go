package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower"
)

// statusAnswer is how the Tower is.
type statusAnswer struct {
	Summary  summary   `json:"summary"` // of the last pass, zeros before the first
	LastPass *pass     `json:"last_pass,omitempty"`
	Healthy  bool      `json:"healthy"`
	Problem  string    `json:"problem,omitempty"`
	Started  time.Time `json:"started"`
	InHand   time.Time `json:"in_hand,omitzero"`
	NextDue  time.Time `json:"next_due,omitzero"`
	Overdue  time.Time `json:"overdue,omitzero"`
	stamp
}

// state is the Tower's health, asked for once for all who want to know.
func (h *Handler) state(ctx context.Context, t Tower) watchtower.Health {
	out, _ := h.health.get(ctx, maxAskTime, func(ctx context.Context) (watchtower.Health, error) { return t.Health(ctx), nil })
	return out
}

func (h *Handler) status(w http.ResponseWriter, r *http.Request) {
	if _, err := parameters(r); err != nil {
		h.fail(w, err)
		return
	}
	health := h.state(r.Context(), h.tower.Load())
	out := statusAnswer{
		Healthy: health.Err == nil, Started: rounded(health.Started),
		InHand: health.InHand.UTC(), NextDue: health.NextDue.UTC(), Overdue: health.Overdue.UTC(), stamp: stamped(),
	}
	if health.Err != nil {
		out.Problem = strings.ReplaceAll(health.Err.Error(), "\n", "; ")
	}
	if last, ok := h.history.last(); ok {
		last.Report = nil
		out.Summary, out.LastPass = last.summary, &last
	}
	h.answer(w, http.StatusOK, out)
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

// ready says whether the Tower does its work: the engine answers, no pass is overdue.
func (h *Handler) ready(w http.ResponseWriter, r *http.Request) {
	t := h.tower.Load()
	probe(w, t != nil && h.state(r.Context(), t).Err == nil)
}

// startup says whether there is a Tower.
func (h *Handler) startup(w http.ResponseWriter, _ *http.Request) { probe(w, h.tower.Load() != nil) }

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
