package lifecycle

import (
	"context"
	"fmt"
)

// back puts the predecessors back. The order matters at every line: what is new
// is stopped before what is old is started, and removed before the old one gets
// its name again, since the name is the last trace of the state it was in.
func (r *recreator) back(ctx context.Context, slots []*slot, t *tracker) error {
	for i := len(slots) - 1; i >= 0; i-- {
		if s := slots[i]; s.next != nil && s.next.State.Up() && s.base != nil {
			ref := s.next.ID
			if s.held {
				ref = s.next.Name
			}
			if err := r.stop(ctx, ref, s.next.Labels, t); err != nil {
				return again(err)
			}
		}
	}
	for _, s := range slots {
		if s.orphan() || s.conflict() || s.settled() || s.looping() {
			continue
		}
		if err := r.restore(ctx, s, t); err != nil {
			return again(err)
		}
	}
	for i := len(slots) - 1; i >= 0; i-- {
		if err := r.drop(ctx, slots[i]); err != nil {
			return again(err)
		}
	}
	if err := r.giveNamesBack(ctx, slots, t); err != nil {
		return err
	}
	return r.resume(ctx, slots)
}

// resume starts those again that are restarted for ever. They got their names
// back first, and the successor, whose labels tell of it, goes last.
func (r *recreator) resume(ctx context.Context, slots []*slot) error {
	for _, s := range slots {
		if !s.looping() || s.orphan() || s.conflict() {
			continue
		}
		if !s.base.State.Up() {
			if err := r.start(ctx, s.base.ID); err != nil {
				return again(err)
			}
		}
		if err := r.remove(ctx, s.journalName(), true); err != nil {
			return again(err)
		}
	}
	return nil
}

// looping: the predecessor was restarted for ever, and the successor that says
// so is there.
func (s *slot) looping() bool { return s.next != nil && s.next.Labels[labelOrder] == orderRestarting }

// beside: the successor runs beside its predecessor until it is verified.
func (s *slot) beside() bool { return s.next != nil && s.next.Labels[labelOrder] == string(StartFirst) }

// journalName is the successor's until it is in place.
func (s *slot) journalName() string {
	return entry{target: s.target, role: roleNew, old: s.oldID, lead: s.lead}.String()
}

// restore brings the predecessor to the state its letter tells.
func (r *recreator) restore(ctx context.Context, s *slot, t *tracker) error {
	c := s.base
	if !s.letter.up() {
		return nil
	}
	if s.beside() {
		if err := r.attach(ctx, c.Name, endpointsOf(s.next)); err != nil {
			return err
		}
	}
	if !c.State.Up() {
		// A failed start of a container that removes itself deletes it: keep a
		// second copy first.
		if c != s.old && len(s.spares) == 1 {
			spare, err := r.spareAgain(ctx, s, t)
			if err != nil {
				return err
			}
			s.spares = append(s.spares, spare)
		}
		if err := r.start(ctx, c.ID); err != nil {
			return err
		}
	}
	if s.letter == wasPaused && c.State != StatePaused {
		return r.pause(ctx, c.ID)
	}
	return nil
}

// spareAgain copies the spare under the next epoch's name.
func (r *recreator) spareAgain(ctx context.Context, s *slot, t *tracker) (*Container, error) {
	e, _ := parseEntry(s.base.Name)
	e.epoch++
	snap, err := r.inspect(ctx, s.base.ID)
	if err != nil {
		return nil, err
	}
	files, err := r.copiedFiles(ctx, snap)
	if err != nil {
		return nil, err
	}
	spec := copySpec(snap, nil)
	for _, key := range []string{labelOf, labelLead, labelTarget, labelState, labelRole, labelHolder, labelTTL, labelSeat, labelStart, labelVolumes} {
		if value, ok := snap.Labels[key]; ok {
			spec.Config.Object("Labels")[key] = value
		}
	}
	t.hold.try(e.String())
	id, err := r.create(ctx, CreateOptions{Name: e.String(), Platform: snap.ImagePlatform, Spec: spec})
	if err != nil {
		return nil, err
	}
	t.hold.park(id, e.String())
	if err := r.putFiles(ctx, id, files); err != nil {
		return nil, err
	}
	return &Container{ID: id, Name: e.String(), State: StateCreated}, nil
}

// drop removes what is new, and with it the lock, last.
func (r *recreator) drop(ctx context.Context, s *slot) error {
	journal := s.journalName()
	if s.next != nil && !s.held && s.base != nil && !s.conflict() {
		if err := r.rename(ctx, s.next.ID, journal); err != nil {
			return err
		}
	}
	for _, c := range append(append([]*Container(nil), s.spares...), s.dead...) {
		if c == s.base && !s.orphan() {
			continue
		}
		if err := r.remove(ctx, c.Name, false); err != nil {
			return err
		}
	}
	switch {
	case s.looping() && !s.orphan() && !s.conflict():
		return nil // its labels are still needed
	case s.next == nil, s.orphan() && !s.held:
		return nil // nothing new, or it stands in its place
	case !s.orphan(), !started(s.next.State), s.occ != nil:
		return r.remove(ctx, journal, true)
	}
	// The last of its kind, and it has lived: it is never removed.
	if err := r.attach(ctx, journal, endpointsOf(s.next)); err != nil {
		return err
	}
	if l := letter(firstByte(s.next.Labels[labelState])).then(startOf(s.next)); l.up() && !s.next.State.Up() {
		if err := r.start(ctx, s.next.ID); err != nil {
			return err
		}
	}
	return r.rename(ctx, journal, s.target)
}

// giveNamesBack is the end of a rollback: every name, the leader's last, and
// only once every state is restored.
func (r *recreator) giveNamesBack(ctx context.Context, slots []*slot, t *tracker) error {
	var parked []*slot
	for _, s := range slots {
		if !s.orphan() && !s.conflict() && !s.settled() {
			parked = append(parked, s)
		}
	}
	list, err := r.list(ctx)
	if err != nil {
		return err
	}
	for _, s := range parked {
		if c := byID(list, s.base.ID); c == nil || !s.looping() && !s.inState(c.State) {
			return again(fmt.Errorf("%s is not %s", s.base.Name, s.letter.state()))
		}
	}
	for i := len(parked) - 1; i >= 0; i-- {
		if err := r.giveNameBack(ctx, parked[i], byID(list, parked[i].base.ID), t); err != nil {
			return again(err)
		}
	}
	if len(parked) == 0 {
		return nil
	}
	return r.repairStates(ctx, parked)
}

// giveNameBack renames a predecessor. One that its policy restarts, and that is
// between two lives, is stopped for it.
func (r *recreator) giveNameBack(ctx context.Context, s *slot, now *Container, t *tracker) error {
	between := now.State == StateRestarting
	if between {
		if err := r.stop(ctx, s.base.Name, s.base.Labels, t); err != nil {
			return err
		}
	}
	if err := r.rename(ctx, s.base.Name, s.target); err != nil {
		return err
	}
	if between {
		return r.start(ctx, s.base.ID)
	}
	return nil
}

// repairStates is for an engine that restarted between the look and the rename:
// the state is still known here, and nowhere else.
func (r *recreator) repairStates(ctx context.Context, slots []*slot) error {
	list, err := r.list(ctx)
	if err != nil {
		return err
	}
	for _, s := range slots {
		c := byID(list, s.base.ID)
		if c == nil || s.looping() || s.inState(c.State) || !s.letter.up() {
			continue
		}
		if !c.State.Up() {
			if err := r.start(ctx, c.ID); err != nil {
				return err
			}
		}
		if s.letter == wasPaused {
			if err := r.pause(ctx, c.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *slot) inState(have State) bool {
	switch s.letter {
	case wasRunning:
		return have == StateRunning || have == StateRestarting
	case wasPaused:
		return have == StatePaused
	default:
		return true
	}
}

func (l letter) state() State {
	if l == wasPaused {
		return StatePaused
	}
	return StateRunning
}

func firstByte(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}
