package watchtower

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// Report is what a pass found and did. It holds every container the engine has, and the
// services of a swarm (see WithServices), sorted by name, unless it is partial.
//
// Its JSON can be read back. What is not in it: Recovered, a container's labels,
// manifest, platform and time of creation, of a service all but its mode and rollout, the rows of a policy of which nobody said
// anything, a quota's window, and what is less than a millisecond of a duration. An
// error that was read has the text of what was written, its class, and the time at which
// its registry may be asked again (a *registry.Error with RetryAfter); a hook's has its
// text.
type Report struct {
	// Engine is the engine's name; empty if it has none: see WithEngineName.
	Engine string `json:"engine,omitempty"`
	// Kind tells a check from an update.
	Kind PassKind `json:"kind"`
	// Started and Ended are by the watcher's clock.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// Recovered is what became of updates that an earlier crash had cut short;
	// an update repairs them first, a check only skips what they hold.
	Recovered []lifecycle.Recovery `json:"-"`
	// Partial is set if the pass was asked about some containers only, by UpdateWith,
	// CheckWith or a plan: there are no entries of others.
	Partial bool `json:"partial,omitempty"`
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
	// cannot do without was; Reason says which, and what else is to be said of it:
	// one that is held, or only monitored, still is.
	StatusRestarted Status = "restarted"
	// StatusFailed: the check or the update failed before the container was
	// touched, or ended unfinished; Err says which.
	StatusFailed Status = "failed"
)

// Entry is what a pass says of one container.
type Entry struct {
	// Container is as it was when the pass began. A swarm's service is one that has a
	// Service.
	Container lifecycle.Container
	// TaskOf is the service whose task the container is: its name, or its ID. Empty for
	// all others.
	TaskOf string
	// Status is how it ended.
	Status Status
	// Reason is why it was skipped, held or restarted, or what makes it stale, and
	// which newer versions are of no use to it, and why.
	Reason string
	// OutOfDate is set if something newer is there for it than it runs now: if it is stale
	// or held, and also if that newer image has failed on it, was rolled back or is
	// rejected; and beside a fresh or restarted one, if a newer version has failed on it.
	OutOfDate bool
	// HeldUntil is when a held one may move, restarted meanwhile or not; zero if that
	// waits for something else than time.
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
	// From is what the image says of itself that it ran when the pass began, and To the
	// one it moved to or would: zero for one that moves nowhere, and where nobody could
	// tell. Change has both for people.
	From, To ImageInfo
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
// or one is only monitored. Where the engine has a name, "engine=" comes before all.
func (r *Report) Summary() string {
	var b strings.Builder
	if r.Engine != "" {
		fmt.Fprintf(&b, "engine=%s ", r.Engine)
	}
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
