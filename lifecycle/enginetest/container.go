package enginetest

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/lifecycle"
)

type container struct {
	id, name, image, imageID   string
	whole                      string // image, with all that people leave out
	of                         variant
	manifest, platform         string // that it tells
	config, host               lifecycle.Document
	networks                   map[string]lifecycle.Document
	mounts                     []lifecycle.Mount
	anonymous                  []string
	state                      lifecycle.State
	created, started, finished time.Time
	exitCode, restarts         int
	err, health                string
}

func (c *container) seen() lifecycle.Container {
	labels := map[string]string{}
	for key := range c.config.Object("Labels") {
		labels[key] = c.config.Object("Labels").Text(key)
	}
	return lifecycle.Container{
		ID: c.id, Name: c.name, Image: c.image, ImageID: c.imageID, ImageManifest: c.manifest, ImagePlatform: c.platform,
		Labels: labels, State: c.state, Created: c.created,
	}
}

func (c *container) snapshot() lifecycle.Snapshot {
	out := lifecycle.Snapshot{
		Container: c.seen(), Platform: "linux", Config: c.config.Clone(), HostConfig: c.host.Clone(),
		Networks: map[string]lifecycle.Document{}, Mounts: slices.Clone(c.mounts),
		Status: lifecycle.Status{
			ExitCode: c.exitCode, Error: c.err, StartedAt: c.started, FinishedAt: c.finished, RestartCount: c.restarts,
		},
	}
	if c.state == lifecycle.StateRunning {
		out.Status.Health = c.health
	}
	for name, endpoint := range c.networks {
		out.Networks[name] = endpoint.Clone()
	}
	return out
}

// Run puts a running container on the engine, as if somebody had pulled the
// reference and started it, and returns it. It panics on a spec the engine
// refuses: a test's own fault.
func (e *Engine) Run(name, reference string, spec lifecycle.Spec) lifecycle.Container {
	return e.RunFor("", name, reference, spec)
}

// RunFor is Run for another platform than the engine's.
func (e *Engine) RunFor(platform, name, reference string, spec lifecycle.Spec) lifecycle.Container {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p, ok := e.pullable(whole(reference)); ok {
		v, _ := p.choose(cmp.Or(platform, Platform))
		e.store(whole(reference), p, v)
	}
	spec = spec.Clone()
	if spec.Config == nil {
		spec.Config = lifecycle.Document{}
	}
	spec.Config["Image"] = reference
	c, err := e.create(name, spec, platform)
	if err == nil {
		err = e.start(c)
	}
	if err != nil {
		panic(err)
	}
	return c.seen()
}

// Create creates a container.
func (e *Engine) Create(ctx context.Context, opts lifecycle.CreateOptions) (id string, err error) {
	err = e.change(ctx, "Create", opts.Name, func() error {
		c, err := e.create(opts.Name, opts.Spec.Clone(), opts.Platform)
		if err == nil {
			id = c.id
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

func (e *Engine) create(name string, spec lifecycle.Spec, platform string) (*container, error) {
	if err := e.free(name); err != nil {
		return nil, err
	}
	reference := spec.Config.Text("Image")
	id, err := e.findImage(reference)
	if err != nil {
		return nil, err
	}
	of, ok := e.images[id].variant(cmp.Or(platform, Platform))
	if !ok && platform != "" {
		return nil, fail(errdefs.ErrNotFound, "%s is not for %s", reference, platform)
	}
	c := &container{
		id: e.newID(), name: name, image: reference, whole: whole(reference), imageID: id, of: of, config: merged(spec.Config, of.image.config()),
		host: spec.HostConfig, networks: spec.Networks, state: lifecycle.StateCreated, created: time.Now(),
	}
	if e.containerd {
		c.manifest, c.platform = of.manifest.String(), of.platform
	}
	if c.host == nil {
		c.host = lifecycle.Document{}
	}
	if c.config.Text("Hostname") == "" {
		c.config["Hostname"] = c.id[:12]
	}
	if c.networks == nil {
		c.networks = map[string]lifecycle.Document{}
	}
	for _, endpoint := range c.networks {
		endpoint["Aliases"] = append(anys(endpoint.Texts("Aliases")), c.id[:12])
	}
	e.mount(c)
	e.containers = append(e.containers, c)
	return c, nil
}

// merged is what the engine makes of a configuration on an image.
func merged(user, image lifecycle.Document) lifecycle.Document {
	out := image.Clone()
	for key, value := range user {
		have := image.Object(key)
		switch {
		case key == "Env":
			out[key] = mergedEnv(user.Texts(key), image.Texts(key))
		case have != nil && user.Object(key) != nil:
			both := maps.Clone(map[string]any(have))
			maps.Copy(both, user.Object(key))
			out[key] = both
		case key == "Cmd", key == "Entrypoint":
		case value != nil:
			out[key] = value
		}
	}
	entrypoint, cmd := user.Texts("Entrypoint"), user.Texts("Cmd")
	switch {
	case len(entrypoint) == 1 && entrypoint[0] == "":
		out["Entrypoint"], out["Cmd"] = nil, user["Cmd"]
	case len(entrypoint) > 0:
		out["Entrypoint"], out["Cmd"] = user["Entrypoint"], user["Cmd"]
	case len(cmd) > 0:
		out["Cmd"] = user["Cmd"]
	}
	return out
}

func mergedEnv(user, image []string) []any {
	out := anys(user)
	for _, pair := range image {
		key, _, _ := strings.Cut(pair, "=")
		if !slices.ContainsFunc(user, func(u string) bool { return strings.HasPrefix(u, key+"=") }) {
			out = append(out, pair)
		}
	}
	return out
}

// mount gives the container the volumes it names, and new ones for the paths it
// does not.
func (e *Engine) mount(c *container) {
	for _, bind := range c.host.Texts("Binds") {
		parts := strings.Split(bind, ":")
		if len(parts) > 1 && !strings.HasPrefix(parts[0], "/") {
			c.mounts = append(c.mounts, lifecycle.Mount{
				Type: "volume", Name: parts[0], Destination: parts[1], Driver: "local", ReadOnly: len(parts) > 2 && parts[2] == "ro",
			})
			e.volumes[parts[0]] = true
		}
	}
	for _, from := range c.host.Texts("VolumesFrom") {
		ref, access, _ := strings.Cut(from, ":")
		parent, err := e.find(ref)
		if err != nil {
			continue
		}
		for _, m := range parent.mounts {
			m.ReadOnly = m.ReadOnly || access == "ro"
			c.mounts = append(c.mounts, m)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(c.config.Object("Volumes"))) {
		if slices.ContainsFunc(c.mounts, func(m lifecycle.Mount) bool { return m.Destination == path }) {
			continue
		}
		name := e.newID()
		c.mounts = append(c.mounts, lifecycle.Mount{Type: "volume", Name: name, Destination: path, Driver: "local"})
		c.anonymous = append(c.anonymous, name)
		e.volumes[name] = true
	}
}

// nameForm is what Docker takes for a name.
var nameForm = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)

// free says why a container cannot have the name.
func (e *Engine) free(name string) error {
	if !nameForm.MatchString(name) {
		return fail(errdefs.ErrInvalidArgument, "%q is no name: want %s", name, nameForm)
	}
	if slices.ContainsFunc(e.containers, func(c *container) bool { return c.name == name }) {
		return fail(errdefs.ErrConflict, "the name %s is taken", name)
	}
	return nil
}

// Rename gives the container another name.
func (e *Engine) Rename(ctx context.Context, ref, name string) error {
	return e.change(ctx, "Rename", ref, func() error {
		c, err := e.find(ref)
		if err != nil {
			return err
		}
		if c.state == lifecycle.StateRestarting {
			return fail(errdefs.ErrInternal, "%s is between two lives", c.name)
		}
		if c.name == name {
			return fail(errdefs.ErrInvalidArgument, "%s has this name already", name)
		}
		if err := e.free(name); err != nil {
			return err
		}
		c.name = name
		return nil
	})
}

// Remove removes a container.
func (e *Engine) Remove(ctx context.Context, ref string, opts lifecycle.RemoveOptions) error {
	return e.change(ctx, "Remove", ref, func() error {
		c, err := e.find(ref)
		if err != nil {
			return err
		}
		if c.state.Up() && !opts.Force {
			return fail(errdefs.ErrConflict, "%s is %s", ref, c.state)
		}
		e.drop(c)
		return nil
	})
}

func (e *Engine) drop(c *container) {
	e.containers = slices.DeleteFunc(e.containers, func(o *container) bool { return o == c })
}

// RemoveVolume removes a volume that no container has.
func (e *Engine) RemoveVolume(ctx context.Context, volume string) error {
	return e.change(ctx, "RemoveVolume", volume, func() error {
		if !e.volumes[volume] {
			return fail(errdefs.ErrNotFound, "no volume %s", volume)
		}
		if e.mounted(volume) {
			return fail(errdefs.ErrConflict, "volume %s is in use", volume)
		}
		delete(e.volumes, volume)
		return nil
	})
}

func (e *Engine) mounted(volume string) bool {
	return slices.ContainsFunc(e.containers, func(c *container) bool {
		return slices.ContainsFunc(c.mounts, func(m lifecycle.Mount) bool { return m.Name == volume })
	})
}

// vanish is what happens to a container that removes itself: its anonymous
// volumes go with it, but for those another mounts.
func (e *Engine) vanish(c *container) {
	e.drop(c)
	for _, name := range c.anonymous {
		if !e.mounted(name) {
			delete(e.volumes, name)
		}
	}
}
