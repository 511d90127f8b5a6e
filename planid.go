package watchtower

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// ID names what the plan does: 16 hexadecimal digits that are the same for the same
// containers, images, order and policy, whenever and by whomever it was made. Reasons
// and what is only told are left out. It is what a person says yes to. A part of a plan
// (see Only) has an ID of its own, which Apply's plan may have and ApplyID's never.
func (p Plan) ID() string {
	named := p.bare()
	named.Groups = make([]PlannedGroup, len(p.Groups))
	for i, g := range p.Groups {
		g.OrderReason = ""
		g.Members = slices.Clone(g.Members)
		for j := range g.Members {
			m := &g.Members[j]
			m.Cause, m.Change, m.Ambiguous = "", Change{}, nil
		}
		named.Groups[i] = g
	}
	data, err := json.Marshal(named)
	if err != nil {
		return "" // there is nothing in it that cannot be written
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// barePlan is a Plan without its methods.
type barePlan Plan

func (p Plan) bare() barePlan {
	// One that was stored may have lost the difference between none and nil.
	return barePlan{Policy: p.Policy, Images: append([]PlannedImage{}, p.Images...), Groups: append([]PlannedGroup{}, p.Groups...)}
}

// namedPlan is how a plan is written.
type namedPlan struct {
	ID string `json:"id"`
	barePlan
}

// MarshalJSON adds the plan's ID as "id".
func (p Plan) MarshalJSON() ([]byte, error) { return json.Marshal(namedPlan{p.ID(), p.bare()}) }

// UnmarshalJSON reads what MarshalJSON wrote. A plan whose "id" is not that of what
// follows it is an error of class InvalidArgument: it was changed, or has to do with
// something this version does not know. One without an "id" is taken as it is: what
// Apply is given, it trusts.
func (p *Plan) UnmarshalJSON(data []byte) error {
	var read namedPlan
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	plan := Plan(read.barePlan)
	if id := plan.ID(); read.ID != "" && read.ID != id {
		return errclass.With(errdefs.ErrInvalidArgument,
			fmt.Errorf("watchtower: plan %q: what it would do is plan %s: it was changed after it was named", read.ID, id))
	}
	*p = plan
	return nil
}

// Only returns the part of the plan that the named containers cannot do without:
// their groups, and those they come after. A name is that of a container and of a
// service, if both have it; one that is not in the plan adds nothing to it.
func (p Plan) Only(names ...string) Plan {
	groups := []PlannedGroup{}
	for _, g := range slices.Backward(p.Groups) { // what a group comes after stands before it
		if !slices.ContainsFunc(g.Members, func(m PlannedMember) bool { return slices.Contains(names, m.Name) }) {
			continue
		}
		names = append(slices.Clone(names), g.After...)
		groups = append(groups, g)
	}
	slices.Reverse(groups)
	return p.part(groups)
}

// part is the plan of some of its groups, and of the images that they move to.
func (p Plan) part(groups []PlannedGroup) Plan {
	out := Plan{Policy: p.Policy, Images: []PlannedImage{}, Groups: groups}
	for _, g := range groups {
		for _, m := range g.Members {
			if m.To != nil && m.Service == "" && !slices.Contains(out.Images, *m.To) {
				out.Images = append(out.Images, *m.To)
			}
		}
	}
	return out
}
