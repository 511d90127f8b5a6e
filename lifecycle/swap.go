package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"golang.org/x/sync/errgroup"

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
	ready func(context.Context) error // the target's BeforeSwap

	verified    bool // the successor has its verdict: an error is no reason to go back
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
	s := &swap{recreator: r, ready: t.BeforeSwap, t: &tracker{service: leader, onStep: t.OnStep, stopTimeout: t.StopTimeout}}
	lead := short(t.Members[0].Container.ID)
	for i, member := range t.Members {
		m, err := r.prepare(ctx, t, lead, i)
		if err != nil {
			return result, &Error{"update", member.Container.Name, err}
		}
		s.moves = append(s.moves, m)
		s.t.wait = max(s.t.wait, stopWait(m.old, t.StopTimeout))
	}
	if !r.take(lead) {
		return result, &Error{"update", leader, errclass.With(errdefs.ErrConflict, errors.New("its update is in hand"))}
	}
	defer r.let(lead)
	s.leaveVolumes()
	err := s.run(ctx, &result)
	s.removeVolumes(context.WithoutCancel(ctx), &result)
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
	if err == nil && s.ready != nil {
		err = s.agreed(ctx)
	}
	if err != nil {
		if errdefs.IsConflict(err) && s.moves[0].ids.next == "" {
			return fmt.Errorf("another watcher has it in hand: %w", err)
		}
		if undone := s.settle(free, s.moves[0].lead, undo, s.t); undone != nil {
			s.mark(result, OutcomeUnfinished)
			return errors.Join(err, fmt.Errorf("clean up: %w", undone))
		}
		return err
	}
	replace := s.replaceAll
	if s.moves[0].order == StartFirst {
		replace = s.replaceBeside
	}
	if err := replace(ctx, free); err != nil {
		return s.unwind(free, err, result)
	}
	s.verified = true
	if err := s.commit(free); err != nil {
		return s.unwind(free, err, result)
	}
	for i, m := range s.moves {
		result.Members[i].NewID = m.ids.next
		result.Members[i].Outcome = OutcomeUpdated
		result.Members[i].Downtime = s.t.down
	}
	return nil
}

// agreed asks who has the last word. It comes after all that an engine could
// refuse: a hook that has told a load balancer to turn away is not left with a
// container that stays. Nothing is parked yet, so that a watcher that dies meanwhile
// leaves no more than a successor to remove; the next one asks again. It may have
// taken minutes: another look follows.
func (s *swap) agreed(ctx context.Context) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	for _, m := range s.moves {
		if err := s.unchanged(ctx, m); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// createAll creates every successor, which is the lock, then looks again.
func (s *swap) createAll(ctx context.Context) error {
	next, spare := map[string]string{}, map[string]string{}
	for _, m := range s.moves {
		s.t.step("create", m.name(roleNew))
		follow(m.spec, m.old, s.moves, next)
		id, err := s.create(ctx, CreateOptions{
			Name: m.name(roleNew), Platform: cmp.Or(m.old.ImagePlatform, m.image.Platform), Spec: m.created(),
		})
		if err != nil {
			return err
		}
		m.ids.next, next[m.old.ID] = id, id
		if err := s.putFiles(ctx, id, m.files); err != nil {
			return err
		}
		if m.removesItself() {
			if err := s.createSpare(ctx, m, spare); err != nil {
				return err
			}
		}
	}
	for _, m := range s.moves {
		if err := s.compare(ctx, m, m.created()); err != nil {
			return err
		}
		if err := s.unchanged(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// createSpare creates the copy of a predecessor that vanishes when it is stopped.
// It lives in the copies of its parents, where they vanish as well.
func (s *swap) createSpare(ctx context.Context, m *move, spares map[string]string) error {
	spec := copySpec(m.old, m.inherited)
	s.label(m, spec, roleSpare)
	follow(spec, m.old, s.moves, spares)
	s.t.hold.try(m.name(roleSpare))
	id, err := s.create(ctx, CreateOptions{Name: m.name(roleSpare), Platform: m.old.ImagePlatform, Spec: spec})
	if errdefs.IsConflict(err) {
		return errors.New(err.Error()) // the lock is ours; this is no sign of another watcher
	}
	if err != nil {
		return err
	}
	m.ids.spare, spares[m.old.ID] = id, id
	s.t.hold.park(id, m.name(roleSpare))
	return s.putFiles(ctx, id, m.files)
}

// replaceAll is the part in which the service changes hands.
func (s *swap) replaceAll(ctx, free context.Context) error {
	if err := s.park(free); err != nil {
		return err
	}
	for i := len(s.moves) - 1; i >= 0; i-- {
		if m := s.moves[i]; m.was.up() && !m.looping {
			if err := s.halt(free, m, s.t.hold.names[m.old.ID]); err != nil {
				return err
			}
		}
	}
	for i, m := range s.moves {
		if !m.goal().up() {
			continue
		}
		if m.member.NeedsReady {
			if err := s.proveAll(ctx, free, s.moves[:i]); err != nil {
				return err
			}
		}
		if err := s.fresh(free); err != nil {
			return err
		}
		s.t.step("start", m.stepDetail())
		if err := s.start(free, m.ids.next); err != nil {
			s.startFailed(err)
			return err
		}
	}
	if slices.ContainsFunc(s.moves, func(m *move) bool { return m.goal().up() }) {
		s.t.up()
	}
	if err := s.proveAll(ctx, free, s.moves); err != nil {
		return err
	}
	return s.lastLook(free)
}

// startFailed notes whether the image is to blame.
func (s *swap) startFailed(err error) { s.imageFailed = blames(err) }

// blames: it is not that the engine is gone, its disk full, or the call denied.
func blames(err error) bool {
	return !errdefs.IsUnavailable(err) && !errdefs.IsResourceExhausted(err) && !errdefs.IsPermissionDenied(err)
}

// halt stops a predecessor.
func (s *swap) halt(ctx context.Context, m *move, ref string) error {
	s.t.step("stop", m.stepDetail())
	if s.t.stopped.IsZero() {
		s.t.stopped = time.Now()
	}
	return s.beating(ctx, func(ctx context.Context) error { return s.stop(ctx, ref, m.old.Labels, s.t) })
}

// park moves every name, before anything is stopped.
func (s *swap) park(ctx context.Context) error {
	for _, m := range s.moves {
		if m.removesItself() {
			s.t.hold.vanishes(m.old.ID)
		}
		if m.looping {
			if err := s.halt(ctx, m, m.old.ID); err != nil {
				return err
			}
		}
		s.t.step("rename", m.name("old"))
		if err := s.rename(ctx, m.old.ID, m.name("old")); err != nil {
			// Perhaps it was done all the same: then the name is ours.
			s.t.hold.park(m.old.ID, m.name("old"))
			return err
		}
		s.t.hold.park(m.old.ID, m.name("old"))
		if m.looping {
			continue
		}
		if err := s.stillIn(ctx, m); err != nil {
			return err
		}
	}
	for _, m := range s.moves {
		if err := s.rename(ctx, m.name(roleNew), m.old.Name); err != nil {
			return err
		}
	}
	return nil
}

// proveAll verifies, all at a time. Its wait ends with ctx: an unproven successor
// is not worth delaying an exit.
func (s *swap) proveAll(ctx, free context.Context, moves []*move) error {
	var unproven []*move
	for _, m := range moves {
		if m.goal().up() && !m.proven {
			s.t.step("verify", m.stepDetail())
			unproven = append(unproven, m)
		}
	}
	err := s.beating(ctx, func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		for _, m := range unproven {
			group.Go(func() error {
				err := s.verify(ctx, m.ids.next, m.goal(), 0)
				if err != nil && m.seat > 0 {
					err = fmt.Errorf("%s: %w", m.old.Name, err)
				}
				return err
			})
		}
		return group.Wait()
	})
	if errors.Is(err, errLost) {
		return err
	}
	if err != nil {
		s.imageFailed = ctx.Err() == nil && blames(err)
		return fmt.Errorf("verify: %w", err)
	}
	for _, m := range unproven {
		m.proven = true
		if m.goal() == wasPaused {
			if err := s.pause(free, m.ids.next); err != nil {
				return err
			}
		}
	}
	return nil
}

// lastLook is what comes before the point of no return.
func (s *swap) lastLook(ctx context.Context) error {
	for _, m := range s.moves {
		if !m.goal().up() {
			continue
		}
		if err := s.stillGood(ctx, m.ids.next, m.goal()); err != nil {
			s.imageFailed = blames(err)
			return fmt.Errorf("verify: %w", err)
		}
	}
	return nil
}

// commit removes the predecessors, the leader's last.
func (s *swap) commit(ctx context.Context) error {
	if err := s.fresh(ctx); err != nil {
		return err
	}
	for i := len(s.moves) - 1; i >= 0; i-- {
		m := s.moves[i]
		name := s.t.hold.names[m.old.ID]
		if m.removesItself() {
			name = s.t.hold.names[m.ids.spare]
		}
		s.t.step("remove", name)
		if err := s.remove(ctx, name, false); err != nil {
			return err
		}
	}
	return nil
}

// take notes that the group's swap is in this watcher's hand, unless it is.
func (r *recreator) take(lead string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inHand[lead] {
		return false
	}
	r.inHand[lead] = true
	return true
}

func (r *recreator) let(lead string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.inHand, lead)
}
