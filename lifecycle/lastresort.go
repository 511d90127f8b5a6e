package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// lastResort is for a predecessor that its engine will not start again: one that
// ended while the engine was dead may keep a task of which the engine cannot rid
// itself. The successor is whole and is another container to the engine, so it
// gets its chance, on the same condition as ever: the predecessor goes once it has
// proven itself. If it does not, it is stopped, and the next pass tries both again.
// cause is why going back failed; it is returned if there is nothing to try.
func (r *recreator) lastResort(ctx context.Context, lead string, cause error, t *tracker) error {
	if !errors.Is(cause, errAgain) {
		return cause
	}
	slots, err := r.observed(ctx, lead)
	if err != nil || !stuck(slots) || !t.hold.hasAll(slots) {
		return cause
	}
	t.step("recover", "the predecessor does not start again: "+journalNames(slots))
	failed := r.tryNext(ctx, slots, t)
	slots, err = r.observed(ctx, lead)
	switch {
	case failed != nil:
		r.stopNext(ctx, slots, t)
		err = failed
	case err == nil:
		err = r.forward(ctx, slots, t)
	}
	if err != nil {
		return fmt.Errorf("%w; and its successor: %w", cause, err)
	}
	return nil
}

// observed looks at one group.
func (r *recreator) observed(ctx context.Context, lead string) ([]*slot, error) {
	list, err := r.list(ctx)
	return observe(list)[lead], err
}

// stuck: one is down that was up, so is its successor; and all are parked, which
// keeps the state they were in, and have a successor.
func stuck(slots []*slot) bool {
	whole := !slices.ContainsFunc(slots, func(s *slot) bool {
		return s.next == nil || s.base == nil || s.settled() || s.conflict()
	})
	return whole && slices.ContainsFunc(slots, func(s *slot) bool { return s.letter.up() && !s.base.State.Up() && !s.next.State.Up() })
}

// tryNext puts the successors in place, starts them, and has them prove themselves.
// One that ran beside its predecessor had all its aliases before that was parked.
func (r *recreator) tryNext(ctx context.Context, slots []*slot, t *tracker) error {
	for _, s := range slices.Backward(slots) {
		if s.base.State.Up() {
			if err := r.stop(ctx, s.base.Name, s.base.Labels, t); err != nil {
				return err
			}
		}
	}
	for _, s := range slots {
		if s.held {
			if err := r.rename(ctx, s.next.Name, s.target); err != nil {
				return err
			}
		}
	}
	for _, s := range slots {
		if !s.goal().up() || s.next.State.Up() {
			continue
		}
		t.step("start", s.target)
		if err := r.start(ctx, s.next.ID); err != nil {
			return err
		}
	}
	t.step("verify", slots[0].target)
	for _, s := range slots {
		if s.goal().up() && s.next.State != StatePaused {
			if err := r.verify(ctx, s.next.ID, s.goal(), -1); err != nil {
				return fmt.Errorf("verify %s: %w", s.target, err)
			}
		}
	}
	return nil
}

// stopNext stops what did not prove itself. What fails of it is met by the next
// pass, as the rest is.
func (r *recreator) stopNext(ctx context.Context, slots []*slot, t *tracker) {
	for _, s := range slices.Backward(slots) {
		if s.next != nil && s.next.State.Up() {
			_ = r.stop(ctx, s.next.ID, s.next.Labels, t)
		}
	}
}
