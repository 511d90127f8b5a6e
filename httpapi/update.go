package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/watchtower-go/watchtower"
)

// summary counts what a pass came to. Those rolled back are among the failed, as whoever
// looks for failures alone expects.
type summary struct {
	Scanned    int `json:"scanned"`
	Updated    int `json:"updated"`
	Failed     int `json:"failed"`
	Restarted  int `json:"restarted"`
	Skipped    int `json:"skipped"`
	RolledBack int `json:"rolled_back"`
	Stale      int `json:"stale"`
	Held       int `json:"held"`
}

func summaryOf(r *watchtower.Report) summary {
	back := r.Count(watchtower.StatusRolledBack)
	return summary{
		r.Scanned(), r.Count(watchtower.StatusUpdated), r.Count(watchtower.StatusFailed) + back, r.Count(watchtower.StatusRestarted),
		r.Count(watchtower.StatusSkipped), back, r.Count(watchtower.StatusStale), r.Count(watchtower.StatusHeld),
	}
}

// timing is how long a pass took.
type timing struct {
	DurationMS int64  `json:"duration_ms"`
	Duration   string `json:"duration"`
}

func timingOf(r *watchtower.Report) timing { return took(r.Ended.Sub(r.Started)) }

func took(d time.Duration) timing {
	return timing{d.Milliseconds(), d.Round(time.Millisecond).String()}
}

// updateAnswer is a pass that was made.
type updateAnswer struct {
	ID      string             `json:"id"`
	Summary summary            `json:"summary"`
	Timing  timing             `json:"timing"`
	Report  *watchtower.Report `json:"report,omitempty"` // of an engine without a name
	Engines []engineJob        `json:"engines,omitempty"`
	stamp
}

// jobAnswer is an update as it stands.
type jobAnswer struct {
	ID       string             `json:"id"`
	State    jobState           `json:"state"`
	Location string             `json:"location"`
	Asked    time.Time          `json:"asked"`
	Begun    time.Time          `json:"begun,omitzero"`
	Ended    time.Time          `json:"ended,omitzero"`
	Summary  *summary           `json:"summary,omitempty"`
	Timing   *timing            `json:"timing,omitempty"`
	Report   *watchtower.Report `json:"report,omitempty"`
	Error    string             `json:"error,omitempty"`
	Engines  []engineJob        `json:"engines,omitempty"`
	stamp

	made *made
}

func (j *job) answer() jobAnswer {
	j.mu.Lock()
	defer j.mu.Unlock()
	a := jobAnswer{
		ID: j.id, State: j.state, Location: "/v1/updates/" + j.id,
		Asked: j.asked.UTC(), Begun: j.begun.UTC(), Ended: j.ended.UTC(), stamp: stamped(), made: j.made,
	}
	if j.made != nil {
		t := took(j.made.ended.Sub(j.made.started))
		a.Summary, a.Timing, a.Report = &j.made.summary, &t, j.report
	}
	if j.err != nil {
		a.Error = j.err.Error()
	}
	return a
}

// update makes a pass, and answers when it is over or its caller has waited enough.
func (h *Handler) update(w http.ResponseWriter, r *http.Request) {
	a, err := h.readAsk(r, h.cfg.updateTimeout, "async")
	if err != nil {
		h.fail(w, err)
		return
	}
	asked := a.begin(r.Context())
	if err := asked.failure(); err != nil {
		h.fail(w, err)
		return
	}
	patience(w, a.timeout+maxAnswerTime)
	if a.async {
		h.begun(w, r, asked, len(a.only) > 0)
		return
	}
	enough, cancel := context.WithTimeout(r.Context(), a.timeout)
	defer cancel()
	asked.await(enough, func(j *job) <-chan struct{} { return j.done })
	switch {
	case r.Context().Err() != nil:
		// Who asked has gone. What was asked for is done all the same: a caller that
		// gives up after seconds has always been answered by deeds.
	case enough.Err() != nil && asked.goOn():
		h.accepted(w, asked)
	default:
		h.over(w, asked)
	}
}

// refusedWithin is by when an update of all is refused, if it is: that takes no look at
// anything.
const refusedWithin = time.Second

// update begins an update of some, which waits for its turn, or of all, which does not.
func (e *engine) update(ctx context.Context, id string, only []watchtower.Filter) (*job, error) {
	return e.jobs.start(ctx, id, func(ctx context.Context, began func()) (*watchtower.Report, error) {
		return e.UpdateWith(ctx, watchtower.PassRequest{Only: only, NoWait: len(only) == 0, Began: began})
	})
}

// begun answers a caller who does not wait. One for all has begun, or is refused, at
// once, unless it waits for what the Tower has to finish of an earlier process.
func (h *Handler) begun(w http.ResponseWriter, r *http.Request, asked errand, waits bool) {
	if !waits {
		soon, cancel := context.WithTimeout(r.Context(), refusedWithin)
		defer cancel()
		asked.await(soon, func(j *job) <-chan struct{} { return j.began })
		if r.Context().Err() != nil {
			return
		}
	}
	if err := asked.failure(); err != nil {
		h.fail(w, err)
		return
	}
	h.accepted(w, asked)
}

// accepted says where to look for what becomes of it.
func (h *Handler) accepted(w http.ResponseWriter, asked errand) {
	a := asked.answer()
	w.Header().Set("Location", a.Location)
	h.answer(w, http.StatusAccepted, a)
}

func (h *Handler) over(w http.ResponseWriter, asked errand) {
	if err := asked.failure(); err != nil {
		h.fail(w, err)
		return
	}
	a := asked.answer()
	h.answer(w, http.StatusOK, updateAnswer{a.ID, *a.Summary, *a.Timing, a.Report, a.Engines, a.stamp})
}

// updateByID tells what became of one.
func (h *Handler) updateByID(w http.ResponseWriter, r *http.Request) {
	var asked errand
	for _, e := range h.attached() {
		if j := e.jobs.find(r.PathValue("id")); j != nil {
			asked = append(asked, said[*job]{e, j, nil})
		}
	}
	if len(asked) == 0 {
		h.refuse(w, http.StatusNotFound, "there is no such update, or it was long ago")
		return
	}
	h.answer(w, http.StatusOK, asked.answer())
}
