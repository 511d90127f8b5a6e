package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/watchtower-go/watchtower"
)

// checked is what a check says of one container.
type checked struct {
	Name            string            `json:"name"`
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
	Containers []checked       `json:"containers"`
	Count      int             `json:"count"`
	Summary    summary         `json:"summary"`
	Timing     timing          `json:"timing"`
	Plan       watchtower.Plan `json:"plan"`
	stamp
}

// check looks, and answers when that is over or its caller has waited enough. What has
// begun goes on without its caller: cut short, it would tell of registries that did not
// answer. Those that the Tower's filters leave out are left out.
func (h *Handler) check(w http.ResponseWriter, r *http.Request) {
	a, err := readAsk(r, h.cfg.checkTimeout)
	if err != nil {
		h.fail(w, err)
		return
	}
	tower := h.tower.Load()
	var report *watchtower.Report
	j, err := h.checks.start(r.Context(), func(ctx context.Context, began func()) (*watchtower.Report, error) {
		var err error
		report, err = tower.CheckWith(ctx, watchtower.PassRequest{Only: a.only, Began: began})
		return report, err
	})
	if err != nil {
		h.fail(w, err)
		return
	}
	patience(w, a.timeout+maxAnswerTime)
	enough := time.NewTimer(a.timeout)
	defer enough.Stop()
	select {
	case <-j.done:
	case <-r.Context().Done():
		j.withdraw()
		return
	case <-enough.C:
		j.withdraw()
		h.fail(w, errLate)
		return
	}
	if err := j.failure(); err != nil {
		h.fail(w, err)
		return
	}
	h.found(w, r, report)
}

// found answers with what a check found.
func (h *Handler) found(w http.ResponseWriter, r *http.Request, report *watchtower.Report) {
	watched, err := h.list(r.Context())
	if err != nil {
		h.fail(w, err)
		return
	}
	known := map[string]watchtower.Watched{}
	for _, c := range watched {
		known[c.Container.ID] = c
	}
	out := checkAnswer{Containers: []checked{}, Summary: summaryOf(report), Timing: timingOf(report), Plan: report.Plan, stamp: stamped()}
	for _, e := range report.Entries {
		if c, ok := known[e.Container.ID]; !ok || c.Selected {
			out.Containers = append(out.Containers, checkedOf(e, c.Digest, out.Timestamp))
		}
	}
	out.Count = len(out.Containers)
	h.answer(w, http.StatusOK, out)
}

func checkedOf(e watchtower.Entry, digest string, at time.Time) checked {
	c := checked{
		Name: e.Container.Name, Image: e.Container.Image, ImageID: e.Container.ImageID, Digest: digest,
		UpdateAvailable: e.OutOfDate, LatestImageID: e.NewImageID, LatestDigest: e.Latest,
		Status: e.Status, Reason: e.Reason, NewReference: e.NewReference, versions: versionsOf(e), HeldUntil: e.HeldUntil, Timestamp: at,
	}
	if e.Err != nil {
		c.Error = e.Err.Error()
	}
	return c
}
