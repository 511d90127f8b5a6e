package enginetest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/registry"
)

// Checker answers from the engine's registry. It is a
// registry.Describer and a registry.TagLister too.
func (e *Engine) Checker() registry.Checker { return checker{e} }

type checker struct{ engine *Engine }

var (
	_ registry.Describer = checker{}
	_ registry.TagLister = checker{}
)

// Check answers one query after the other.
func (c checker) Check(ctx context.Context, queries []registry.Query) []registry.Verdict {
	out := make([]registry.Verdict, len(queries))
	for i, q := range queries {
		out[i] = c.engine.check(ctx, q)
	}
	return out
}

// Describe shows an image that the reference leads to in the registry.
func (c checker) Describe(_ context.Context, reference string, image registry.Image) (registry.ImageConfig, error) {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	p, ok := c.engine.published[whole(reference)]
	if !ok || p.id != image.Config {
		return registry.ImageConfig{}, fail(errdefs.ErrNotFound, "no such image: %s with %s", reference, image.Config)
	}
	defaults, err := json.Marshal(p.image.config())
	return registry.ImageConfig{Labels: p.image.Labels, Defaults: defaults}, err
}

// Tags lists what is published in the reference's repository.
func (c checker) Tags(_ context.Context, reference string) ([]string, error) {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	repository, _, _ := strings.Cut(whole(reference), ":")
	var out []string
	for name := range c.engine.published {
		if of, tag, _ := strings.Cut(name, ":"); of == repository {
			out = append(out, tag)
		}
	}
	slices.Sort(out)
	return out, nil
}
