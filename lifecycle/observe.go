package lifecycle

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
)

// slot is all that one list of containers shows of one journalled service.
type slot struct {
	target string // the name to serve under
	oldID  string // the predecessor's, 12 digits
	lead   string // its group's leader's, 12 digits

	old    *Container   // the predecessor, or the copy that took its place
	parked bool         // old stands under its journal name
	spares []*Container // copies of a predecessor that vanishes when stopped
	base   *Container   // what to go back to: old, else the best spare
	next   *Container   // the successor
	held   bool         // the successor still stands under its journal name
	dead   []*Container // half-removed: absent, but to be removed
	letter letter       // the predecessor's state when it was parked
	seat   int          // its place in the group, as far as it is known
	occ    *Container   // who has the target's name
}

// observe groups what the list shows of unfinished swaps by their leader. It
// is a function of the list alone.
func observe(list []Container) map[string][]*slot {
	groups := map[string][]*slot{}
	find := func(e entry) *slot {
		for _, s := range groups[e.lead] {
			if s.oldID == e.old {
				return s
			}
		}
		s := &slot{target: e.target, oldID: e.old, lead: e.lead}
		groups[e.lead] = append(groups[e.lead], s)
		return s
	}
	for i := range list {
		readParked(&list[i], find)
	}
	for i := range list {
		readSuccessor(&list[i], groups, find)
	}
	for _, slots := range groups {
		for _, s := range slots {
			s.settle(list)
		}
		// Parents before those that live in them, as the group was planned.
		slices.SortFunc(slots, func(a, b *slot) int {
			return cmp.Or(cmp.Compare(a.seat, b.seat), strings.Compare(a.oldID, b.oldID))
		})
	}
	return groups
}

func readParked(c *Container, find func(entry) *slot) {
	e, ok := journalEntry(*c)
	if !ok || e.role == roleNew {
		return
	}
	s := find(e)
	if e.role == roleSpare {
		if s.letter == 0 {
			s.letter = e.letter
		}
		if absent(c.State) {
			s.dead = append(s.dead, c)
		} else {
			s.spares = append(s.spares, c)
		}
		return
	}
	s.old, s.parked, s.letter = c, true, e.letter
}

// readSuccessor takes successors under their journal name, and those in place
// whose group still has something journalled: by itself the label is history.
func readSuccessor(c *Container, groups map[string][]*slot, find func(entry) *slot) {
	if c.Labels[labelRole] != roleNew {
		return
	}
	if e, ok := journalEntry(*c); ok {
		// A predecessor was a successor once, and still has the label.
		if e.role == roleNew {
			s := find(e)
			s.next, s.held = c, true
		}
		return
	}
	if groups[c.Labels[labelLead]] == nil || c.Name != c.Labels[labelTarget] {
		return
	}
	s := find(entry{target: c.Name, old: short(c.Labels[labelOf]), lead: c.Labels[labelLead]})
	if s.next == nil {
		s.next = c
	}
}

// settle fills in what follows from the whole list.
func (s *slot) settle(list []Container) {
	if s.oldID != s.lead {
		s.seat = math.MaxInt
		for _, c := range s.made() {
			if n, err := strconv.Atoi(c.Labels[labelSeat]); err == nil {
				s.seat = n
			}
		}
	}
	for i := range list {
		c := &list[i]
		if c.Name == s.target {
			s.occ = c
		}
		if s.old == nil && short(c.ID) == s.oldID {
			s.old = c
		}
	}
	if s.old == nil && s.occ != nil && s.occ.Labels[labelRole] == roleSpare && short(s.occ.Labels[labelOf]) == s.oldID {
		s.old = s.occ // a spare that was put into its place
	}
	if s.old != nil && absent(s.old.State) {
		s.dead = append(s.dead, s.old)
		s.old = nil
	}
	// One that is up before one that is not, one that has lived before one that
	// never did.
	slices.SortFunc(s.spares, func(a, b *Container) int {
		if d := rank(a.State) - rank(b.State); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	s.base = s.old
	if s.base == nil && len(s.spares) > 0 {
		s.base = s.spares[0]
	}
}

func rank(s State) int {
	switch {
	case s.Up():
		return 0
	case started(s):
		return 1
	default:
		return 2
	}
}

// absent states count as gone; removal is tried again.
func absent(s State) bool { return s == StateRemoving || s == StateDead }

// started: the engine leaves a container whose start failed in "created".
func started(s State) bool { return s != StateCreated }

// conflict: somebody else's container has the name.
func (s *slot) conflict() bool {
	return s.occ != nil && short(s.occ.ID) != s.oldID &&
		(s.next == nil || s.occ.ID != s.next.ID) &&
		(s.base == nil || s.occ.ID != s.base.ID)
}

// orphan: there is nothing to go back to.
func (s *slot) orphan() bool {
	if s.base == nil {
		return true
	}
	lived := slices.ContainsFunc(s.spares, func(c *Container) bool { return started(c.State) })
	return s.base != s.old && s.held && !lived
}

// settled: the predecessor never left its name.
func (s *slot) settled() bool { return s.base != nil && s.base == s.old && !s.parked }

// list asks the engine once more if the first answer is an error: the list is
// what everything after it is derived from.
func (r *recreator) list(ctx context.Context) ([]Container, error) {
	list, err := r.containers(ctx)
	if err != nil {
		list, err = r.containers(ctx)
	}
	return list, err
}

func (r *recreator) containers(ctx context.Context) ([]Container, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return r.engine.Containers(ctx)
}

func byID(list []Container, id string) *Container {
	for i := range list {
		if list[i].ID == id {
			return &list[i]
		}
	}
	return nil
}
