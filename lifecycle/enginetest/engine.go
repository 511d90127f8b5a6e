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

// Platform is the engine's, and that of all its images.
const Platform = "linux/amd64"

// Engine is a lifecycle.Engine in memory, with the classic image store. It is
// safe for use by many goroutines.
type Engine struct {
	mu         sync.Mutex
	containers []*container
	images     map[string]*stored   // by ID
	tags       map[string]string    // reference to ID
	published  map[string]published // by reference
	volumes    map[string]bool
	made       int
	addresses  int
	calls      []Call
	fault      func(n int, c Call) Fault
	changes    int
}

var (
	_ lifecycle.Engine    = (*Engine)(nil)
	_ lifecycle.Pinger    = (*Engine)(nil)
	_ lifecycle.Describer = (*Engine)(nil)
	_ lifecycle.LogReader = (*Engine)(nil)
)

// New makes an Engine without images and containers, and an empty registry for
// it to pull from.
func New() *Engine {
	return &Engine{
		images: map[string]*stored{}, tags: map[string]string{}, published: map[string]published{}, volumes: map[string]bool{},
	}
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
func (e *Engine) read(method, subject string, call func() error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, Call{method, subject, false})
	e.advance()
	return call()
}

// change makes a call that changes something, or fails as it was told.
func (e *Engine) change(method, subject string, call func() error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := Call{method, subject, true}
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

func fail(class error, format string, args ...any) error {
	return errclass.With(class, fmt.Errorf("enginetest: "+format, args...))
}

// Ping answers.
func (e *Engine) Ping(context.Context) error { return e.read("Ping", "", func() error { return nil }) }

// Describe says what it is.
func (e *Engine) Describe(context.Context) (lifecycle.EngineInfo, error) {
	return lifecycle.EngineInfo{Name: "enginetest", Version: "1", APIVersion: "1.41", Address: "memory", Platform: Platform}, nil
}

// Containers lists all containers.
func (e *Engine) Containers(context.Context) (out []lifecycle.Container, err error) {
	err = e.read("Containers", "", func() error {
		for _, c := range e.containers {
			seen := c.seen()
			if e.tags[whole(c.image)] != c.imageID {
				seen.Image = c.imageID // what the list shows once the tag has moved
			}
			out = append(out, seen)
		}
		return nil
	})
	return out, err
}

// Images lists all images.
func (e *Engine) Images(context.Context) (out []lifecycle.Image, err error) {
	err = e.read("Images", "", func() error {
		for id := range e.images {
			image := e.show(id)
			image.Config, image.Platform = nil, ""
			out = append(out, image)
		}
		slices.SortFunc(out, func(a, b lifecycle.Image) int { return strings.Compare(a.ID, b.ID) })
		return nil
	})
	return out, err
}

// Inspect shows one container.
func (e *Engine) Inspect(_ context.Context, ref string) (out lifecycle.Snapshot, err error) {
	err = e.read("Inspect", ref, func() error {
		c, err := e.find(ref)
		if err == nil {
			out = c.snapshot()
		}
		return err
	})
	return out, err
}

// InspectImage shows one image.
func (e *Engine) InspectImage(_ context.Context, ref string) (out lifecycle.Image, err error) {
	err = e.read("InspectImage", ref, func() error {
		id, err := e.findImage(ref)
		if err == nil {
			out = e.show(id)
		}
		return err
	})
	return out, err
}

// Logs writes what the container's image says it writes.
func (e *Engine) Logs(_ context.Context, ref string, _ int, w io.Writer) error {
	return e.read("Logs", ref, func() error {
		c, err := e.find(ref)
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, e.images[c.imageID].Log)
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
		behaviour := e.images[c.imageID]
		if c.state != lifecycle.StateRunning || behaviour == nil || !behaviour.Exits || now.Before(c.started.Add(behaviour.After)) {
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
