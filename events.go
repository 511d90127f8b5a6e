package watchtower

import (
	"context"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// Event is one fact about a pass. The set is closed: it is the structs of this
// file and no others. More may come with a later version, so a switch over them
// wants a default.
//
// Each has when it was, At, and the name of the engine it is about, Engine, which is
// empty unless the Tower has one: see WithEngineName, and EventEngine.
type Event interface {
	// on returns the event as one about that engine, and which it was about.
	on(engine string) (Event, string)
}

// EventEngine is the name of the engine that the event is about; empty if it has none.
func EventEngine(e Event) string {
	_, engine := e.on("")
	return engine
}

// Observer is told every event, in order, one at a time.
//
// Each observer has a queue of its own, of 1024 events: a slow one delays
// neither the pass nor the others. What does not fit is dropped, counted and
// told by ObserverOverflowed; but an Audit misses nothing. A panic in an observer is
// contained and logged. A pass that ends waits up to five seconds for its observers, and
// their context ends five seconds after the pass's. One that is given to several Towers
// is told by all of them at once.
type Observer interface {
	Observe(ctx context.Context, e Event)
}

// ObserverFunc adapts a function to Observer.
type ObserverFunc func(ctx context.Context, e Event)

// Observe calls f.
func (f ObserverFunc) Observe(ctx context.Context, e Event) { f(ctx, e) }

// PassKind tells a check from an update.
type PassKind string

// The kinds of pass.
const (
	PassCheck  PassKind = "check"
	PassUpdate PassKind = "update"
)

// PassStarted begins a pass.
type PassStarted struct {
	At     time.Time
	Engine string
	Kind   PassKind
}

// ContainerSkipped tells of a container the pass leaves alone, and why.
type ContainerSkipped struct {
	At        time.Time
	Engine    string
	Container lifecycle.Container
	Reason    string
	// Stale: there is something newer for it.
	Stale bool
}

// LabelInvalid tells of a container's label that has a value nobody can use: once for
// each container and label, until it has another value.
type LabelInvalid struct {
	At        time.Time
	Engine    string
	Container lifecycle.Container
	// Label is the label, Value what it says, and Accepted what it may say.
	Label, Value, Accepted string
}

// CheckFailed tells of a reference whose registry gave no answer, or of one of its
// containers to which the engine could not say what the answer means.
type CheckFailed struct {
	At        time.Time
	Engine    string
	Reference string
	// Containers are the names of those that use it, Services those of a swarm's services
	// that do.
	Containers, Services []string
	Err                  error
}

// MirrorNoticed tells what is to be known of a mirror: that it answered in its
// registry's place, or that it is stale.
type MirrorNoticed struct {
	At        time.Time
	Engine    string
	Reference string
	// Mirror is the mirror's host.
	Mirror string
	// Stale is set if the mirror points at something else than the registry, whose
	// answer counts. What an engine pulls through it is not what was found.
	Stale bool
	// Err is why the registry did not answer, where the mirror did.
	Err error
}

// UpdateFound tells of a stale container.
type UpdateFound struct {
	At     time.Time
	Engine string
	Entry  Entry
}

// UpdateHeld tells of a stale container that a gate holds: in every pass that finds
// it so.
type UpdateHeld struct {
	At     time.Time
	Engine string
	Entry  Entry
}

// PullStarted begins the pull of a reference.
type PullStarted struct {
	At        time.Time
	Engine    string
	Reference string
}

// PullProgressed is one line of a pull's progress. An observer that is far
// behind is not told all of them.
type PullProgressed struct {
	At        time.Time
	Engine    string
	Reference string
	Progress  lifecycle.PullProgress
}

// PullEnded ends it.
type PullEnded struct {
	At        time.Time
	Engine    string
	Reference string
	Duration  time.Duration
	Err       error
}

// StepStarted tells of a step of a swap as it begins.
type StepStarted struct {
	At     time.Time
	Engine string
	// Image is the reference the container is brought to.
	Image string
	// Service is the service's mode, if the step's Container is the name of one; else
	// empty.
	Service lifecycle.ServiceMode
	Step    lifecycle.Step
}

// HookStarted tells of a label's command as it begins.
type HookStarted struct {
	At     time.Time
	Engine string
	// Container is the one it runs in.
	Container lifecycle.Container
	Point     HookPoint
	// Command is what `sh -c` is given.
	Command string
}

// HookEnded tells what became of a hook: of every label's command, and of a hook in
// Go that had something against its container.
type HookEnded struct {
	At        time.Time
	Engine    string
	Container lifecycle.Container
	Result    lifecycle.HookResult
}

// UpdateEnded tells how the update of one container ended: updated, rolled back
// or failed.
type UpdateEnded struct {
	At     time.Time
	Engine string
	Entry  Entry
}

// ImageRemoved tells that a replaced image was removed, or why it was kept.
type ImageRemoved struct {
	At     time.Time
	Engine string
	// ImageID is the image's ID, Reference what led to it before.
	ImageID, Reference string
	// Kept says why it was kept; empty if it was removed.
	Kept string
	Err  error
}

// ServiceRecovered tells what became of a service whose update an earlier crash
// had cut short.
type ServiceRecovered struct {
	At       time.Time
	Engine   string
	Recovery lifecycle.Recovery
}

// SelfUpdateStarted tells that a helper was started to replace this process's own
// container, or that the cluster was asked to replace its service's tasks: see
// WithSelfUpdate.
type SelfUpdateStarted struct {
	At     time.Time
	Engine string
	Entry  Entry
	// Helper is the name of the helper's container; empty if it is a task of a service,
	// which the cluster replaces.
	Helper string
}

// SelfUpdateEnded tells how it ended, in the process that runs in the container
// afterwards: the successor, or again the predecessor. The entry is updated, rolled
// back or failed. It does not tell the downtime. Where it is a service's task, each that
// the change made tells, whoever began the change.
type SelfUpdateEnded struct {
	At     time.Time
	Engine string
	Entry  Entry
}

// LeftoverFound tells of what another program's update of itself left: removed, or
// left as it is because it runs.
type LeftoverFound struct {
	At        time.Time
	Engine    string
	Container lifecycle.Container
	Removed   bool
	Err       error
}

// PassEnded ends a pass that could be made.
type PassEnded struct {
	At     time.Time
	Engine string
	Kind   PassKind
	Report *Report
}

// PassFailed tells of a call that made no report, with the error it returned, and
// always instead of PassEnded: the engine did not answer, a plan was refused, ctx ended.
// PassStarted came before it, unless ctx ended before it was the pass's turn. Run
// tells so of every pass but one that its own ctx cut short: that is how it ends; and
// of its first look at the engine, if it makes no pass at once.
type PassFailed struct {
	At     time.Time
	Engine string
	Kind   PassKind
	Err    error
	// Retry is when Run tries again; zero outside Run.
	Retry time.Time
	// Repeated is set when the pass before failed as well.
	Repeated bool
}

// PassSkipped tells of a pass that was not made, since another pass was being made:
// see PassRequest.NoWait. No other event tells of it.
type PassSkipped struct {
	At     time.Time
	Engine string
	Kind   PassKind
}

// PassScheduled tells when Run makes its next pass.
type PassScheduled struct {
	At, Next time.Time
	Engine   string
}

// FailureEnded tells that a failure is over of which an earlier event told: what could
// not be checked was, the container runs what it is to run, its hook succeeded, a pass
// was made. Where an event says so itself, as UpdateEnded of what was updated in the
// end, there is none. It comes before the PassEnded of its pass, and only to an observer
// that is behind Once.
type FailureEnded struct {
	At     time.Time
	Engine string
	// Failure is the EventID of the event that told of it, and Since when that was.
	Failure string
	Since   time.Time
	// What is how it had failed: "check failed", "failed", "rolled back", "pass failed",
	// or a hook's point and "hook failed".
	What string
	// Reference is what could not be checked; else empty.
	Reference string
	// Containers are the names of those it was about, Services those of a swarm's
	// services; none of either if it was a pass.
	Containers, Services []string
}

// ObserverOverflowed tells an observer how many events it has missed, since it
// did not take them in time.
type ObserverOverflowed struct {
	At     time.Time
	Engine string
	Missed int
}

func (e PassStarted) on(n string) (Event, string)        { n, e.Engine = e.Engine, n; return e, n }
func (e ContainerSkipped) on(n string) (Event, string)   { n, e.Engine = e.Engine, n; return e, n }
func (e LabelInvalid) on(n string) (Event, string)       { n, e.Engine = e.Engine, n; return e, n }
func (e CheckFailed) on(n string) (Event, string)        { n, e.Engine = e.Engine, n; return e, n }
func (e MirrorNoticed) on(n string) (Event, string)      { n, e.Engine = e.Engine, n; return e, n }
func (e UpdateFound) on(n string) (Event, string)        { n, e.Engine = e.Engine, n; return e, n }
func (e UpdateHeld) on(n string) (Event, string)         { n, e.Engine = e.Engine, n; return e, n }
func (e PullStarted) on(n string) (Event, string)        { n, e.Engine = e.Engine, n; return e, n }
func (e PullProgressed) on(n string) (Event, string)     { n, e.Engine = e.Engine, n; return e, n }
func (e PullEnded) on(n string) (Event, string)          { n, e.Engine = e.Engine, n; return e, n }
func (e StepStarted) on(n string) (Event, string)        { n, e.Engine = e.Engine, n; return e, n }
func (e HookStarted) on(n string) (Event, string)        { n, e.Engine = e.Engine, n; return e, n }
func (e HookEnded) on(n string) (Event, string)          { n, e.Engine = e.Engine, n; return e, n }
func (e UpdateEnded) on(n string) (Event, string)        { n, e.Engine = e.Engine, n; return e, n }
func (e ImageRemoved) on(n string) (Event, string)       { n, e.Engine = e.Engine, n; return e, n }
func (e ServiceRecovered) on(n string) (Event, string)   { n, e.Engine = e.Engine, n; return e, n }
func (e SelfUpdateStarted) on(n string) (Event, string)  { n, e.Engine = e.Engine, n; return e, n }
func (e SelfUpdateEnded) on(n string) (Event, string)    { n, e.Engine = e.Engine, n; return e, n }
func (e LeftoverFound) on(n string) (Event, string)      { n, e.Engine = e.Engine, n; return e, n }
func (e PassEnded) on(n string) (Event, string)          { n, e.Engine = e.Engine, n; return e, n }
func (e PassFailed) on(n string) (Event, string)         { n, e.Engine = e.Engine, n; return e, n }
func (e PassSkipped) on(n string) (Event, string)        { n, e.Engine = e.Engine, n; return e, n }
func (e PassScheduled) on(n string) (Event, string)      { n, e.Engine = e.Engine, n; return e, n }
func (e FailureEnded) on(n string) (Event, string)       { n, e.Engine = e.Engine, n; return e, n }
func (e ObserverOverflowed) on(n string) (Event, string) { n, e.Engine = e.Engine, n; return e, n }
