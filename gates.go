package watchtower

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/watchtower-go/watchtower/gate"
)

// judgeConcurrency is how many candidates are judged at once: a gate may ask a
// registry.
const judgeConcurrency = 8

// WithGate adds a gate; a stale container must pass all of them before its image is
// pulled. One that is held stays where it is, as StatusHeld, and is judged again in
// the next pass, which Run makes when it is due (see gate.Decision). Default: none.
func WithGate(gates ...Gate) Option {
	return func(c *config) error {
		for _, g := range gates {
			if f, ok := g.(gate.Func); g == nil || ok && f == nil {
				return invalid("WithGate", "nil", "a Gate")
			}
			c.gates = append(c.gates, g)
		}
		return nil
	}
}

// judged returns the stale ones that all gates let pass. They have what is left of
// the time a check may take.
func (p *pass) judged(ctx context.Context, stale []candidate) []candidate {
	if len(p.gates) == 0 {
		return stale
	}
	all, accepted := gate.All(p.gates...), make([]bool, len(stale))
	var group errgroup.Group
	group.SetLimit(judgeConcurrency)
	for i, c := range stale {
		group.Go(func() error {
			decision, err := judgement(ctx, all, p.toJudge(ctx, c))
			accepted[i] = p.decided(c.entry, decision, err)
			return nil
		})
	}
	_ = group.Wait() // errors stand in the entries
	kept := slices.Clone(stale)
	for i := len(kept) - 1; i >= 0; i-- {
		if !accepted[i] {
			kept = slices.Delete(kept, i, i+1)
		}
	}
	return kept
}

// judgement is a gate's, whose panic is not the pass's: it is nobody's consent.
func judgement(ctx context.Context, g Gate, c gate.Candidate) (d gate.Decision, err error) {
	err = contain("a gate", func() (err error) {
		d, err = g.Judge(ctx, c)
		return err
	})
	return d, err
}

// toJudge is a candidate as gates see it.
func (p *pass) toJudge(ctx context.Context, c candidate) gate.Candidate {
	out := gate.Candidate{
		At: p.now(), Container: c.entry.Container, Reference: c.ref.String(), Digest: c.entry.Latest,
		Platform: c.image.Platform, Manifest: c.image.Manifest.String(), ImageID: c.image.Config.String(),
	}
	if image, err := p.imageOf(ctx, c.entry.Container); err == nil {
		out.Platform = image.Platform
		out.Current = metadata(image.Config)
	}
	if next, ok := p.moved[c.image.Config]; ok {
		out.Next = metadata(next.defaults)
		out.Next.Created = next.created
	}
	return out
}

// decided writes into the entry what became of it.
func (p *pass) decided(e *Entry, d gate.Decision, err error) (accepted bool) {
	switch {
	case err != nil:
		e.Status, e.Err = StatusFailed, fmt.Errorf("watchtower: judge %s: %w", e.Container.Name, err)
		p.emit(UpdateEnded{At: p.now(), Entry: *e})
	case d.Accepted():
		return true
	case d.Verdict == gate.Hold:
		e.Status, e.Reason, e.HeldUntil, e.due = StatusHeld, d.Reason, d.Until, d.Due
		p.emit(UpdateHeld{At: p.now(), Entry: *e})
	default:
		p.skip(e, d.Reason)
	}
	return false
}
