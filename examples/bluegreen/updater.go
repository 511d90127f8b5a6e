package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// service is the label that names the service behind the proxy. Its containers are called
// after it, with a colour: web-blue or web-green.
const service = "example.bluegreen"

// blueGreen is an Updater: it starts the new container beside the old one, in the other
// colour, turns the proxy to it, and removes the old one when the new one has held out for
// a while. Until then the old one runs, and the proxy is turned back to it if need be.
//
// A crash leaves both colours at most, the old one still stale: the next update goes on
// from there.
type blueGreen struct {
	engine lifecycle.Engine
	proxy  *proxy
	// address is where a container that runs serves.
	address func(lifecycle.Snapshot) (*url.URL, error)
	// within is how long a new one may take to answer, and soak how long it then has to go
	// on answering, with all requests, until the old one is removed.
	within, soak time.Duration
	// drain is how long requests may take that the old one still has.
	drain time.Duration

	mu   sync.Mutex // one update at a time: both colours may be stale
	live string     // the ID of the container that serves; empty before resume
}

// Update brings the one container of a target to its new image.
func (b *blueGreen) Update(ctx context.Context, t lifecycle.Target) (lifecycle.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	member := t.Members[0]
	result := lifecycle.MemberResult{Name: member.Container.Name, OldID: member.Container.ID, Outcome: lifecycle.OutcomeUntouched}
	err := b.update(ctx, t, &result)
	if err != nil {
		err = &lifecycle.Error{Op: "blue-green", Container: member.Container.Name, Err: err}
	}
	return lifecycle.Result{Members: []lifecycle.MemberResult{result}}, err
}

func (b *blueGreen) update(ctx context.Context, t lifecycle.Target, result *lifecycle.MemberResult) error {
	member := t.Members[0]
	step := func(container, action string) {
		if t.OnStep != nil {
			t.OnStep(lifecycle.Step{Container: container, Action: action})
		}
	}
	old, err := b.engine.Inspect(ctx, member.Container.ID)
	if errdefs.IsNotFound(err) {
		return fmt.Errorf("%w: it is gone", errdefs.ErrFailedPrecondition) // the other colour's update took it away
	}
	if err != nil {
		return err
	}
	if err := fit(old, t); err != nil {
		return err
	}
	blue, err := b.address(old)
	if err != nil {
		return fmt.Errorf("%w: it could not be turned back to: %w", errdefs.ErrFailedPrecondition, err)
	}
	name := otherColour(old.Name)
	step(name, "create")
	next, err := b.beside(ctx, old, member, name)
	if err != nil {
		return err
	}
	if t.BeforeSwap != nil {
		err = t.BeforeSwap(ctx) // the hooks' last word
	}
	if err != nil {
		return errors.Join(err, b.remove(ctx, next))
	}

	// From here on a failure is the new container's, which goes again.
	back := func(err error) error {
		step(name, "roll back")
		result.Outcome, result.ImageFailed = lifecycle.OutcomeRolledBack, ctx.Err() == nil && !errdefs.IsUnavailable(err)
		return errors.Join(fmt.Errorf("%w: %w", errdefs.ErrAborted, err), b.remove(ctx, next))
	}
	step(name, "start")
	if err := b.engine.Start(ctx, next); err != nil {
		return back(err)
	}
	step(name, "verify")
	green, err := b.ready(ctx, next)
	if err != nil {
		return back(err)
	}
	step(name, "turn to")
	drain := b.proxy.turn(green)
	if err := b.steady(ctx, green); err != nil {
		b.proxy.turn(blue)
		b.live = old.ID
		return back(err)
	}
	b.live = next
	result.Outcome, result.NewID = lifecycle.OutcomeUpdated, next
	ctx = context.WithoutCancel(ctx) // it is done; what follows is short
	draining, cancel := context.WithTimeout(ctx, b.drain)
	drain(draining)
	cancel()
	step(old.Name, "remove")
	err = b.engine.Stop(ctx, old.ID, lifecycle.StopOptions{Timeout: t.StopTimeout})
	if err == nil {
		err = b.engine.Remove(ctx, old.ID, lifecycle.RemoveOptions{})
	}
	if err != nil { // it is stale, and found so by the next pass
		result.Warnings = append(result.Warnings, fmt.Sprintf("%s is left: %v", old.Name, err))
	}
	return nil
}

// fit refuses what cannot run twice at a time, and what is not what was judged.
func fit(old lifecycle.Snapshot, t lifecycle.Target) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{errdefs.ErrFailedPrecondition}, args...)...)
	}
	order, reason, err := lifecycle.OrderOf(old, lifecycle.StartFirst)
	switch {
	case err != nil:
		return err
	case len(t.Members) > 1:
		return refuse("%d containers move together", len(t.Members))
	case otherColour(old.Name) == "" || old.Labels[service] == "":
		return refuse("want the label %s, and a name that ends in -blue or -green", service)
	case old.ImageID != t.Members[0].Container.ImageID:
		return refuse("it runs another image than was judged")
	case t.Members[0].Start == lifecycle.StartNever:
		return refuse("its successor is not to be started, and could not be turned to")
	case order != lifecycle.StartFirst:
		return refuse("it cannot run beside its successor: %s", cmp.Or(reason, "it is "+string(old.State)))
	}
	return nil
}

func otherColour(name string) string {
	if base, ok := strings.CutSuffix(name, "-blue"); ok {
		return base + "-green"
	}
	if base, ok := strings.CutSuffix(name, "-green"); ok {
		return base + "-blue"
	}
	return ""
}

// beside creates the container of the other colour, or takes the one that a crash left.
func (b *blueGreen) beside(ctx context.Context, old lifecycle.Snapshot, m lifecycle.Member, name string) (id string, err error) {
	left, err := b.engine.Inspect(ctx, name)
	switch {
	case errdefs.IsNotFound(err):
	case err != nil:
		return "", err
	case left.Labels[service] != old.Labels[service]:
		return "", fmt.Errorf("%w: %s is somebody else's", errdefs.ErrConflict, name)
	case left.ImageID == m.ImageID:
		return left.ID, nil
	case left.ID == b.live: // and is stale as well: its own update is what there is to do
		return "", fmt.Errorf("%w: %s is what serves", errdefs.ErrFailedPrecondition, name)
	default:
		if err := b.remove(ctx, left.ID); err != nil {
			return "", err
		}
	}
	image, err := b.engine.InspectImage(ctx, old.ImageID)
	if err != nil {
		return "", err
	}
	id, err = b.engine.Create(ctx, lifecycle.CreateOptions{Name: name, Spec: specOf(old, image, m.Reference)})
	if err != nil {
		return "", err
	}
	// What was judged is what is run: the tag may have moved meanwhile.
	created, err := b.engine.Inspect(ctx, id)
	if err == nil && created.ImageID != m.ImageID {
		err = fmt.Errorf("%w: %s leads to another image than was judged", errdefs.ErrFailedPrecondition, m.Reference)
	}
	if err != nil {
		return "", errors.Join(err, b.remove(ctx, id))
	}
	return id, nil
}

// remove ends and removes a container, also when ctx has ended; but not the one that
// serves, which beside may have found.
func (b *blueGreen) remove(ctx context.Context, id string) error {
	if id == b.live {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return b.engine.Remove(ctx, id, lifecycle.RemoveOptions{Force: true})
}

// ready waits until a container answers, and returns where.
func (b *blueGreen) ready(ctx context.Context, id string) (*url.URL, error) {
	ctx, cancel := context.WithTimeout(ctx, b.within)
	defer cancel()
	var last error // and not that the time was up in the middle of a try
	for {
		c, err := b.engine.Inspect(ctx, id)
		var at *url.URL
		if err == nil {
			at, err = b.address(c)
		}
		if err == nil {
			err = ask(ctx, at)
		}
		if err == nil {
			return at, nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		if pause(ctx, b.within/20) != nil {
			return nil, fmt.Errorf("not ready within %v: %w", b.within, last)
		}
	}
}

// steady wants good answers for a while.
func (b *blueGreen) steady(ctx context.Context, at *url.URL) error {
	for range 10 {
		if err := pause(ctx, b.soak/10); err != nil {
			return err
		}
		if err := ask(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

func ask(ctx context.Context, at *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("it answers " + resp.Status)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// resume turns the proxy to what serves, when the program begins: of two, after a crash,
// to the older one, which has proven itself.
func (b *blueGreen) resume(ctx context.Context, name string) error {
	all, err := b.engine.Containers(ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(c watchtower.Container) bool { return c.Labels[service] != name || !c.State.Up() })
	if len(all) == 0 {
		return fmt.Errorf("no container with the label %s=%s is up: %w", service, name, errdefs.ErrNotFound)
	}
	oldest := slices.MinFunc(all, func(x, y watchtower.Container) int { return x.Created.Compare(y.Created) })
	c, err := b.engine.Inspect(ctx, oldest.ID)
	if err != nil {
		return err
	}
	at, err := b.address(c)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.proxy.turn(at)
	b.live = c.ID
	return nil
}
