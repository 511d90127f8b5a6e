package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// swap is one target on its way through the protocol. Every name moves before
// the old container is stopped, so that the state it was in stands in its name
// before the state changes; any error answer ends the straight line, and the
// one recovery function finds out what is there.
type swap struct {
	*recreator
	moves []*move
	t     *tracker

	imageFailed bool // the successor did not start, or did not prove itself
}

var _ Updater = (*recreator)(nil)

// Update swaps the target's containers, or leaves them as they were.
func (r *recreator) Update(ctx context.Context, t Target) (Result, error) {
	if len(t.Members) == 0 {
		return Result{}, nil
	}
	leader := t.Members[0].Container.Name
	result := untouched(t)
	s := &swap{recreator: r, t: &tracker{service: leader, onStep: t.OnStep, stopTimeout: t.StopTimeout}}
	lead := short(t.Members[0].Container.ID)
	for _, member := range t.Members {
		m, err := r.prepare(ctx, member, lead)
		if err != nil {
			return result, &Error{"update", member.Container.Name, err}
		}
		s.moves = append(s.moves, m)
		s.t.wait = max(s.t.wait, stopWait(m.old, t.StopTimeout))
	}
	err := s.run(ctx, &result)
	if err != nil {
		return result, &Error{"update", leader, err}
	}
	return result, nil
}

// run makes the calls. What happens before the first rename is undone without
// a trace; from there on the swap is finished or undone whatever becomes of
// ctx, since a service is between two containers.
func (s *swap) run(ctx context.Context, result *Result) error {
	free := context.WithoutCancel(ctx)
	err := s.createAll(free)
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		if errdefs.IsConflict(err) && s.moves[0].ids.next == "" {
			return fmt.Errorf("another watcher has it in hand: %w", err)
		}
		if undone := s.settle(free, s.moves[0].lead, undo, nil, s.t); undone != nil {
			s.mark(result, OutcomeUnfinished)
			return errors.Join(err, fmt.Errorf("clean up: %w", undone))
		}
		return err
	}
	if err := s.replaceAll(ctx, free); err != nil {
		s.readFailure(free, result)
		return s.rollBack(free, err, result)
	}
	if err := s.commit(free); err != nil {
		// It has been verified: from here only a look can tell what is left to do.
		if err := s.settle(free, s.moves[0].lead, decide, parked(s.moves), s.t); err != nil {
			s.mark(result, OutcomeUnfinished)
			return errclass.With(errdefs.ErrUnavailable, fmt.Errorf("unfinished: %w", err))
		}
		return s.outcome(free, result)
	}
	for i, m := range s.moves {
		result.Members[i].NewID = m.ids.next
		result.Members[i].Outcome = OutcomeUpdated
		result.Members[i].Downtime = s.t.down
	}
	return nil
}

// createAll creates every successor, which is the lock, then looks again.
func (s *swap) createAll(ctx context.Context) error {
	for _, m := range s.moves {
		s.t.step("create", m.name(roleNew))
		id, err := s.create(ctx, CreateOptions{Name: m.name(roleNew), Platform: m.image.Platform, Spec: m.spec})
		if err != nil {
			return err
		}
		m.ids.next = id
		if err := s.putFiles(ctx, id, m.files); err != nil {
			return err
		}
		if m.removesItself() {
			if err := s.createSpare(ctx, m); err != nil {
				return err
			}
		}
	}
	for _, m := range s.moves {
		if err := s.compare(ctx, m); err != nil {
			return err
		}
		if err := s.unchanged(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (s *swap) createSpare(ctx context.Context, m *move) error {
	inherited, err := s.inherited(ctx, m.old)
	if err != nil {
		return err
	}
	spec := copySpec(m.old, inherited)
	s.label(m, spec, roleSpare)
	m.ids.spare, err = s.create(ctx, CreateOptions{Name: m.name(roleSpare), Spec: spec})
	if errdefs.IsConflict(err) {
		return errors.New(err.Error()) // the lock is ours; this is no sign of another watcher
	}
	if err != nil {
		return err
	}
	return s.putFiles(ctx, m.ids.spare, m.files)
}

// replaceAll is the part in which the service changes hands.
func (s *swap) replaceAll(ctx, free context.Context) error {
	for _, m := range s.moves {
		s.t.step("rename", m.name("old"))
		if err := s.rename(free, m.old.ID, m.name("old")); err != nil {
			return err
		}
		if err := s.stillIn(free, m); err != nil {
			return err
		}
	}
	for _, m := range s.moves {
		if err := s.rename(free, m.name(roleNew), m.old.Name); err != nil {
			return err
		}
	}
	for i := len(s.moves) - 1; i >= 0; i-- {
		if m := s.moves[i]; m.was.up() {
			s.t.step("stop", "")
			if s.t.stopped.IsZero() {
				s.t.stopped = time.Now()
			}
			if err := s.stop(free, m.name("old"), s.t); err != nil {
				return err
			}
		}
	}
	for _, m := range s.moves {
		if m.was.up() {
			s.t.step("start", "")
			if err := s.start(free, m.ids.next); err != nil {
				s.imageFailed = !errdefs.IsUnavailable(err)
				return err
			}
		}
	}
	s.t.up()
	err := s.proveAll(ctx, free)
	s.imageFailed = err != nil && ctx.Err() == nil && !errdefs.IsUnavailable(err)
	return err
}

// proveAll verifies and takes the last look before the point of no return. Its
// wait ends with ctx: an unproven successor is not worth delaying an exit.
func (s *swap) proveAll(ctx, free context.Context) error {
	for _, m := range s.moves {
		if m.was.up() {
			s.t.step("verify", "")
			if err := s.verify(ctx, m.ids.next, 0); err != nil {
				return fmt.Errorf("verify: %w", err)
			}
		}
		if m.was == wasPaused {
			if err := s.pause(free, m.ids.next); err != nil {
				return err
			}
		}
	}
	for _, m := range s.moves {
		if m.was.up() {
			if err := s.stillGood(free, m.ids.next, m.was); err != nil {
				return fmt.Errorf("verify: %w", err)
			}
		}
	}
	return nil
}

// commit removes the predecessors, the leader's last.
func (s *swap) commit(ctx context.Context) error {
	for i := len(s.moves) - 1; i >= 0; i-- {
		m := s.moves[i]
		name := m.name("old")
		if m.removesItself() {
			name = m.name(roleSpare)
		}
		s.t.step("remove", name)
		if err := s.remove(ctx, name, false); err != nil {
			return err
		}
	}
	return nil
}
