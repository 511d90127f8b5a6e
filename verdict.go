package watchtower

import (
	"context"
	"fmt"

	"github.com/watchtower-go/watchtower/registry"
)

// verdicts are the checker's, one for each query, whatever the checker does.
func (p *pass) verdicts(ctx context.Context, queries []registry.Query) []registry.Verdict {
	var said []registry.Verdict
	err := contain("the checker", func() error { said = p.cfg.checker.Check(ctx, queries); return nil })
	if err == nil && len(said) != len(queries) {
		err = fmt.Errorf("the checker gave %d verdicts for %d queries", len(said), len(queries))
	}
	if err == nil {
		return said
	}
	out := make([]registry.Verdict, len(queries))
	for i, q := range queries {
		out[i] = registry.Verdict{Reference: q.Reference, Err: err}
	}
	return out
}
