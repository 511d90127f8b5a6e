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

// check looks. It changes nothing, so it ends with its caller. Those that the Tower's
// filters leave out are left out.
func (h *Handler) check(w http.ResponseWriter, r *http.Request) {
	a, err := readAsk(r, h.cfg.checkTimeout)
	if err != nil {
		h.fail(w, err)
		return
	}
	select {
	case h.checks <- struct{}{}:
		defer func() { <-h.checks }()
	default:
		h.fail(w, errManyChecks)
		return
	}
	patience(w, a.timeout+maxAnswerTime)
	ctx, cancel := context.WithTimeout(r.Context(), a.timeout)
	defer cancel()
	report, err := h.tower.Load().CheckWith(ctx, watchtower.PassRequest{Only: a.only})
	if err != nil {
		h.fail(w, err)
		return
	}
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
		UpdateAvailable: e.Status == watchtower.StatusStale || e.Status == watchtower.StatusHeld,
		LatestImageID:   e.NewImageID, LatestDigest: e.Latest,
		Status: e.Status, Reason: e.Reason, NewReference: e.NewReference, versions: versionsOf(e), HeldUntil: e.HeldUntil, Timestamp: at,
	}
	if e.Err != nil {
		c.Error = e.Err.Error()
	}
	return c
}
