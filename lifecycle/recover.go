package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// Recoverer is an Updater that can repair what a crash left of its work. A pass
// that is to change something calls Recover first. An updater with a journal of its
// own brings its own; beside any other what Recreate left is put in order.
type Recoverer interface {
	// Recover turns what an interrupted update left into one container under
	// each name, in the state it was in, and returns an entry for each service
	// it found in mid-update, whoever began that: a service between two
	// containers is everybody's concern. It may wait for a while, to see whether
	// somebody is still at work. An error means that it could not look.
	Recover(ctx context.Context, opts RecoverOptions) ([]Recovery, error)
}

// RecoverOptions says how to recover.
type RecoverOptions struct {
	// StopTimeout is as in Target.
	StopTimeout *time.Duration
	// OnStep is told of each step as it begins; may be nil. It must not block.
	OnStep func(Step)
	// Only, if it is not empty, names the one service to look for, and those that
	// move with it.
	Only string
	// Except, if it is not empty, is the ID of a container whose own update is left
	// alone: one that a Handover is for.
	Except string
}

// covers tells whether a group is to be looked at.
func (o RecoverOptions) covers(slots []*slot) bool {
	only := o.Only == ""
	for _, s := range slots {
		only = only || s.target == o.Only
		for _, c := range append(s.made(), s.old) {
			if c != nil && c.ID == o.Except {
				return false
			}
		}
	}
	return only
}

// Recovery is what became of one service that was found in mid-update.
type Recovery struct {
	// Name is the service's.
	Name string
	// Outcome is OutcomeUpdated or OutcomeRolledBack, or OutcomeUnfinished
	// with the reason in Err.
	Outcome Outcome
	// ID is the container that has the name now; empty if there is none.
	ID string
	// Err is why it is unfinished: of class Conflict if another watcher has it
	// in hand or somebody else's container has the name, else Unavailable.
	Err error
}

var _ Recoverer = (*recreator)(nil)

// recoverPoll is how often a stranger looks for a sign of life.
const recoverPoll = time.Second

// recoverAtMost bounds a recovery's wait. One lease is enough but for a swap that
// verifies a successor beside its predecessor, which may take its holder minutes
// of silence.
const recoverAtMost = 5 * time.Minute

// Recover looks for swaps that are in nobody's hand and finishes or undoes them.
// One whose holder is known to be dead is taken at once. For one whose holder
// may live it waits for as long as the holder may be silent, and leaves it alone
// if there is a sign of life.
func (r *recreator) Recover(ctx context.Context, opts RecoverOptions) ([]Recovery, error) {
	var out []Recovery
	settled := map[string]bool{}
	deadline := time.Now().Add(recoverAtMost)
	for {
		list, err := r.list(ctx)
		if err != nil {
			return out, &Error{Op: "recover", Err: err}
		}
		groups, pending := observe(list), false
		r.forget(groups)
		for _, lead := range slices.Sorted(maps.Keys(groups)) {
			slots := groups[lead]
			if settled[lead] || r.holds(lead) || !opts.covers(slots) {
				continue
			}
			gone, wait, moved := r.abandoned(ctx, slots, list)
			switch {
			case gone:
				out = append(out, r.recoverGroup(ctx, slots, opts)...)
			case moved || time.Now().Add(wait).After(deadline) || ctx.Err() != nil:
				out = append(out, unfinished(slots, errclass.With(errdefs.ErrConflict, errors.New("another watcher has it in hand")))...)
			default:
				pending = true
				continue
			}
			settled[lead] = true
		}
		if !pending {
			return out, nil
		}
		_ = sleep(ctx, recoverPoll) // an ended ctx ends the wait, above
	}
}

// recoverGroup takes one group over and settles it.
func (r *recreator) recoverGroup(ctx context.Context, slots []*slot, opts RecoverOptions) []Recovery {
	lead := slots[0].lead
	if !r.take(lead) {
		return nil
	}
	defer r.let(lead)
	// Between two containers there is no good moment to give up.
	free := context.WithoutCancel(ctx)
	t := &tracker{service: slots[0].target, onStep: opts.OnStep, stopTimeout: opts.StopTimeout}
	t.step("recover", journalNames(slots))
	for _, s := range slots {
		for _, c := range append(s.made(), s.parkedOnes()...) {
			if snap, err := r.inspect(free, c.ID); err == nil {
				t.wait = max(t.wait, stopWait(snap, opts.StopTimeout))
			}
		}
	}
	if err := r.takeOver(free, slots, t); err != nil {
		return unfinished(slots, errclass.With(errdefs.ErrConflict, err))
	}
	err := r.settle(free, lead, decide, t)
	if err != nil {
		err = r.lastResort(free, lead, err, t)
	}
	if err != nil {
		class := error(errdefs.ErrUnavailable)
		if errors.Is(err, errLost) {
			class = errdefs.ErrConflict
		}
		return unfinished(slots, errclass.With(class, err))
	}
	return r.recovered(free, slots)
}

// recovered tells who has the names now.
func (r *recreator) recovered(ctx context.Context, slots []*slot) []Recovery {
	list, err := r.list(ctx)
	if err != nil {
		return unfinished(slots, errclass.With(errdefs.ErrUnavailable, err))
	}
	left := observe(list)[slots[0].lead]
	out := make([]Recovery, len(slots))
	for i, s := range slots {
		out[i] = Recovery{Name: s.target, Outcome: OutcomeRolledBack}
		for _, c := range list {
			if c.Name == s.target {
				out[i].ID = c.ID
			}
		}
		if s.next != nil && out[i].ID == s.next.ID {
			out[i].Outcome = OutcomeUpdated
		}
		for _, l := range left {
			if l.oldID == s.oldID {
				out[i].Outcome = OutcomeUnfinished
				out[i].Err = errclass.With(errdefs.ErrConflict,
					fmt.Errorf("a container that is not ours has the name; the one it belongs to is kept as %s", journalNames([]*slot{l})))
			}
		}
	}
	return out
}

func unfinished(slots []*slot, err error) []Recovery {
	out := make([]Recovery, len(slots))
	for i, s := range slots {
		out[i] = Recovery{Name: s.target, Outcome: OutcomeUnfinished, Err: &Error{"recover", s.target, err}}
	}
	return out
}

// forget drops what was seen of swaps that have ended.
func (r *recreator) forget(groups map[string][]*slot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for lead := range r.seen {
		if groups[lead] == nil {
			delete(r.seen, lead)
		}
	}
}

func (r *recreator) holds(lead string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.inHand[lead]
}
