package watchtower

import (
	"context"
	"fmt"
	"slices"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/internal/errclass"
)

// PassRequest is what one pass is asked beyond what the Tower's options say. The zero
// value asks nothing: CheckWith is Check then, and UpdateWith is Update.
type PassRequest struct {
	// Only are further filters, which all must match: they narrow the Tower's and widen
	// nothing. The report is partial: it has an entry for those containers, and for what
	// had to be restarted along with them. Empty: the pass is about all.
	Only []Filter
	// NoWait refuses, with class Conflict, if it is another pass's turn, which
	// PassSkipped tells of. Else a pass waits for its own. Every pass waits for what Run
	// finishes or undoes of an earlier process: no other pass does its work meanwhile.
	NoWait bool
	// Began, if it is set, is called once it is the pass's turn, before it looks at
	// anything; not if it was refused, or its context ended before.
	Began func()
}

// CheckWith is Check, asked as r says.
func (t *Tower) CheckWith(ctx context.Context, r PassRequest) (*Report, error) {
	return t.passWith(ctx, PassCheck, r)
}

// UpdateWith is Update, asked as r says.
func (t *Tower) UpdateWith(ctx context.Context, r PassRequest) (*Report, error) {
	return t.passWith(ctx, PassUpdate, r)
}

func (t *Tower) passWith(ctx context.Context, kind PassKind, r PassRequest) (*Report, error) {
	work := func(p *pass) error {
		if r.Began != nil {
			r.Began()
		}
		if len(r.Only) > 0 {
			p.only, p.report.Partial = containedFilter{filter.All(r.Only...), t.cfg.logger}, true
		}
		return p.whole(ctx, func(*Report) error { return nil })
	}
	if !r.NoWait {
		return t.told(ctx, kind, func() (*Report, error) { return t.alone(ctx, kind, work) })
	}
	select {
	case t.turn <- struct{}{}:
		return t.told(ctx, kind, func() (*Report, error) { return t.inTurn(ctx, kind, work) })
	default:
		t.emit(ctx, PassSkipped{At: t.now(), Kind: kind})
		return nil, errclass.With(errdefs.ErrConflict, fmt.Errorf("watchtower: %s: another pass is being made", kind))
	}
}

// meant reports whether the pass was asked about the container, whatever the Tower's
// filters say of it.
func (p *pass) meant(c Container) bool { return p.only == nil || p.only.Match(c) }

// narrow takes out of a partial report those that the pass was not asked about, and
// that nothing happened to.
func (p *pass) narrow() {
	if p.only != nil {
		p.report.Entries = slices.DeleteFunc(p.report.Entries, func(e Entry) bool { return e.Status == "" })
	}
}
