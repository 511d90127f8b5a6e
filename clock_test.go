package watchtower_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// calendar is a clock that is at each time it is asked to wait for at once, until
// its last day.
type calendar struct {
	last time.Time

	mu     sync.Mutex
	at     time.Time
	waited []time.Time
}

func (c *calendar) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *calendar) Wait(ctx context.Context, until time.Time) {
	c.mu.Lock()
	over := until.After(c.last)
	if !over {
		c.at, c.waited = until, append(c.waited, until)
	}
	c.mu.Unlock()
	if over {
		<-ctx.Done()
	}
}

func TestPassesAreMadeByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		day := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		clock := &calendar{at: day, last: day.AddDate(0, 0, 3)}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var started []time.Time
		tower := bare(t, &emptyEngine{}, watchtower.WithClock(clock),
			watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
				if e, ok := e.(watchtower.PassStarted); ok {
					started = append(started, e.At)
				}
			})))
		require.NoError(t, tower.Run(ctx))
		assert.Equal(t, []time.Time{day.AddDate(0, 0, 1), day.AddDate(0, 0, 2), day.AddDate(0, 0, 3)}, clock.waited)
		assert.Equal(t, clock.waited, started, "events have the clock's time")
	})
}

func TestGatesJudgeByTheClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	v := newTown(t)
	v.run("web", "old", nil)
	v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
	var judged time.Time
	report, err := memory(t, v.Engine, watchtower.WithClock(&calendar{at: at}),
		watchtower.WithGate(gate.Func(func(_ context.Context, c gate.Candidate) (gate.Decision, error) {
			judged = c.At
			return gate.Decision{}, nil
		}))).Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, report.Count(watchtower.StatusStale))
	assert.Equal(t, at, judged)
	assert.Equal(t, at, report.Started)
}

// hasty is a clock whose waits end at once.
type hasty struct{}

func (hasty) Now() time.Time                  { return time.Now() }
func (hasty) Wait(context.Context, time.Time) {}

// timeless is a schedule whose times are always now.
type timeless time.Duration

func (d timeless) Next(after time.Time) time.Time { return after.Add(time.Duration(d)) }

func TestNoScheduleAndNoClockMakesAStormOfPasses(t *testing.T) {
	for name, opts := range map[string][]watchtower.Option{
		"a clock that does not wait":   {watchtower.WithClock(hasty{}), watchtower.WithInterval(time.Second)},
		"a schedule that stands still": {watchtower.WithSchedule(timeless(0))},
		"a schedule that goes back":    {watchtower.WithSchedule(timeless(-time.Hour))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &emptyEngine{}
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
				defer cancel()
				require.NoError(t, bare(t, e, opts...).Run(ctx))
				assert.Equal(t, int32(1+10), e.lists.Load(), "one to see what a crash left, then one a second")
			})
		})
	}
}
