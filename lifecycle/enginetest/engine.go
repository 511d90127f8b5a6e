package enginetest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// Platform is the engine's, and that of all images that name none.
const Platform = "linux/amd64"

// Engine is a lifecycle.Engine in memory, with the classic image store unless it
// was made with another. It is safe for use by many goroutines.
type Engine struct {
	containerd bool // its image store
	originless bool // it does not tell which images came from a registry

	mu         sync.Mutex
	containers []*container
	images     map[string]*stored   // by ID
	tags       map[string]string    // reference to ID
	published  map[string]published // by reference
	documents  map[string][]byte    // the registry's, by reference with digest
	volumes    map[string]bool
	made       int
	addresses  int
	calls      []Call
	fault      func(n int, c Call) Fault
	changes    int
	registries lifecycle.RegistryConfig
}

var (
	_ lifecycle.Engine    = (*Engine)(nil)
	_ lifecycle.Pinger    = (*Engine)(nil)
	_ lifecycle.Describer = (*Engine)(nil)
	_ lifecycle.LogReader = (*Engine)(nil)

	_ lifecycle.PlatformInspector  = (*Engine)(nil)
	_ lifecycle.RegistryConfigurer = (*Engine)(nil)
	_ lifecycle.VolumeRemover      = (*Engine)(nil)
)

// Option sets one thing of an Engine.
type Option func(*Engine)

// WithContainerdStore gives the engine containerd's image store, as Docker 29 has
// it. An image's ID is the digest of what the tag points at, be it an index,
// which may hold several platforms' images; every image with a tag has a digest,
// also one that no registry has seen; a container tells which manifest it runs,
// and the list of images which of them came from a registry. Default: the classic
// store, where the ID is the configuration's digest.
func WithContainerdStore() Option { return func(e *Engine) { e.containerd = true } }

// WithoutOrigins lets the list not tell which images came from a registry, as it
// is below API 1.54, and always with the classic store. Default: it does.
func WithoutOrigins() Option { return func(e *Engine) { e.originless = true } }

// New makes an Engine without images and containers, and an empty registry for
// it to pull from.
func New(opts ...Option) *Engine {
	e := &Engine{
		images: map[string]*stored{}, tags: map[string]string{}, published: map[string]published{},
		documents: map[string][]byte{}, volumes: map[string]bool{},
		registries: lifecycle.RegistryConfig{Insecure: []string{"127.0.0.0/8"}},
	}
	for _, opt := range opts {
		opt(e)
	}
	return e
}

// Call is one call the engine was asked to make.
type Call struct {
	// Method is the interface's: "Create", "Rename", …
	Method string
	// Subject is the container, image or reference, as the caller named it.
	Subject string
	// Changes is set for a call that is to change something.
	Changes bool
}

// String reads "Rename web".
func (c Call) String() string { return strings.TrimSpace(c.Method + " " + c.Subject) }

// Calls returns the calls since the last time it was asked.
func (e *Engine) Calls() []Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.calls
	e.calls = nil
	return out
}

// Fault is what happens to a call.
type Fault int

// The faults.
const (
	// None: it is made.
	None Fault = iota
	// Before: it is not made, and fails.
	Before
	// After: it is made, and fails all the same.
	After
)

// SetFault lets f decide over each call that changes something, n counting them
// from 1 on. Nil ends it.
func (e *Engine) SetFault(f func(n int, c Call) Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fault, e.changes = f, 0
}

// read makes a call that changes nothing.
func (e *Engine) read(ctx context.Context, method, subject string, call func() error) error {
	c := Call{method, subject, false}
	if err := c.late(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, c)
	e.advance()
	return call()
}

// change makes a call that changes something, or fails as it was told.
func (e *Engine) change(ctx context.Context, method, subject string, call func() error) error {
	c := Call{method, subject, true}
	if err := c.late(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, c)
	e.advance()
	fault := None
	if e.changes++; e.fault != nil {
		fault = e.fault(e.changes, c)
	}
	if fault == Before {
		return fail(errdefs.ErrInternal, "%s: a fault before it was done", c)
	}
	err := call()
	if fault == After {
		return fail(errdefs.ErrInternal, "%s: a fault after it was done", c)
	}
	return err
}

// late is the error for a caller who has given up before: the call does not
// even reach the engine.
func (c Call) late(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("enginetest: %s: %w", c, context.Cause(ctx))
}

func fail(class error, format string, args ...any) error {
	return errclass.With(class, fmt.Errorf("enginetest: "+format, args...))
}

// Ping answers.
func (e *Engine) Ping(ctx context.Context) error {
	return e.read(ctx, "Ping", "", func() error { return nil })
}

// Describe says what it is.
func (e *Engine) Describe(context.Context) (lifecycle.EngineInfo, error) {
	return lifecycle.EngineInfo{Name: "enginetest", Version: "1", APIVersion: "1.41", Address: "memory", Platform: Platform}, nil
}

// SetRegistryConfig sets what RegistryConfig tells; before, that the loopback needs
// no certificate.
func (e *Engine) SetRegistryConfig(c lifecycle.RegistryConfig) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.registries = c
}

// RegistryConfig is what SetRegistryConfig was told last.
func (e *Engine) RegistryConfig(ctx context.Context) (out lifecycle.RegistryConfig, err error) {
	err = e.read(ctx, "RegistryConfig", "", func() error {
		out = e.registries
		return nil
	})
	return out, err
}

// Containers lists all containers.
func (e *Engine) Containers(ctx context.Context) (out []lifecycle.Container, err error) {
	err = e.read(ctx, "Containers", "", func() error {
		for _, c := range e.containers {
			seen := c.seen()
			if e.tags[c.whole] != c.imageID {
				seen.Image = c.imageID // what the list shows once the tag has moved
			}
			out = append(out, seen)
		}
		return nil
	})
	return out, err
}

// Images lists all images.
func (e *Engine) Images(ctx context.Context) (out []lifecycle.Image, err error) {
	err = e.read(ctx, "Images", "", func() error {
		for id := range e.images {
			image := e.show(id)
			image.Config, image.Platform = nil, ""
			if e.containerd && !e.originless {
				image.Origin = lifecycle.OriginLocal
				if e.images[id].pulled {
					image.Origin = lifecycle.OriginRegistry
				}
			}
			out = append(out, image)
		}
		slices.SortFunc(out, func(a, b lifecycle.Image) int { return strings.Compare(a.ID, b.ID) })
		return nil
	})
	return out, err
}

// Inspect shows one container.
func (e *Engine) Inspect(ctx context.Context, ref string) (out lifecycle.Snapshot, err error) {
	err = e.read(ctx, "Inspect", ref, func() error {
		c, err := e.find(ref)
		if err == nil {
			out = c.snapshot()
		}
		return err
	})
	return out, err
}

// InspectImage shows one image.
func (e *Engine) InspectImage(ctx context.Context, ref string) (out lifecycle.Image, err error) {
	return e.InspectImageFor(ctx, ref, "")
}

// InspectImageFor shows what an image has for a platform.
func (e *Engine) InspectImageFor(ctx context.Context, ref, platform string) (out lifecycle.Image, err error) {
	err = e.read(ctx, "InspectImage", ref, func() error {
		id, err := e.findImage(ref)
		if err != nil {
			return err
		}
		out = e.show(id)
		if platform == "" {
			return nil
		}
		v, ok := e.images[id].variant(platform)
		if !ok {
			return fail(errdefs.ErrNotFound, "%s has nothing for %s", ref, platform)
		}
		if e.containerd {
			out.ID = v.manifest.String()
		}
		out.Platform, out.Config = v.platform, v.image.config()
		return nil
	})
	return out, err
}

// Logs writes the last lines of what the container's image says it writes.
func (e *Engine) Logs(ctx context.Context, ref string, lines int, w io.Writer) error {
	return e.read(ctx, "Logs", ref, func() error {
		c, err := e.find(ref)
		if err != nil {
			return err
		}
		all := slices.Collect(strings.Lines(c.of.image.Log))
		_, err = io.WriteString(w, strings.Join(all[max(0, len(all)-lines):], ""))
		return err
	})
}

// Volumes returns the names of all volumes, sorted.
func (e *Engine) Volumes() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]string, 0, len(e.volumes))
	for name := range e.volumes {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// newID is 64 hexadecimal digits that no other thing of this engine has.
func (e *Engine) newID() string {
	e.made++
	return digest.FromString(fmt.Sprint("id ", e.made)).Encoded()
}

// find takes a full ID, a name, or a prefix of an ID.
func (e *Engine) find(ref string) (*container, error) {
	for _, match := range []func(*container) bool{
		func(c *container) bool { return c.id == ref },
		func(c *container) bool { return c.name == strings.TrimPrefix(ref, "/") },
		func(c *container) bool { return ref != "" && strings.HasPrefix(c.id, ref) },
	} {
		if i := slices.IndexFunc(e.containers, match); i >= 0 {
			return e.containers[i], nil
		}
	}
	return nil, fail(errdefs.ErrNotFound, "no such container: %s", ref)
}

// advance lets what happens by itself happen: processes that end.
func (e *Engine) advance() {
	now := time.Now()
	for _, c := range slices.Clone(e.containers) {
		behaviour := c.of.image
		if c.state != lifecycle.StateRunning || !behaviour.Exits || now.Before(c.started.Add(behaviour.After)) {
			continue
		}
		c.exitCode, c.finished = behaviour.ExitCode, c.started.Add(behaviour.After)
		switch policy := c.host.Object("RestartPolicy").Text("Name"); {
		case policy == "always", policy == "unless-stopped", policy == "on-failure" && c.exitCode != 0:
			c.restarts++
			c.state = lifecycle.StateRestarting
		default:
			e.ended(c)
		}
	}
}
