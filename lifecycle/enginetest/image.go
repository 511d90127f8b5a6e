package enginetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// Image is an image, and what its containers do. The zero value runs until it
// is stopped.
type Image struct {
	// Env, Cmd, Entrypoint, Labels and Volumes are its defaults.
	Env, Cmd, Entrypoint, Volumes []string
	Labels                        map[string]string
	// Created is when it says it was made.
	Created time.Time
	// StartError is what a start fails with; empty: it succeeds.
	StartError string
	// Exits tells that its process ends, After that time, with ExitCode.
	Exits    bool
	After    time.Duration
	ExitCode int
	// Health is what a health check finds: "healthy" or "unhealthy"; empty:
	// there is none.
	Health string
	// Log is what its containers write.
	Log string
	// Exec is what becomes of a command that is run in one of its containers, and
	// Execs of those with this last argument: for `sh -c`, a script.
	Exec  Exec
	Execs map[string]Exec
}

// stored is an image on the engine.
type stored struct {
	id       string
	digests  []string // with the classic store; the other's follow from its tags
	pulled   bool
	index    bool      // in containerd's store
	variants []variant // one, but of an index
}

// config is the image's configuration, in the shape of the engine's API.
func (i Image) config() lifecycle.Document {
	out := lifecycle.Document{}
	for key, list := range map[string][]string{"Env": i.Env, "Cmd": i.Cmd, "Entrypoint": i.Entrypoint} {
		if list != nil {
			out[key] = anys(list)
		}
	}
	if i.Labels != nil {
		labels := map[string]any{}
		for k, v := range i.Labels {
			labels[k] = v
		}
		out["Labels"] = labels
	}
	if i.Volumes != nil {
		volumes := map[string]any{}
		for _, path := range i.Volumes {
			volumes[path] = map[string]any{}
		}
		out["Volumes"] = volumes
	}
	if i.Health != "" {
		out["Healthcheck"] = map[string]any{"Test": []any{"CMD", "true"}, "Interval": json.Number("1000000000")}
	}
	return out
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// whole is a reference with all that people leave out.
func whole(reference string) string {
	ref, err := registry.Parse(reference)
	if err != nil {
		return reference
	}
	return ref.String()
}

// Build puts an image on the engine that no registry has, as if it had been
// built or loaded there, and returns its ID.
func (e *Engine) Build(reference string, image Image) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := publish(map[string]Image{Platform: image}, false)
	s := e.keep(p, p.variants[0])
	e.tags[whole(reference)] = s.id
	return s.id
}

// Pull brings what is published under the reference.
func (e *Engine) Pull(ctx context.Context, opts lifecycle.PullOptions) error {
	return e.change(ctx, "Pull", opts.Reference, func() error {
		if _, err := registry.Parse(opts.Reference); err != nil {
			return err
		}
		p, ok := e.pullable(opts.Reference)
		if !ok {
			return fail(errdefs.ErrNotFound, "manifest unknown: %s", opts.Reference)
		}
		v, ok := p.choose(cmp.Or(opts.Platform, Platform))
		if !ok {
			return fail(errdefs.ErrNotFound, "no matching manifest for %s in %s", opts.Platform, opts.Reference)
		}
		if opts.Progress != nil {
			opts.Progress(lifecycle.PullProgress{Layer: "layer", Status: "Pull complete"})
		}
		e.store(whole(opts.Reference), p, v)
		return nil
	})
}

func (e *Engine) store(name string, p published, v variant) {
	s := e.keep(p, v)
	s.pulled = true
	if ref, err := registry.Parse(name); err == nil && !e.containerd {
		if d := ref.Host + "/" + ref.Repository + "@" + p.digest.String(); !slices.Contains(s.digests, d) {
			s.digests = append(s.digests, d)
		}
	}
	if !strings.Contains(name, "@") {
		e.tags[name] = s.id
	}
}

// keep makes an image of one of those published.
func (e *Engine) keep(p published, v variant) *stored {
	id := v.config.String()
	if e.containerd {
		id = p.digest.String()
	}
	s := e.images[id]
	if s == nil {
		s = &stored{id: id, index: e.containerd && p.index}
		e.images[id] = s
	}
	if !slices.ContainsFunc(s.variants, func(have variant) bool { return have.manifest == v.manifest }) {
		s.variants = append(s.variants, v)
	}
	return s
}

// variant is the image's for the platform, or what there is.
func (s *stored) variant(platform string) (v variant, ok bool) {
	for _, v := range s.variants {
		if v.platform == platform {
			return v, true
		}
	}
	return s.variants[0], false
}

// show is the image as an inspect has it. Of an index that has nothing for the
// engine's own platform here it shows neither a platform nor defaults.
func (e *Engine) show(id string) lifecycle.Image {
	s := e.images[id]
	out := lifecycle.Image{ID: id, Digests: slices.Clone(s.digests), Config: lifecycle.Document{}}
	if v, own := s.variant(Platform); own || !s.index {
		out.Platform, out.Config, out.Created = v.platform, v.image.config(), v.image.Created
		out.Labels = v.image.Labels
	}
	for tag, of := range e.tags {
		if of == id {
			out.Tags = append(out.Tags, tag)
		}
	}
	slices.Sort(out.Tags)
	if !e.containerd {
		return out
	}
	for _, tag := range out.Tags {
		if ref, err := registry.Parse(tag); err == nil {
			out.Digests = append(out.Digests, ref.Host+"/"+ref.Repository+"@"+id)
		}
	}
	out.Digests = slices.Compact(out.Digests)
	return out
}

func (e *Engine) findImage(ref string) (string, error) {
	if e.images[ref] != nil {
		return ref, nil
	}
	name := whole(ref)
	if id, ok := e.tags[name]; ok {
		return id, nil
	}
	name = untagged(name)
	for id, s := range e.images {
		if slices.Contains(s.digests, name) || e.containerd && strings.HasSuffix(name, "@"+id) ||
			ref != "" && strings.HasPrefix(strings.TrimPrefix(id, "sha256:"), ref) {
			return id, nil
		}
	}
	return "", fail(errdefs.ErrNotFound, "no such image: %s", ref)
}

// Tag points the reference at the image.
func (e *Engine) Tag(ctx context.Context, image, reference string) error {
	return e.change(ctx, "Tag", reference, func() error {
		id, err := e.findImage(image)
		if err != nil {
			return err
		}
		if _, err := registry.Parse(reference); err != nil {
			return err
		}
		e.tags[whole(reference)] = id
		return nil
	})
}

// RemoveImage removes an image that nothing uses.
func (e *Engine) RemoveImage(ctx context.Context, image string) error {
	return e.change(ctx, "RemoveImage", image, func() error {
		id, err := e.findImage(image)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(e.containers, func(c *container) bool { return c.imageID == id }); i >= 0 {
			return errclass.With(errdefs.ErrConflict, fmt.Errorf("enginetest: container %s uses %s", e.containers[i].name, image))
		}
		if len(e.show(id).Tags) > 1 {
			return fail(errdefs.ErrConflict, "%s has several tags", image)
		}
		for tag, of := range e.tags {
			if of == id {
				delete(e.tags, tag)
			}
		}
		delete(e.images, id)
		return nil
	})
}
