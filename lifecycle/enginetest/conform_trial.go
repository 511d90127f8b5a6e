package enginetest

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/lifecycle"
)

const (
	// namePrefix is what the names of the cases' containers begin with.
	namePrefix = "conform-"
	// second is a reference that cases give an image beside its own.
	second = "conform.invalid/second:1"
	// soon is how long a thing may take that happens by itself.
	soon = 10 * time.Second
	// look is how often it is looked for.
	look = 20 * time.Millisecond
)

// oneCase is one promise.
type oneCase struct {
	name string
	run  func(ctx context.Context, c *trial)
}

// cases are all of them.
func cases() []oneCase {
	return slices.Concat(listCases(), inspectCases(), createCases(), renameCases(), removeCases(), startCases(), stopCases(),
		imageCases(), pullCases(), abilityCases(), execCases(), platformCases(), fileCases(),
		networkCases(), volumeCases(), callCases())
}

// trial is one case on its way.
type trial struct {
	Subject

	seen   []string // what did not hold
	made   []string // IDs of containers
	tagged []string // references
}

// enough ends a case in which nothing more can be learned.
type enough struct{}

// expect notes what does not hold.
func (c *trial) expect(ok bool, format string, args ...any) {
	if !ok {
		c.note(format, args...)
	}
}

// need ends the case if it does not hold.
func (c *trial) need(ok bool, format string, args ...any) {
	if !ok {
		c.note(format, args...)
		panic(enough{})
	}
}

// done ends the case unless the call succeeded.
func (c *trial) done(what string, err error) {
	if err != nil {
		c.note("%s: %v", what, err)
		panic(enough{})
	}
}

// fails expects a call to have failed with an error of a class.
func (c *trial) fails(what string, err error, class func(error) bool, name string) {
	switch {
	case err == nil:
		c.note("%s: no error, want %s", what, name)
	case !class(err):
		c.note("%s: want %s, got another class: %v", what, name, err)
	}
}

func (c *trial) notFound(what string, err error) {
	c.fails(what, err, errdefs.IsNotFound, "NotFound")
}

func (c *trial) conflict(what string, err error) {
	c.fails(what, err, errdefs.IsConflict, "Conflict")
}

func (c *trial) invalid(what string, err error) {
	c.fails(what, err, errdefs.IsInvalidArgument, "InvalidArgument")
}

// note keeps what did not hold, with the line of the case.
func (c *trial) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for skip := 2; skip < 6; skip++ {
		if _, file, line, ok := runtime.Caller(skip); ok && filepath.Base(file) != "conform_trial.go" {
			text = fmt.Sprintf("%s:%d: %s", filepath.Base(file), line, text)
			break
		}
	}
	c.seen = append(c.seen, text)
}

// image is one of the harness's, which is pulled if it is not there.
func (c *trial) image(ctx context.Context, reference string) lifecycle.Image {
	image, err := c.Engine.InspectImage(ctx, reference)
	if err == nil && reference != "" {
		return image
	}
	return c.pull(ctx, reference)
}

// pull pulls an image of the harness, and returns it.
func (c *trial) pull(ctx context.Context, reference string) lifecycle.Image {
	c.need(reference != "", "the harness has no such image")
	c.done("pull "+reference, c.Engine.Pull(ctx, lifecycle.PullOptions{Reference: reference}))
	image, err := c.Engine.InspectImage(ctx, reference)
	c.done("inspect the image "+reference, err)
	return image
}

// tag points a reference beside the harness's at an image.
func (c *trial) tag(ctx context.Context, image, reference string) {
	c.tagged = append(c.tagged, reference)
	c.done("tag "+reference, c.Engine.Tag(ctx, image, reference))
}

// create makes a container of an image that is on the engine. Its name is the
// name given with the prefix.
func (c *trial) create(ctx context.Context, name, image string, spec lifecycle.Spec) (string, error) {
	spec = spec.Clone()
	if spec.Config == nil {
		spec.Config = lifecycle.Document{}
	}
	spec.Config["Image"] = image
	id, err := c.Engine.Create(ctx, lifecycle.CreateOptions{Name: namePrefix + name, Spec: spec})
	if err == nil {
		c.made = append(c.made, id)
	}
	return id, err
}

// container makes a container, which must succeed.
func (c *trial) container(ctx context.Context, name, image string, spec lifecycle.Spec) (id string) {
	c.image(ctx, image)
	id, err := c.create(ctx, name, image, spec)
	c.done("create "+name+" of "+image, err)
	return id
}

// run makes a container and starts it.
func (c *trial) run(ctx context.Context, name, image string) (id string) {
	id = c.container(ctx, name, image, lifecycle.Spec{})
	c.done("start "+name, c.Engine.Start(ctx, id))
	return id
}

// ended makes a container whose process has ended by itself.
func (c *trial) ended(ctx context.Context, name string) (id string) {
	id = c.run(ctx, name, c.Images.Exits)
	c.await(ctx, "it exits", func() bool { return c.inspect(ctx, id).State == lifecycle.StateExited })
	return id
}

func (c *trial) inspect(ctx context.Context, ref string) lifecycle.Snapshot {
	snap, err := c.Engine.Inspect(ctx, ref)
	c.done("inspect "+ref, err)
	return snap
}

// listed is the container in the list.
func (c *trial) listed(ctx context.Context, id string) lifecycle.Container {
	list, err := c.Engine.Containers(ctx)
	c.done("list the containers", err)
	i := slices.IndexFunc(list, func(e lifecycle.Container) bool { return e.ID == id })
	c.need(i >= 0, "%s is not in the list", id)
	return list[i]
}

// state expects a container to be in a state.
func (c *trial) state(ctx context.Context, ref string, want lifecycle.State) {
	got := c.inspect(ctx, ref).State
	c.expect(got == want, "it is %s, want %s", got, want)
}

// await waits for what happens by itself.
func (c *trial) await(ctx context.Context, what string, holds func() bool) {
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			c.need(false, "%s: not within %v", what, soon)
		}
	}
}

// cleanUp removes what the case made.
func (c *trial) cleanUp(ctx context.Context) (errs []error) {
	ctx, cancel := context.WithTimeout(ctx, caseWithin)
	defer cancel()
	var volumes []string
	for _, id := range c.made {
		if snap, err := c.Engine.Inspect(ctx, id); err == nil {
			for _, m := range snap.Mounts {
				if m.Type == "volume" {
					volumes = append(volumes, m.Name)
				}
			}
		}
		err := c.Engine.Remove(ctx, id, lifecycle.RemoveOptions{Force: true})
		if err != nil && !errdefs.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	if c.CleanUp != nil {
		slices.Sort(volumes)
		c.CleanUp(slices.Compact(volumes), c.tagged)
	}
	return errs
}
