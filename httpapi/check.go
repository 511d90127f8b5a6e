package httpapi

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/watchtower-go/watchtower"
)

// checked is what a check says of one container.
type checked struct {
	Engine string `json:"engine,omitempty"`
	Name   string `json:"name"`
	kind
	Image           string            `json:"image"`
	ImageID         string            `json:"image_id"`
	Digest          string            `json:"digest"`
	UpdateAvailable bool              `json:"update_available"`
	LatestImageID   string            `json:"latest_image_id"`
	LatestDigest    string            `json:"latest_digest"`
	Status          watchtower.Status `json:"status"`
	Reason          string            `json:"reason,omitempty"`
	NewReference    string            `json:"new_reference,omitempty"`
	versions
	HeldUntil time.Time `json:"held_until,omitzero"`
	Error     string    `json:"error,omitempty"`
	Timestamp time.Time `json:"timestamp"`
}

// versions are what the images say of themselves, as far as they do.
type versions struct {
	From   watchtower.ImageInfo `json:"from,omitzero"`
	To     watchtower.ImageInfo `json:"to,omitzero"`
	Change string               `json:"change,omitempty"`
}

func versionsOf(e watchtower.Entry) versions { return versions{e.From, e.To, e.Change().String()} }

type checkAnswer struct {
	Containers []checked        `json:"containers"`
	Count      int              `json:"count"`
	Summary    summary          `json:"summary"`
	Timing     timing           `json:"timing"`
	Plan       *watchtower.Plan `json:"plan,omitempty"` // of an engine without a name
	Engines    []engineChecked  `json:"engines,omitempty"`
	Errors     []problem        `json:"errors,omitempty"`
	stamp
}

// engineChecked is what a check of one engine came to.
type engineChecked struct {
	Engine  string          `json:"engine"`
	Summary summary         `json:"summary"`
	Timing  timing          `json:"timing"`
	Plan    watchtower.Plan `json:"plan"`
}

// look is a check that was asked for.
type look struct {
	*job

	report *watchtower.Report // once it is over
}

// check looks, and answers when that is over or its caller has waited enough. What has
// begun goes on without its caller: cut short, it would tell of registries that did not
// answer. Those that the Tower's filters leave out are left out.
func (h *Handler) check(w http.ResponseWriter, r *http.Request) {
	a, err := h.readAsk(r, h.cfg.checkTimeout)
	if err != nil {
		h.fail(w, err)
		return
	}
	looks := each(a.engines, func(e *engine) (*look, error) { return e.look(r.Context(), a.only) })
	patience(w, a.timeout+maxAnswerTime)
	enough, cancel := context.WithTimeout(r.Context(), a.timeout)
	defer cancel()
	for i, l := range looks {
		if l.err != nil {
			continue
		}
		select {
		case <-l.value.done:
		case <-enough.Done():
		}
		over, err := l.value.result()
		if looks[i].err = err; !over {
			l.value.withdraw()
			looks[i].err = errLate
		}
	}
	if r.Context().Err() != nil {
		return
	}
	over, problems, err := sorted(looks)
	if err != nil {
		h.fail(w, err)
		return
	}
	h.found(w, r, over, problems)
}

// look begins a check.
func (e *engine) look(ctx context.Context, only []watchtower.Filter) (l *look, err error) {
	l = &look{}
	l.job, err = e.checks.start(ctx, rand.Text(), func(ctx context.Context, began func()) (*watchtower.Report, error) {
		var err error
		l.report, err = e.CheckWith(ctx, watchtower.PassRequest{Only: only, Began: began})
		return l.report, err
	})
	return l, err
}

// found answers with what checks found.
func (h *Handler) found(w http.ResponseWriter, r *http.Request, looks []said[*look], problems []problem) {
	reports, engines := map[*engine]*watchtower.Report{}, []*engine{}
	for _, l := range looks {
		reports[l.engine], engines = l.value.report, append(engines, l.engine)
	}
	lists, more, err := lists(r.Context(), engines)
	if err != nil {
		h.fail(w, err)
		return
	}
	out := checkAnswer{Containers: []checked{}, Errors: append(problems, more...), stamp: stamped()}
	var all total
	for _, list := range lists {
		report := reports[list.engine]
		all.add(summaryOf(report), report.Started, report.Ended)
		out.add(list.engine.name, report, list.value)
	}
	out.Count, out.Summary, out.Timing = len(out.Containers), all.summary, all.timing()
	h.answer(w, http.StatusOK, out)
}

// add tells of one engine.
func (a *checkAnswer) add(engine string, report *watchtower.Report, watched []watchtower.Watched) {
	known := map[string]watchtower.Watched{}
	for _, c := range watched {
		known[c.Container.ID] = c
	}
	for _, e := range report.Entries {
		if c, ok := known[e.Container.ID]; !ok || c.Selected {
			one := checkedOf(e, c.Digest, a.Timestamp)
			one.Engine = engine
			a.Containers = append(a.Containers, one)
		}
	}
	if engine == "" {
		a.Plan = &report.Plan
		return
	}
	a.Engines = append(a.Engines, engineChecked{engine, summaryOf(report), timingOf(report), report.Plan})
}

func checkedOf(e watchtower.Entry, digest string, at time.Time) checked {
	c := checked{
		Name: e.Container.Name, kind: kindOf(e.Container, e.TaskOf), Image: e.Container.Image, ImageID: e.Container.ImageID, Digest: digest,
		UpdateAvailable: e.OutOfDate, LatestImageID: e.NewImageID, LatestDigest: e.Latest,
		Status: e.Status, Reason: e.Reason, NewReference: e.NewReference, versions: versionsOf(e), HeldUntil: e.HeldUntil, Timestamp: at,
	}
	if e.Err != nil {
		c.Error = e.Err.Error()
	}
	return c
}
