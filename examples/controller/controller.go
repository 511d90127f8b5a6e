package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// host is what the controller asks of one engine's Tower.
type host interface {
	Check(ctx context.Context) (*watchtower.Report, error)
	ApplyID(ctx context.Context, id string) (*watchtower.Report, error)
	UpdateWith(ctx context.Context, r watchtower.PassRequest) (*watchtower.Report, error)
}

// controller brings hosts to what their registries serve, and asks before it does. Each
// look at a host is the same whatever led to it, its time, a yes or a failure: what is
// there now counts, and nothing has to be remembered but the yes.
type controller struct {
	hosts map[string]host
	queue *queue
	// every is how often a host is looked at without a reason.
	every time.Duration
	// policy says yes in a person's place; it may be nil.
	policy func(*watchtower.Report) bool
	// tell is called with what people should know, one line or more, from any worker.
	tell func(host, text string)

	mu      sync.Mutex
	asked   map[string]string // by host, the plan that waits for a yes
	yes     map[string]string // by host, the plan that has one
	settled map[string]bool   // the hosts with nothing to do, which is said once
}

func newController(hosts map[string]host, first, slowest, every time.Duration) *controller {
	return &controller{
		hosts: hosts, queue: newQueue(first, slowest), every: every, tell: func(string, string) {},
		asked: map[string]string{}, yes: map[string]string{}, settled: map[string]bool{},
	}
}

// run looks at all hosts, so many at a time, until ctx ends.
func (c *controller) run(ctx context.Context, workers int) {
	defer c.queue.stop()
	for name := range c.hosts {
		c.queue.add(name)
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for name, ok := c.queue.get(ctx); ok; name, ok = c.queue.get(ctx) {
				c.work(ctx, name)
			}
		})
	}
	all.Wait()
}

// work makes one look, and sees to it that there is another.
func (c *controller) work(ctx context.Context, name string) {
	defer c.queue.done(name)
	again, err := c.reconcile(ctx, name)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		c.tell(name, fmt.Sprintf("again in %v: %v", c.queue.retry(name), err))
	default:
		c.queue.succeeded(name)
		c.queue.addAfter(name, again)
	}
}

// approve says yes to the plan with that ID, and to no other: what is done once its
// host is looked at is that plan or nothing. NotFound: no host asks about it.
func (c *controller) approve(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, asked := range c.asked {
		if asked == id {
			c.yes[name] = id
			c.queue.add(name)
			return nil
		}
	}
	return fmt.Errorf("controller: plan %q: nobody asks about it: %w", id, errdefs.ErrNotFound)
}

// reconcile looks at a host and does what may be done, and says when to look again.
func (c *controller) reconcile(ctx context.Context, name string) (again time.Duration, err error) {
	if id := c.answer(name); id != "" {
		return c.apply(ctx, name, id) // which looks, too
	}
	report, err := c.hosts[name].Check(ctx)
	var left error
	if err == nil && slices.ContainsFunc(report.Entries, unfinished) {
		if left, err = c.repair(ctx, name); err == nil {
			report, err = c.hosts[name].Check(ctx)
		}
	}
	if err != nil {
		return 0, err
	}
	id := report.Plan.ID()
	switch {
	case len(report.Plan.Groups) == 0:
		if c.settle(name) {
			c.tell(name, "nothing to do: "+report.Summary())
		}
		return c.every, errors.Join(report.Err(), left)
	case c.policy != nil && c.policy(report):
		return c.apply(ctx, name, id)
	case c.ask(name, id):
		c.tell(name, fmt.Sprintf("plan %s waits for a yes\n%s", id, report.Plan))
	}
	return c.every, left
}

// unfinished: a crash in mid-update left it, which a check sees and leaves alone.
func unfinished(e watchtower.Entry) bool {
	_, ok := lifecycle.Unfinished(e.Container)
	return ok
}

// repair finishes or undoes what a crash left, as every update does first, and updates
// nothing: its pass is about no container. It needs no yes, for that was given. left is
// what could not be done yet.
func (c *controller) repair(ctx context.Context, name string) (left, err error) {
	report, err := c.hosts[name].UpdateWith(ctx, watchtower.PassRequest{Only: []watchtower.Filter{filter.Any()}})
	if err != nil {
		return nil, err
	}
	for _, r := range report.Recovered {
		if r.Err != nil {
			left = errors.Join(left, r.Err)
			continue
		}
		c.tell(name, fmt.Sprintf("the update of %s that was cut short is settled: %s", r.Name, r.Outcome))
	}
	return left, nil
}

// apply carries out the plan that was approved, if it is still what there is to do.
func (c *controller) apply(ctx context.Context, name, id string) (again time.Duration, err error) {
	report, err := c.hosts[name].ApplyID(ctx, id)
	switch {
	case errdefs.IsFailedPrecondition(err):
		// The yes was to something else. The next look asks about what there is now.
		c.forget(name)
		c.tell(name, fmt.Sprintf("plan %s is refused: %v", id, err))
		return 0, nil
	case err != nil:
		return 0, err // the yes stands
	}
	c.forget(name)
	c.tell(name, fmt.Sprintf("plan %s is applied: %s", id, report.Summary()))
	return 0, report.Err()
}

// answer is the plan of a host that has a yes.
func (c *controller) answer(name string) (id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.yes[name]
}

// ask notes which plan waits, and reports whether that is news.
func (c *controller) ask(name, id string) (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	news = c.asked[name] != id
	c.asked[name], c.settled[name] = id, false
	return news
}

// settle notes that a host has nothing to do, and reports whether that is news.
func (c *controller) settle(name string) (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	news = !c.settled[name]
	delete(c.asked, name)
	c.settled[name] = true
	return news
}

// forget drops what was asked and answered.
func (c *controller) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.asked, name)
	delete(c.yes, name)
	c.settled[name] = false
}
