package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"

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
	// Exec is what becomes of a command that is run in one of its containers.
	Exec Exec
}

// stored is an image on the engine.
type stored struct {
	Image

	id      string
	digests []string
}

// published is an image in the registry.
type published struct {
	image    *Image
	manifest digest.Digest
	id       digest.Digest // the configuration's digest
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

// Publish puts an image into the registry under the reference, in the place of
// the one before, and returns the digest the tag points at now.
func (e *Engine) Publish(reference string, image Image) digest.Digest {
	e.mu.Lock()
	defer e.mu.Unlock()
	text := fmt.Sprintf("%#v", image)
	p := published{image: &image, id: digest.FromString("config " + text), manifest: digest.FromString("manifest " + text)}
	e.published[whole(reference)] = p
	return p.manifest
}

// whole is a reference with all that people leave out.
func whole(reference string) string {
	ref, err := registry.Parse(reference)
	if err != nil {
		return reference
	}
	return ref.String()
}

func (e *Engine) check(ctx context.Context, q registry.Query) registry.Verdict {
	e.mu.Lock()
	p, ok := e.published[whole(q.Reference)]
	e.mu.Unlock()
	v := registry.Verdict{Reference: q.Reference}
	if !ok {
		v.Err = fail(errdefs.ErrNotFound, "no such reference: %s", q.Reference)
		return v
	}
	v.Digest = p.manifest
	if slices.Contains(q.Known, p.manifest) || q.Platforms == nil {
		return v
	}
	platforms, err := q.Platforms(ctx)
	if err != nil {
		return registry.Verdict{Reference: q.Reference, Err: err}
	}
	v.Images = []registry.Image{}
	if slices.Contains(platforms, Platform) {
		v.Images = append(v.Images, registry.Image{Platform: Platform, Manifest: p.manifest, Config: p.id})
	}
	return v
}

// Pull brings what is published under the reference.
func (e *Engine) Pull(_ context.Context, opts lifecycle.PullOptions) error {
	return e.change("Pull", opts.Reference, func() error {
		name := whole(opts.Reference)
		p, ok := e.published[name]
		if !ok {
			return fail(errdefs.ErrNotFound, "manifest unknown: %s", opts.Reference)
		}
		if opts.Progress != nil {
			opts.Progress(lifecycle.PullProgress{Layer: "layer", Status: "Pull complete"})
		}
		e.store(name, p)
		return nil
	})
}

func (e *Engine) store(name string, p published) {
	id := p.id.String()
	if e.images[id] == nil {
		e.images[id] = &stored{Image: *p.image, id: id}
	}
	repository, _, _ := strings.Cut(name, ":")
	if ref, err := registry.Parse(name); err == nil {
		repository = ref.Host + "/" + ref.Repository
	}
	if d := repository + "@" + p.manifest.String(); !slices.Contains(e.images[id].digests, d) {
		e.images[id].digests = append(e.images[id].digests, d)
	}
	e.tags[name] = id
}

// show is the image as an inspect has it.
func (e *Engine) show(id string) lifecycle.Image {
	s := e.images[id]
	out := lifecycle.Image{ID: id, Digests: slices.Clone(s.digests), Platform: Platform, Config: s.config()}
	for tag, of := range e.tags {
		if of == id {
			out.Tags = append(out.Tags, tag)
		}
	}
	slices.Sort(out.Tags)
	return out
}

func (e *Engine) findImage(ref string) (string, error) {
	if e.images[ref] != nil {
		return ref, nil
	}
	if id, ok := e.tags[whole(ref)]; ok {
		return id, nil
	}
	return "", fail(errdefs.ErrNotFound, "no such image: %s", ref)
}

// Tag points the reference at the image.
func (e *Engine) Tag(_ context.Context, image, reference string) error {
	return e.change("Tag", reference, func() error {
		id, err := e.findImage(image)
		if err == nil {
			e.tags[whole(reference)] = id
		}
		return err
	})
}

// RemoveImage removes an image that nothing uses.
func (e *Engine) RemoveImage(_ context.Context, image string) error {
	return e.change("RemoveImage", image, func() error {
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
