package lifecycle

import (
	"context"
	"errors"
)

// forward ends the swap in favour of what is new.
func (r *recreator) forward(ctx context.Context, slots []*slot, t *tracker) error {
	for _, s := range slots {
		if !s.inPlace() || !s.goal().up() {
			continue
		}
		if err := r.bringUp(ctx, s, t); err != nil {
			return again(err)
		}
	}
	list, err := r.list(ctx)
	if err != nil {
		return err
	}
	for _, s := range slots {
		if !s.inPlace() || !s.goal().up() {
			continue
		}
		if c := byID(list, s.next.ID); c == nil || !c.State.Up() || s.goal() == wasPaused && c.State != StatePaused {
			return again(errors.New("the successor is not up"))
		}
	}
	for i := len(slots) - 1; i >= 0; i-- {
		s := slots[i]
		end := r.removeOld
		if !s.inPlace() {
			// The commit began, but this member has no successor: it keeps its
			// predecessor.
			end = func(ctx context.Context, s *slot, t *tracker) error { return r.back(ctx, []*slot{s}, t) }
		}
		if err := end(ctx, s, t); err != nil {
			return err
		}
	}
	return nil
}

// inPlace: the successor stands under the service's name.
func (s *slot) inPlace() bool { return s.next != nil && !s.held }

// bringUp brings the successor to the state it is to end in.
func (r *recreator) bringUp(ctx context.Context, s *slot, t *tracker) error {
	if s.old != nil && s.old.State.Up() && !s.next.State.Up() {
		if err := r.stop(ctx, s.old.Name, s.old.Labels, t); err != nil {
			return err
		}
	}
	if !s.next.State.Up() {
		if err := r.start(ctx, s.next.ID); err != nil {
			return err
		}
	}
	if s.goal() == wasPaused && s.next.State != StatePaused {
		return r.pause(ctx, s.next.ID)
	}
	return nil
}

func (r *recreator) removeOld(ctx context.Context, s *slot, t *tracker) error {
	gone := append([]*Container(nil), s.dead...)
	if s.old != nil {
		gone = append(gone, s.old)
	}
	for _, c := range append(gone, s.spares...) {
		if c.State.Up() {
			if err := r.stop(ctx, c.Name, c.Labels, t); err != nil {
				return again(err)
			}
		}
		if err := r.remove(ctx, c.Name, false); err != nil {
			return again(err)
		}
	}
	return nil
}
