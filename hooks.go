package watchtower

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// What hooks are made of: see lifecycle.
type (
	// HookPoint is a point of a pass at which hooks run: see lifecycle.HookPoint.
	HookPoint = lifecycle.HookPoint
	// HookFunc is a hook in Go: see lifecycle.HookFunc.
	HookFunc = lifecycle.HookFunc
	// HookCall tells it what it is called for.
	HookCall = lifecycle.HookCall
	// HookVerdict is what it says.
	HookVerdict = lifecycle.HookVerdict
	// HookUser is whom the commands of labels run as.
	HookUser = lifecycle.HookUser
)

// hookSettings are the hooks of a Tower.
type hookSettings struct {
	calls  map[HookPoint][]HookFunc
	labels bool
	user   HookUser // of those whose labels do not say
}

// at reports whether there may be hooks at a point.
func (h hookSettings) at(point HookPoint) bool { return h.labels || len(h.calls[point]) > 0 }

// WithLabelHooks runs the commands that containers' labels name (see
// lifecycle.HooksOf), as the given user where the labels do not say; the zero
// HookUser is each container's own. Default: they are not run, as both programs
// before this one have it. A command that must run needs an engine that is a
// lifecycle.Execer.
//
// Update runs them: those of PreCheck and PostCheck in every running container that
// is checked, a few at a time, those of PreUpdate and PostUpdate in every running
// one that is replaced, if only along with another. Check changes nothing and runs
// none; Apply checks nothing and runs those of an update. A container that is not
// running has nothing to run them in, and is updated without; one that is created
// and not started has no PostUpdate either.
//
// PreUpdate comes when the successor has been created and nothing else can stand
// against the update. Exit code 75 puts it off until the next pass: StatusSkipped.
// Any other failure leaves the container and its group as they are: StatusFailed;
// the image is not to blame, and is tried again. At the other points a failure is
// told by HookEnded, by the entry and by the log, and changes nothing. A PostUpdate
// command that still runs when ctx ends has ten seconds left.
//
// A watcher that dies in mid-swap may run PreUpdate again in its next pass, and
// PostUpdate not at all. After a rollback nothing runs.
func WithLabelHooks(user HookUser) Option {
	return func(c *config) error {
		for _, id := range []*int{user.UID, user.GID} {
			if id != nil && (*id < 0 || *id > math.MaxInt32) {
				return invalid("WithLabelHooks", *id, "a UID and a GID from 0 to 2147483647")
			}
		}
		c.hooks.labels, c.hooks.user = true, user
		return nil
	}
}

// WithHook adds a hook in Go. At a point they run in the order they were added,
// before the label's command; WithLabelHooks tells when, and for which containers,
// but that they run whatever state a container is in. At PreUpdate all of a group's
// are asked before its first command, and the first that does not let it pass ends
// the asking. One that panics has failed. They have as long as they take, until
// ctx ends. Default: none.
func WithHook(point HookPoint, hooks ...HookFunc) Option {
	return func(c *config) error {
		points := []HookPoint{lifecycle.PreCheck, lifecycle.PostCheck, lifecycle.PreUpdate, lifecycle.PostUpdate}
		if !slices.Contains(points, point) {
			return invalid("WithHook", fmt.Sprintf("%q", string(point)), "pre-check, post-check, pre-update or post-update")
		}
		for _, h := range hooks {
			if h == nil {
				return invalid("WithHook", "nil", "a HookFunc")
			}
			if c.hooks.calls == nil {
				c.hooks.calls = map[HookPoint][]HookFunc{}
			}
			c.hooks.calls[point] = append(c.hooks.calls[point], h)
		}
		return nil
	}
}

// called asks the hooks in Go. Those that have nothing against it leave no trace:
// their program knows them.
func (p *pass) called(ctx context.Context, e *Entry, call HookCall) HookVerdict {
	for _, hook := range p.cfg.hooks.calls[call.Point] {
		start := p.now()
		verdict := contained(ctx, hook, call)
		if verdict == (HookVerdict{}) {
			continue
		}
		p.hookEnded(e, call.Container, lifecycle.HookResult{Point: call.Point, Verdict: verdict, Duration: p.now().Sub(start)})
		if call.Point == lifecycle.PreUpdate {
			return verdict
		}
	}
	return HookVerdict{}
}

// contained calls a hook, whose panic is not the pass's. Nor is it the updater's, whose
// error it becomes at PreUpdate: contain would have it taken for that.
func contained(ctx context.Context, hook HookFunc, call HookCall) (verdict HookVerdict) {
	defer func() {
		if r := recover(); r != nil {
			verdict = HookVerdict{Err: fmt.Errorf("the hook panicked: %v", r)}
		}
	}()
	return hook(ctx, call)
}

// hookEnded writes down and tells what became of a hook.
func (p *pass) hookEnded(e *Entry, c Container, result lifecycle.HookResult) {
	e.Hooks = append(e.Hooks, result)
	p.emit(HookEnded{At: p.now(), Container: c, Result: result})
}

// untold is true the first time it is asked for something.
func (t *Tower) untold(what string) bool {
	_, said := t.said.LoadOrStore(what, true)
	return !said
}
