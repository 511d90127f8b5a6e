package watchtower

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/registry"
)

// verdicts are the checker's, one for each query, whatever the checker does. One that
// nobody can go by is an error.
func (p *pass) verdicts(ctx context.Context, queries []registry.Query) []registry.Verdict {
	var said []registry.Verdict
	err := contain("the checker", func() error { said = p.cfg.checker.Check(ctx, queries); return nil })
	if err == nil && len(said) != len(queries) {
		err = fmt.Errorf("the checker gave %d verdicts for %d queries", len(said), len(queries))
	}
	if err != nil {
		said = make([]registry.Verdict, len(queries))
	}
	said = slices.Clone(said) // a checker may keep its own
	for i := range said {
		switch v := &said[i]; {
		case err != nil:
			v.Err = err
		case v.Err == nil:
			v.Err = unusable(queries[i], *v)
		}
	}
	return said
}

// unusable says why nobody can go by a verdict; nil if one can.
func unusable(q registry.Query, v registry.Verdict) error {
	if v.Reference != "" && v.Reference != q.Reference {
		return fmt.Errorf("the checker answered for %s", v.Reference)
	}
	if v.Digest == "" {
		return errors.New("the checker said no digest")
	}
	digests := []digest.Digest{v.Digest}
	for _, image := range v.Images {
		digests = append(digests, image.Manifest, image.Config)
	}
	for _, d := range digests {
		if d != "" && d.Validate() != nil {
			return fmt.Errorf("the checker said %q, which is no digest", d)
		}
	}
	return nil
}
