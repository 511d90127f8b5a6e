package watchtower

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// Report is what a pass found and did. It holds every container the engine has,
// sorted by name.
type Report struct {
	// Kind tells a check from an update.
	Kind PassKind `json:"kind"`
	// Started and Ended are by the watcher's clock.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// Recovered is what became of updates that an earlier crash had cut short;
	// an update repairs them first, a check only skips what they hold.
	Recovered []lifecycle.Recovery `json:"-"`
	// Entries has one entry per container.
	Entries []Entry `json:"containers"`
	// Plan is what the update did, or what one would do.
	Plan Plan `json:"plan"`
	// Quotas are what registries have told that they still allow, by host, the last
	// word of each that tells. Empty if the Checker is no registry.QuotaTeller.
	Quotas []registry.Quota `json:"quotas,omitempty"`

	handedOver bool // a helper replaces this process's container
}

// Status is what a pass says of one container.
type Status string

// The statuses. A container is in exactly one.
const (
	// StatusFresh: it runs what its reference points at.
	StatusFresh Status = "fresh"
	// StatusStale: a newer image is there; nothing was done about it.
	StatusStale Status = "stale"
	// StatusUpdated: it was replaced, the successor verified.
	StatusUpdated Status = "updated"
	// StatusHeld: a newer image is there, and a gate holds it; Reason says why, and
	// HeldUntil until when.
	StatusHeld Status = "held"
	// StatusSkipped: it was left alone; Reason says why.
	StatusSkipped Status = "skipped"
	// StatusRolledBack: the successor failed, the old container serves again. Its text
	// has a blank; where it is a key, in Summary and the log, it is rolled_back.
	StatusRolledBack Status = "rolled back"
	// StatusRestarted: it was replaced on its own image, because a container it
	// cannot do without was; Reason says which.
	StatusRestarted Status = "restarted"
	// StatusFailed: the check or the update failed before the container was
	// touched, or ended unfinished; Err says which.
	StatusFailed Status = "failed"
)

// Entry is what a pass says of one container.
type Entry struct {
	// Container is as it was when the pass began.
	Container lifecycle.Container
	// Status is how it ended.
	Status Status
	// Reason is why it was skipped, or what makes it stale, and which newer versions
	// are of no use to it, and why.
	Reason string
	// HeldUntil is when a held one may move; zero if that waits for something else
	// than time.
	HeldUntil time.Time
	// due is set if it is to be judged again at HeldUntil.
	due bool
	// Latest is the digest its reference points at now, where that was asked.
	Latest string
	// Endpoint is the host that said so: its registry or, for Docker Hub, one of
	// its mirrors. Empty if nobody did, or the Checker does not tell who.
	Endpoint string
	// StaleMirror is a mirror of its registry that points at something else, and
	// that the engine would pull through. Empty if there is none.
	StaleMirror string
	// NewReference is what the successor was or would be created by, where a tag
	// policy moves it to another tag; empty if that stays.
	NewReference string
	// NewContainerID is the successor's, if it was updated.
	NewContainerID string
	// NewImageID is the image the successor was or would be created on, as far
	// as it is known.
	NewImageID string
	// Downtime is how long nothing served, by the engine's calls; 0 if the old
	// container was never stopped.
	Downtime time.Duration
	// Warnings are what did not prevent the update but should be known.
	Warnings []string
	// Hooks are what became of its hooks, in order; of those in Go only the ones
	// that had something against it.
	Hooks []lifecycle.HookResult
	// Failure is what a failed successor could still tell; nil if none failed.
	Failure *lifecycle.Failure
	// Policy is what counts for it, and who says so.
	Policy Policy
	// Err is why it failed or was rolled back.
	Err error
}

// MarshalJSON writes the entry flat: name, id, image, image_id, state, status
// and, where they say something, reason, held_until, latest, endpoint, stale_mirror,
// new_reference, new_id, new_image_id, downtime_ms, warnings, hooks, failure, policy (the
// rows that Policy.Said returns), error and retry_after, which is when its registry may
// be asked again.
func (e Entry) MarshalJSON() ([]byte, error) {
	out := struct {
		Name       string          `json:"name"`
		ID         string          `json:"id"`
		Image      string          `json:"image"`
		ImageID    string          `json:"image_id"`
		State      lifecycle.State `json:"state"`
		Status     Status          `json:"status"`
		Reason     string          `json:"reason,omitempty"`
		HeldUntil  time.Time       `json:"held_until,omitzero"`
		Latest     string          `json:"latest,omitempty"`
		Endpoint   string          `json:"endpoint,omitempty"`
		Stale      string          `json:"stale_mirror,omitempty"`
		NewRef     string          `json:"new_reference,omitempty"`
		NewID      string          `json:"new_id,omitempty"`
		NewImageID string          `json:"new_image_id,omitempty"`
		DowntimeMS int64           `json:"downtime_ms,omitempty"`
		Warnings   []string        `json:"warnings,omitempty"`

		Hooks []lifecycle.HookResult `json:"hooks,omitempty"`

		Failure    *lifecycle.Failure `json:"failure,omitempty"`
		Policy     Policy             `json:"policy,omitempty"`
		Error      string             `json:"error,omitempty"`
		RetryAfter time.Time          `json:"retry_after,omitzero"`
	}{
		e.Container.Name, e.Container.ID, e.Container.Image, e.Container.ImageID, e.Container.State,
		e.Status, e.Reason, e.HeldUntil, e.Latest, e.Endpoint, e.StaleMirror, e.NewReference, e.NewContainerID, e.NewImageID,
		e.Downtime.Milliseconds(),
		e.Warnings, e.Hooks, e.Failure, e.Policy.Said(), "",
		time.Time{},
	}
	if e.Err != nil {
		out.Error = e.Err.Error()
	}
	if limit := (*registry.Error)(nil); errors.As(e.Err, &limit) {
		out.RetryAfter = limit.RetryAfter
	}
	return json.Marshal(out)
}

// Count returns how many containers have the status.
func (r *Report) Count(s Status) int {
	n := 0
	for i := range r.Entries {
		if r.Entries[i].Status == s {
			n++
		}
	}
	return n
}

// rare are the statuses that are told of only where there are any.
func (r *Report) rare() []Status {
	if r.Kind == PassCheck {
		return []Status{StatusRestarted, StatusHeld}
	}
	return []Status{StatusRestarted, StatusHeld, StatusStale}
}

// Scanned returns how many containers were looked at: all but the skipped.
func (r *Report) Scanned() int { return len(r.Entries) - r.Count(StatusSkipped) }

// Err joins the errors of all containers, nil if none failed.
func (r *Report) Err() error {
	var errs []error
	for i := range r.Entries {
		if err := r.Entries[i].Err; err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Summary is the pass in one line: "scanned=3 updated=1 failed=0 skipped=2
// rolled_back=0", with "stale=" before them for a check, and "restarted=", "held=" and
// for an update "stale=" behind them where one had to follow another, a gate holds one,
// or one is only monitored.
func (r *Report) Summary() string {
	var b strings.Builder
	if r.Kind == PassCheck {
		fmt.Fprintf(&b, "stale=%d ", r.Count(StatusStale))
	}
	fmt.Fprintf(&b, "scanned=%d updated=%d failed=%d skipped=%d rolled_back=%d", r.Scanned(),
		r.Count(StatusUpdated), r.Count(StatusFailed), r.Count(StatusSkipped), r.Count(StatusRolledBack))
	for _, s := range r.rare() {
		if n := r.Count(s); n > 0 {
			fmt.Fprintf(&b, " %s=%d", s, n)
		}
	}
	return b.String()
}
