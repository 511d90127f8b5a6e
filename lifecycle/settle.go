package lifecycle

import (
	"context"
	"errors"
	"fmt"
)

// maxRounds bounds how often an action is derived again after an error.
const maxRounds = 4

// errAgain: an action failed; look again and derive the next one.
var errAgain = errors.New("look again")

// verdict forces what settle may decide.
type verdict int

const (
	// undo goes back, unless the point of no return has been passed.
	undo verdict = iota
	// decide goes forward if all that is new is in place and proves itself.
	decide
)

// settle turns whatever is left of one group's swap into one container under
// each name: the one recovery function, for errors and for crashes. It is a
// function of the list, looked at anew after every error.
func (r *recreator) settle(ctx context.Context, lead string, v verdict, t *tracker) error {
	var last error
	for range maxRounds {
		list, err := r.list(ctx)
		if err != nil {
			return err
		}
		slots := observe(list)[lead]
		if len(slots) == 0 {
			return nil
		}
		if !t.hold.hasAll(slots) {
			return errLost
		}
		err = r.resolve(ctx, slots, v, t)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errAgain) {
			return err
		}
		last = err
	}
	return last
}

// resolve makes one decision for the group and carries it out.
func (r *recreator) resolve(ctx context.Context, slots []*slot, v verdict, t *tracker) error {
	if r.goForward(ctx, slots, v) {
		return r.forward(ctx, slots, t)
	}
	return r.back(ctx, slots, t)
}

// goForward is the table of the protocol, in its order.
func (r *recreator) goForward(ctx context.Context, slots []*slot, v verdict) bool {
	begun := false // a successor stands alone: its predecessor was removed already
	for _, s := range slots {
		begun = begun || s.inPlace() && s.base == nil
	}
	if begun {
		return true
	}
	if v == undo {
		return false
	}
	for _, s := range slots {
		if !s.inPlace() {
			return false
		}
		// Both up is what only an engine's restart makes, or an order that means
		// it.
		oldUp := s.old != nil && s.old.State.Up() && !s.beside()
		if oldUp || s.goal().up() && !s.next.State.Up() {
			return false
		}
	}
	for _, s := range slots {
		if s.goal().up() && s.next.State != StatePaused && r.verify(ctx, s.next.ID, s.goal(), -1) != nil {
			return false
		}
	}
	return true
}

func again(err error) error { return fmt.Errorf("%w: %w", errAgain, err) }
