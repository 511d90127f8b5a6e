package watchtower

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// ID names what the plan does: 16 hexadecimal digits that are the same for the same
// containers, images, order and policy, whenever and by whomever it was made. Reasons
// and what is only told are left out. It is what a person says yes to.
func (p Plan) ID() string {
	named := p.bare()
	named.Groups = make([]PlannedGroup, len(p.Groups))
	for i, g := range p.Groups {
		g.OrderReason = ""
		g.Members = slices.Clone(g.Members)
		for j := range g.Members {
			g.Members[j].Cause, g.Members[j].Ambiguous = "", nil
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

// MarshalJSON adds the plan's ID as "id"; it is derived again when a plan is read.
func (p Plan) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID string `json:"id"`
		barePlan
	}{p.ID(), p.bare()})
}

// Only returns the part of the plan that the named containers cannot do without:
// their groups, and those they come after. A name that is not in the plan adds
// nothing to it.
func (p Plan) Only(names ...string) Plan {
	out := Plan{Policy: p.Policy, Images: []PlannedImage{}, Groups: []PlannedGroup{}}
	for _, g := range slices.Backward(p.Groups) { // what a group comes after stands before it
		if !slices.ContainsFunc(g.Members, func(m PlannedMember) bool { return slices.Contains(names, m.Name) }) {
			continue
		}
		names = append(slices.Clone(names), g.After...)
		out.Groups = append(out.Groups, g)
	}
	slices.Reverse(out.Groups)
	for _, g := range out.Groups {
		for _, m := range g.Members {
			if m.To != nil && !slices.Contains(out.Images, *m.To) {
				out.Images = append(out.Images, *m.To)
			}
		}
	}
	return out
}
