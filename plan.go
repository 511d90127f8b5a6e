package watchtower

import (
	"fmt"
	"strings"
)

// plan is what an update is going to do: a function of what was seen. Its
// groups are independent of each other.
type plan struct {
	groups []planGroup
}

// planGroup is one reference: pulled once, then given to each container.
type planGroup struct {
	reference string // whole, with its tag
	latest    string // the digest that was judged
	users     []candidate
}

// newPlan groups the stale containers by what they get, in the order of the
// first container's name. One reference is two groups if it serves two
// platforms.
func newPlan(stale []candidate) plan {
	var p plan
	at := map[string]int{}
	for _, c := range stale {
		key := c.ref.String() + " " + c.entry.NewImageID
		i, ok := at[key]
		if !ok {
			i = len(p.groups)
			at[key] = i
			p.groups = append(p.groups, planGroup{reference: c.ref.String(), latest: c.entry.Latest})
		}
		p.groups[i].users = append(p.groups[i].users, c)
	}
	return p
}

// String has a line for each step, with its cause.
func (p plan) String() string {
	var b strings.Builder
	for _, g := range p.groups {
		fmt.Fprintf(&b, "pull %s at %s\n", g.reference, g.latest)
		for _, c := range g.users {
			fmt.Fprintf(&b, "  replace %s: %s\n", c.entry.Container.Name, c.entry.Reason)
		}
	}
	return b.String()
}
