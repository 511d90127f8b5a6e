package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
)

// leaseTTL is how long another watcher leaves a swap alone whose holder it
// cannot know to be dead: long against a pause of the holder's process, short
// against the outage of a service whose holder is gone.
const leaseTTL = 20 * time.Second

// errLost: a parked container bears a name this watcher did not give it, so
// another has taken the swap over. Nothing may be touched any more.
var errLost = errors.New("another watcher has taken over")

// hold is what a watcher has parked or taken over: names by ID. Whoever finds
// another name on one of them has lost it.
type hold struct {
	names map[string]string
	// tried are the names of copies that were asked for; whether they came to be
	// may not be known.
	tried map[string]bool
	// fleeting are those that vanish when they are stopped.
	fleeting map[string]bool
	ids      []string // in the order they were parked, the leader first
	beat     time.Time
}

func (h *hold) park(id, name string) {
	if h.names == nil {
		h.names = map[string]string{}
	}
	if _, ok := h.names[id]; !ok {
		h.ids = append(h.ids, id)
	}
	h.names[id] = name
	h.beat = time.Now()
}

func (h *hold) try(name string) {
	if h.tried == nil {
		h.tried = map[string]bool{}
	}
	h.tried[name] = true
}

func (h *hold) vanishes(id string) {
	if h.fleeting == nil {
		h.fleeting = map[string]bool{}
	}
	h.fleeting[id] = true
}

// has reports whether the container stands under the name it was given here.
func (h *hold) has(c *Container) bool {
	return h.names[c.ID] == c.Name || h.names[c.ID] == "" && h.tried[c.Name]
}

// hasAll reports whether everything parked of the group does.
func (h *hold) hasAll(slots []*slot) bool {
	for _, s := range slots {
		for _, c := range s.parkedOnes() {
			if !h.has(c) {
				return false
			}
		}
	}
	return true
}

// renew renames everything parked to its next epoch: a sign of life for those
// who watch, and a fence for a holder that was taken for dead, whose calls still
// carry the old names.
func (r *recreator) renew(ctx context.Context, h *hold) error {
	epoch := func(id string) int {
		e, _ := parseEntry(h.names[id])
		return e.epoch
	}
	// Of two copies the later one moves first, out of the other's way.
	order := slices.Clone(h.ids)
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(epoch(b), epoch(a)) })
	for _, id := range order {
		e, ok := parseEntry(h.names[id])
		if !ok {
			continue
		}
		e.epoch++
		err := r.rename(ctx, h.names[id], e.String())
		if h.fleeting[id] && errdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errLost, err)
		}
		h.names[id] = e.String()
	}
	h.beat = time.Now()
	return nil
}

// fresh renews the hold if it has not been for a beat's time. It comes before a
// call that names do not fence.
func (s *swap) fresh(ctx context.Context) error {
	if len(s.t.hold.ids) == 0 || time.Since(s.t.hold.beat) < s.lease/4 {
		return nil
	}
	return s.renew(ctx, &s.t.hold)
}

// beating makes one call that may take long, and renews the hold meanwhile. The
// first renewal comes a beat after the call, which has found its container by
// then.
func (s *swap) beating(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- call(ctx) }()
	beat := time.NewTicker(s.lease / 4)
	defer beat.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-beat.C:
			// What ends the call must not end the renewal.
			if err := s.renew(context.WithoutCancel(ctx), &s.t.hold); err != nil {
				cancel()
				<-done //nolint:errcheck // it was told to end
				return err
			}
		}
	}
}

// sighting is what a stranger saw of a group, and since when on its own clock:
// no two clocks are ever compared.
type sighting struct {
	names string
	since time.Time
}

// abandoned tells whether a group's holder is gone; if not known, how long it
// still has to give a sign of life; moved tells that it has just given one.
func (r *recreator) abandoned(ctx context.Context, slots []*slot, list []Container) (gone bool, wait time.Duration, moved bool) {
	ttl := r.lease
	for _, s := range slots {
		for _, c := range s.made() {
			if r.dead(ctx, c, list) {
				return true, 0, false
			}
			if d, err := time.ParseDuration(c.Labels[labelTTL]); err == nil && !s.parkedAny() {
				ttl = d
			}
		}
	}
	lead, now := slots[0].lead, time.Now()
	names := journalNames(slots)
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, ok := r.seen[lead]
	if !ok || seen.names != names {
		r.seen[lead] = sighting{names, now}
		return false, ttl, ok
	}
	left := ttl - now.Sub(seen.since)
	return left <= 0, max(left, 0), false
}

// dead tells whether the holder that a successor or a copy names is known to be
// gone.
func (r *recreator) dead(ctx context.Context, made *Container, list []Container) bool {
	h, ok := parseHolder(made.Labels[labelHolder])
	if !ok {
		return false
	}
	if h.nonce == r.me.nonce {
		return true // this very watcher left it unfinished
	}
	if h.earlierLife(r.me) {
		return true
	}
	if c := byID(list, h.container); c != nil {
		if !c.State.Up() {
			return true
		}
		// Lists tell the creation in whole seconds.
		snap, err := r.inspect(ctx, c.ID)
		if err == nil && snap.Status.StartedAt.Truncate(time.Second).After(made.Created) {
			return true
		}
	}
	return h.ended(r.me)
}

// takeOver makes a group this watcher's. Where nothing is parked the removal of
// the successor by its journal name is what decides, and that comes later. One
// that its policy restarts, and that is between two lives, has to be stopped to
// be renamed; what it was stands in its name.
func (r *recreator) takeOver(ctx context.Context, slots []*slot, t *tracker) error {
	for _, s := range slots {
		for _, c := range s.parkedOnes() {
			t.hold.park(c.ID, c.Name)
			if c.State == StateRestarting {
				if err := r.stop(ctx, c.Name, c.Labels, t); err != nil {
					return err
				}
			}
		}
	}
	return r.renew(ctx, &t.hold)
}

// made is what the swap created: it carries the labels.
func (s *slot) made() []*Container {
	out := slices.Clone(s.spares)
	if s.next != nil {
		out = append(out, s.next)
	}
	return out
}

// parkedOnes are those whose names have an epoch.
func (s *slot) parkedOnes() []*Container {
	var out []*Container
	if s.old != nil && s.parked {
		out = append(out, s.old)
	}
	return append(out, s.spares...)
}

func (s *slot) parkedAny() bool { return len(s.parkedOnes()) > 0 }

func journalNames(slots []*slot) string {
	var names []string
	for _, s := range slots {
		for _, c := range s.parkedOnes() {
			names = append(names, c.Name)
		}
		if s.next != nil {
			names = append(names, s.next.Name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
