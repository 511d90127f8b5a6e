package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
)

// fake is a host that answers as it is told, and notes when it was asked what.
type fake struct {
	mu      sync.Mutex
	plan    watchtower.Plan
	checks  []time.Time
	applied []string
	check   error
	apply   []error // one after the other, then none
}

func (f *fake) Check(context.Context) (*watchtower.Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.checks = append(f.checks, time.Now())
	if f.check != nil {
		return nil, f.check
	}
	return &watchtower.Report{Plan: f.plan}, nil
}

func (f *fake) ApplyID(_ context.Context, id string) (*watchtower.Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.applied = append(f.applied, id)
	if len(f.apply) > 0 {
		err := f.apply[0]
		f.apply = f.apply[1:]
		return nil, err
	}
	f.plan = watchtower.Plan{}
	return &watchtower.Report{}, nil
}

// UpdateWith is not asked for: nothing is unfinished.
func (f *fake) UpdateWith(context.Context, watchtower.PassRequest) (*watchtower.Report, error) {
	return nil, errors.New("nothing is unfinished")
}

// at lets somebody look at it, or change it, while no worker does.
func (f *fake) at(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func planned(name string) watchtower.Plan {
	return watchtower.Plan{Groups: []watchtower.PlannedGroup{{Members: []watchtower.PlannedMember{{Name: name}}}}}
}

// started runs a controller of one host until the test ends.
func started(t *testing.T, f *fake) (c *controller, told func() []string) {
	t.Helper()
	c = newController(map[string]host{"h": f}, time.Second, 10*time.Second, time.Hour)
	var texts []string
	c.tell = func(_, text string) { f.at(func() { texts = append(texts, text) }) }
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go c.run(ctx, 2)
	synctest.Wait()
	return c, func() (out []string) {
		synctest.Wait()
		f.at(func() { out, texts = texts, nil })
		return out
	}
}

func TestWhatFailsIsTriedAgainEachTimeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{check: errors.New("no answer")}
		began := time.Now()
		_, told := started(t, f)
		time.Sleep(30 * time.Second) //nolint:forbidigo // a bubble's time, which is the subject
		assert.Equal(t, "again in 1s: no answer", told()[0])
		var after []time.Duration
		f.at(func() {
			for _, at := range f.checks {
				after = append(after, at.Sub(began)/time.Second)
			}
		})
		assert.Equal(t, []time.Duration{0, 1, 3, 7, 15, 25}, after, "twice as long each time, ten seconds at most")
	})
}

func TestAYesIsToOnePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{plan: planned("web")}
		c, told := started(t, f)
		id := f.plan.ID()
		require.Equal(t, []string{"plan " + id + " waits for a yes\nrestart web: \n"}, told())
		err := c.approve(planned("db").ID())
		require.Error(t, err)
		assert.True(t, errdefs.IsNotFound(err), "%v", err)
		synctest.Wait()
		f.at(func() {
			assert.Empty(t, f.applied)
			f.apply = []error{errdefs.ErrUnavailable, errdefs.ErrFailedPrecondition}
		})
		require.NoError(t, c.approve(id))
		assert.Equal(t, []string{"again in 1s: unavailable"}, told())
		time.Sleep(time.Second) //nolint:forbidigo // a bubble's time
		assert.Equal(t, []string{
			"plan " + id + " is refused: failed precondition", "plan " + id + " waits for a yes\nrestart web: \n",
		}, told(), "the yes stood while the engine was away, and fell with the plan")
		require.NoError(t, c.approve(id))
		assert.Equal(t, []string{
			"plan " + id + " is applied: scanned=0 updated=0 failed=0 skipped=0 rolled_back=0",
			"nothing to do: scanned=0 updated=0 failed=0 skipped=0 rolled_back=0",
		}, told())
		checks := 0
		f.at(func() {
			assert.Equal(t, []string{id, id, id}, f.applied)
			checks = len(f.checks)
		})
		time.Sleep(3*time.Hour + time.Minute) //nolint:forbidigo // a bubble's time
		assert.Empty(t, told(), "what stays as it is, is said once")
		f.at(func() { checks = len(f.checks) - checks })
		assert.Equal(t, 3, checks, "it is looked at every hour, however it came to be looked at before")
	})
}

func TestAKeyIsInOneHandAtATime(t *testing.T) {
	t.Parallel()
	q := newQueue(time.Second, time.Second)
	for _, key := range []string{"a", "b", "a"} {
		q.add(key)
	}
	first, _ := q.get(t.Context())
	second, _ := q.get(t.Context())
	assert.Equal(t, []string{"a", "b"}, []string{first, second})
	q.add("a")
	q.add("a")
	assert.Empty(t, q.ready, "its worker has it")
	q.done("a")
	assert.Equal(t, []string{"a"}, slices.Clone(q.ready))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, ok := q.get(ended)
	assert.False(t, ok)
}
