package watchtower

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// Plan is what an update is going to do: a function of what was seen, and data.
// Its groups are in an order in which they can be carried out one by one; those
// that do not wait for each other may go on at the same time.
type Plan struct {
	// Policy is how it is carried out.
	Policy PlanPolicy `json:"policy"`
	// Images are what has to be there first.
	Images []PlannedImage `json:"images"`
	// Groups are what is swapped.
	Groups []PlannedGroup `json:"groups"`
}

// PlanPolicy is what the watcher's options say of how a plan is carried out.
type PlanPolicy struct {
	// Rolling: one group at a time, and an image that failed is not tried again.
	Rolling bool `json:"rolling,omitempty"`
	// Cleanup: the replaced images are removed.
	Cleanup bool `json:"cleanup,omitempty"`
	// StopTimeout is how long a container may take to stop, in nanoseconds; nil:
	// its own setting.
	StopTimeout *time.Duration `json:"stop_timeout,omitempty"`
	// NoRestart: successors are created and not started.
	NoRestart bool `json:"no_restart,omitempty"`
	// Revive: successors of what is not up are started.
	Revive bool `json:"revive,omitempty"`
	// RemoveVolumes: anonymous volumes are removed, and begin anew.
	RemoveVolumes bool `json:"remove_volumes,omitempty"`
	// ServiceRollback: services without update settings are given some.
	ServiceRollback bool `json:"service_rollback,omitempty"`
}

// PlannedImage is one image to be pulled, unless it is there already.
type PlannedImage struct {
	// Reference is whole, with its tag: "docker.io/library/nginx:1.27".
	Reference string `json:"reference"`
	// Digest is what the registry said it points at.
	Digest string `json:"digest"`
	// ID is the image's configuration, where the check resolved it; else empty.
	ID string `json:"id,omitempty"`
	// Here is set for one that is on the engine: nothing is pulled.
	Here bool `json:"here,omitempty"`
}

// PlannedGroup is containers that are swapped, and rolled back, as one.
type PlannedGroup struct {
	// Members are in start order, parents before those that need them.
	Members []PlannedMember `json:"members"`
	// After names the first members of the groups that must have ended before.
	After []string `json:"after,omitempty"`
	// Order is how the group is swapped.
	Order Order `json:"order"`
	// OrderReason is why it is not swapped start-first, if that was wished for.
	OrderReason string `json:"order_reason,omitempty"`
}

// PlannedMember is one container of a group.
type PlannedMember struct {
	// Name, ID, Image and ImageID are the container's when it was judged.
	Name    string `json:"name"`
	ID      string `json:"id"`
	Image   string `json:"image"`
	ImageID string `json:"image_id"`
	// Service is the mode of a service, whose cluster replaces its tasks, and empty for a
	// container; ImageID is the digest that the service was pinned to, empty for none.
	Service lifecycle.ServiceMode `json:"service,omitempty"`
	// Cause is why it is in the plan.
	Cause string `json:"cause"`
	// Reference is what its successor is created by, where that is another than
	// Image: a tag policy moves it.
	Reference string `json:"reference,omitempty"`
	// To is the image it moves to; nil if it keeps its own and only follows
	// another member.
	To *PlannedImage `json:"to,omitempty"`
	// NeedsReady is set if those before it must have proven themselves before
	// it is started.
	NeedsReady bool `json:"needs_ready,omitempty"`
	// Change is what that means for people; zero where nobody can tell, as where the
	// checker cannot read an image's configuration (registry.Describer).
	Change Change `json:"change,omitzero"`
	// Ambiguous are the values that the update takes for the old image's and that
	// the new image changes: whoever meant one of them has to say so. Nil where
	// the checker cannot read an image's configuration (registry.Describer).
	Ambiguous []lifecycle.Ambiguity `json:"ambiguous,omitempty"`
}

// String has a line for each thing that is not as usual, one for each image, and one
// for each container with its cause and what is ambiguous about it.
func (p Plan) String() string {
	var b strings.Builder
	b.WriteString(p.Policy.text())
	for _, image := range p.Images {
		verb := "pull"
		if image.Here {
			verb = "use"
		}
		fmt.Fprintf(&b, "%s %s at %s\n", verb, image.Reference, image.Digest)
	}
	for _, g := range p.Groups {
		for i, m := range g.Members {
			what := "replace"
			switch {
			case m.Service != "":
				what = "update service"
			case m.To == nil:
				what = "restart"
			}
			if i > 0 {
				what = "  with it " + what
			}
			fmt.Fprintf(&b, "%s %s", what, m.Name)
			if i == 0 && len(g.After) > 0 {
				fmt.Fprintf(&b, " after %s", strings.Join(g.After, ", "))
			}
			if m.NeedsReady {
				b.WriteString(" once those before it are ready")
			}
			switch {
			case i > 0:
			case g.Order == lifecycle.StartFirst:
				b.WriteString(" start-first")
			case g.OrderReason != "":
				fmt.Fprintf(&b, " stop-first (%s)", g.OrderReason)
			}
			fmt.Fprintf(&b, ": %s\n", m.why())
			for _, a := range m.Ambiguous {
				fmt.Fprintf(&b, "    %s\n", a)
			}
		}
	}
	return b.String()
}

// planner makes a plan out of what is stale and who needs whom.
type planner struct {
	stale     []candidate
	snaps     []lifecycle.Snapshot
	relations []relation
	policy    PlanPolicy
	wish      Order                              // for those whose label does not say
	refuse    func(c lifecycle.Container) string // why a container cannot be a member; empty: it can
	skip      func(id, reason string)
	ambiguous func(c candidate, snap lifecycle.Snapshot) []lifecycle.Ambiguity

	cause map[string]string // by container ID: why it moves
	to    map[string]candidate
	lead  map[string]string // by container ID: the group, as its members find it
}

// plan groups what has to move together. One that cannot move keeps its whole
// group where it is, with the reason.
func (p *planner) plan() Plan {
	p.cause, p.to, p.lead = map[string]string{}, map[string]candidate{}, map[string]string{}
	for _, c := range p.stale {
		id := c.entry.Container.ID
		p.cause[id], p.to[id], p.lead[id] = c.entry.Reason, c, id
	}
	p.follow()
	p.unite()
	members := map[string][]string{}
	var leads []string
	for _, snap := range p.snaps { // by name
		if lead := p.lead[snap.ID]; lead != "" {
			if members[lead] == nil {
				leads = append(leads, lead)
			}
			members[lead] = append(members[lead], snap.ID)
		}
	}
	var groups [][]string
	for _, lead := range leads {
		ids, reason := p.arrange(members[lead])
		if reason == "" {
			_, _, reason = p.order(ids)
		}
		if reason != "" {
			p.drop(members[lead], reason)
			continue
		}
		groups = append(groups, ids)
	}
	return p.write(inOrder(groups, p.relations))
}

// follow adds those that have to move because what they need does.
func (p *planner) follow() {
	for grown := true; grown; {
		grown = false
		for _, r := range p.relations {
			if r.moves && p.lead[r.parent] != "" && p.lead[r.child] == "" {
				p.lead[r.child], p.cause[r.child] = r.child, r.why
				grown = true
			}
		}
	}
}

// unite gives the members of a group the same lead.
func (p *planner) unite() {
	for _, r := range p.relations {
		from, into := p.lead[r.child], p.lead[r.parent]
		if !r.moves || from == "" || into == "" || from == into {
			continue
		}
		for id, lead := range p.lead {
			if lead == from {
				p.lead[id] = into
			}
		}
	}
}

// arrange puts parents before children, or says why the group cannot move.
func (p *planner) arrange(ids []string) (ordered []string, reason string) {
	for _, id := range ids {
		c := p.container(id)
		if why := p.refuse(c); why != "" {
			if len(ids) == 1 {
				return nil, "stale, but " + why
			}
			return nil, fmt.Sprintf("stale, but %s moves with it: %s", c.Name, why)
		}
	}
	ordered, circle := topological(ids, func(child, parent string) bool {
		return slices.ContainsFunc(p.relations, func(r relation) bool { return r.child == child && r.parent == parent })
	})
	if len(circle) > 0 {
		names := make([]string, len(circle))
		for i, id := range circle {
			names[i] = p.container(id).Name
		}
		return nil, "stale, but in a circle of dependencies: " + strings.Join(names, ", ")
	}
	return ordered, ""
}

// order is how a group is swapped: why not start-first, if that was wished for,
// or why not at all.
func (p *planner) order(ids []string) (order Order, reason, refused string) {
	wish, together := p.wish, len(ids) > 1
	if together || p.policy.NoRestart {
		wish = "" // but a label may demand it
	}
	for _, id := range ids {
		var err error
		snap := p.snapshot(id)
		order, reason, err = lifecycle.OrderOf(snap, wish)
		if p.policy.NoRestart {
			order = lifecycle.StopFirst // nothing will be up beside anything
		}
		if err == nil && together && order == lifecycle.StartFirst {
			err = fmt.Errorf("label %s: %q: %s", lifecycle.LabelUpdateOrder, order, movesTogether)
		}
		if err != nil {
			return "", "", fmt.Sprintf("stale, but %s: %v", snap.Name, err)
		}
	}
	if together && p.wish == lifecycle.StartFirst && !p.policy.NoRestart {
		reason = movesTogether
	}
	return order, reason, ""
}

const movesTogether = "it moves together with others"

// drop tells of a group that stays where it is.
func (p *planner) drop(ids []string, reason string) {
	for _, id := range ids {
		if _, stale := p.to[id]; stale {
			p.skip(id, reason)
		}
	}
}

func (p *planner) container(id string) lifecycle.Container { return p.snapshot(id).Container }

func (p *planner) snapshot(id string) lifecycle.Snapshot {
	return p.snaps[slices.IndexFunc(p.snaps, func(s lifecycle.Snapshot) bool { return s.ID == id })]
}

// of returns what the container needs.
func (p *planner) of(id string) []relation {
	return slices.DeleteFunc(slices.Clone(p.relations), func(r relation) bool { return r.child != id })
}

// write makes the plan of groups that are in order.
func (p *planner) write(groups [][]string) Plan {
	plan := Plan{Policy: p.policy, Images: []PlannedImage{}, Groups: []PlannedGroup{}}
	first := map[string]string{} // by container ID: its group's first member's name
	for _, ids := range groups {
		g := PlannedGroup{}
		g.Order, g.OrderReason, _ = p.order(ids)
		for _, id := range ids {
			c := p.container(id)
			m := PlannedMember{Name: c.Name, ID: id, Image: c.Image, ImageID: c.ImageID, Cause: p.cause[id]}
			if to, ok := p.to[id]; ok {
				m.To = &PlannedImage{to.ref.String(), to.entry.Latest, to.entry.NewImageID, to.here}
				m.Reference = to.entry.NewReference
				m.Change = to.entry.Change()
				m.Ambiguous = p.ambiguous(to, p.snapshot(id))
				if !slices.Contains(plan.Images, *m.To) {
					plan.Images = append(plan.Images, *m.To)
				}
			}
			for _, r := range p.of(id) {
				m.NeedsReady = m.NeedsReady || r.ready && slices.Contains(ids, r.parent)
				if lead := first[r.parent]; lead != "" && !slices.Contains(g.After, lead) {
					g.After = append(g.After, lead)
				}
			}
			g.Members = append(g.Members, m)
		}
		for _, id := range ids {
			first[id] = g.Members[0].Name
		}
		plan.Groups = append(plan.Groups, g)
	}
	return plan
}

// inOrder sorts groups by what only orders. A circle between groups, each of
// which could move alone, is no reason to leave them where they are: the wish
// that closes it is not heard.
func inOrder(groups [][]string, relations []relation) [][]string {
	var out [][]string
	left := slices.Clone(groups)
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(g []string) bool {
			return !slices.ContainsFunc(left, func(other []string) bool {
				return g[0] != other[0] && needs(g, other, relations)
			})
		})
		i = max(i, 0)
		out = append(out, left[i])
		left = slices.Delete(left, i, i+1)
	}
	return out
}

func needs(group, other []string, relations []relation) bool {
	return slices.ContainsFunc(relations, func(r relation) bool {
		return slices.Contains(group, r.child) && slices.Contains(other, r.parent)
	})
}

// topological puts what is needed first, and otherwise keeps the order. What is
// left over, if anything, is in a circle or behind one.
func topological(ids []string, needs func(child, parent string) bool) (ordered, circle []string) {
	left := slices.Clone(ids)
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(id string) bool {
			return !slices.ContainsFunc(left, func(other string) bool { return other != id && needs(id, other) })
		})
		if i < 0 {
			return nil, left
		}
		ordered = append(ordered, left[i])
		left = slices.Delete(left, i, i+1)
	}
	return ordered, nil
}
