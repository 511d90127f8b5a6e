package lifecycle

import (
	"context"
	"time"
)

// Updater brings one target to its new image. Recreate is the one that comes
// with this package; others may roll out blue and green, or ask somebody first.
//
// A non-nil error means the target is not on its new image. Result has an entry
// for each member either way, whose Outcome counts; an empty one goes by the error.
// An Updater is called by several goroutines, never twice at a time for one
// container.
type Updater interface {
	Update(ctx context.Context, t Target) (Result, error)
}

// UpdaterFunc adapts a function to Updater.
type UpdaterFunc func(ctx context.Context, t Target) (Result, error)

// Update calls f.
func (f UpdaterFunc) Update(ctx context.Context, t Target) (Result, error) { return f(ctx, t) }

// Target is one group of containers that move together, usually one.
type Target struct {
	// Members are in start order, the leader first.
	Members []Member
	// Order is how to swap a single container: StartFirst is a demand, refused
	// with FailedPrecondition where OrderOf gives a reason against it. Empty:
	// what the container's label says, else StopFirst.
	Order Order
	// StopTimeout is how long a member may take to stop before it is killed, if
	// its label does not say. Nil: the container's own setting, else the engine's
	// default.
	StopTimeout *time.Duration
	// OnStep is told of each step as it begins; may be nil. It must not block.
	OnStep func(Step)
	// BeforeSwap has the last word, as PreUpdate hooks have it; may be nil. An
	// Updater calls it once, when nothing stands against the update any more and
	// before it changes any of the members, and gives up if it returns an error:
	// that is in the chain of the error it returns.
	BeforeSwap func(context.Context) error
	// BeforeSwapWithin is how long BeforeSwap may take, as another watcher has to
	// know that finds the update in mid-air; 0: that is not known.
	BeforeSwapWithin time.Duration
}

// Member is one container of a target. The image is already on the engine.
type Member struct {
	// Container is what was judged. If the engine's has changed since, the
	// update is refused with FailedPrecondition.
	Container Container
	// Reference is what to create the successor by ("nginx:1.27").
	Reference string
	// ImageID is the image the reference must lead to. A successor created on
	// another one is removed again, before its predecessor was touched.
	ImageID string
	// NeedsReady is set if those before it in the target must have proven
	// themselves before it is started.
	NeedsReady bool
	// Start says whether the successor is started. Empty: if its predecessor was up.
	Start Start
	// FreshVolumes leaves the anonymous volumes behind, those that nobody gave a
	// name: the successor begins with new ones, and the old ones are removed after
	// the predecessor was, unless another container uses them. A crash between the
	// two leaves them, and a predecessor that serves again has them. Default: they
	// are carried on.
	FreshVolumes bool
}

// Step is one step of an update, told as it begins.
type Step struct {
	// Container is the name the service has.
	Container string
	// Action is a verb of the engine's: "create", "rename", "stop", "start",
	// "connect", "disconnect", "remove"; or "verify", "roll back", "recover".
	Action string
	// Detail is what a reader may want besides: the journal name, the reason.
	Detail string
}

// Outcome is how an update ended for a member.
type Outcome string

// The outcomes.
const (
	// OutcomeUpdated: the successor runs, verified; the predecessor is gone.
	OutcomeUpdated Outcome = "updated"
	// OutcomeRolledBack: the predecessor serves again, in the state it was in.
	OutcomeRolledBack Outcome = "rolled back"
	// OutcomeUntouched: it ended before the predecessor was touched.
	OutcomeUntouched Outcome = "untouched"
	// OutcomeUnfinished: neither could be reached, because the engine stopped
	// answering; both containers stand under their journal's names, whole.
	OutcomeUnfinished Outcome = "unfinished"
)

// Result is how an update ended.
type Result struct {
	// Members are in the target's order.
	Members []MemberResult
}

// MemberResult is how an update ended for one member.
type MemberResult struct {
	// Name is the service's.
	Name string
	// Outcome is how it ended.
	Outcome Outcome
	// OldID is the container there was, NewID the one there is: OldID again
	// after a rollback.
	OldID, NewID string
	// Downtime is from the stop of the old one to the end of the start of the
	// one that serves now; 0 if it was not stopped, or its successor not started.
	Downtime time.Duration
	// ImageFailed tells that the successor did not start or did not prove
	// itself, so that the same image is not worth another try.
	ImageFailed bool
	// Failure is what the failed successor could still tell; nil if none failed.
	Failure *Failure
	// Warnings are what did not prevent the update but should be known.
	Warnings []string
}

// Failure is what a successor that failed could still tell before it was removed.
type Failure struct {
	// ExitCode is its process's; 0 if it never ran or was still up.
	ExitCode int `json:"exit_code"`
	// OOMKilled tells that the kernel ended it for its memory.
	OOMKilled bool `json:"oom_killed,omitempty"`
	// Probe is the answer to its probe, if it did not pass, with the status or exit
	// code; else the output of its last health check. At most 1 KiB.
	Probe string `json:"probe,omitempty"`
	// Log is the end of its output, at most 20 lines and 4 KiB, if the engine
	// shows it.
	Log string `json:"log,omitempty"`
}
