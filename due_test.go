package watchtower_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// diary writes down when passes were made, when they were said to be made, and what
// became of containers in them.
type diary struct {
	started, announced []string
	what               []string
}

func (d *diary) observe() watchtower.Option {
	const form = "Jan 2 15:04:05"
	return watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
		switch e := e.(type) {
		case watchtower.PassStarted:
			d.started = append(d.started, e.At.Format(form))
		case watchtower.PassScheduled:
			d.announced = append(d.announced, e.Next.Format(form))
		case watchtower.PassEnded:
			for _, c := range e.Report.Entries {
				if c.Status != watchtower.StatusFresh {
					d.what = append(d.what, e.Report.Started.Format(form)+" "+c.Container.Name+" "+string(c.Status)+": "+c.Reason)
				}
			}
		}
	}))
}

// failing is an engine that can be made not to answer.
type failing struct {
	*enginetest.Engine
	down atomic.Bool
}

func (e *failing) Containers(ctx context.Context) ([]lifecycle.Container, error) {
	if e.down.Load() {
		return nil, errors.New("down")
	}
	return e.Engine.Containers(ctx)
}

// In a bubble it is midnight in UTC.
func TestAContainerMovesWhenItsWindowOpens(t *testing.T) {
	midnight := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	noonly, err := watchtower.Cron("0 12 * * *", time.UTC)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		schedule watchtower.Schedule
		downtime time.Duration // of the engine, from two o'clock on
		passes   []string
	}{
		"though passes are made in intervals": {
			watchtower.Every(24 * time.Hour), 0,
			[]string{"Jan 2 00:00:00", "Jan 2 02:00:00", "Jan 3 00:00:00"},
		},
		"though they are made by a cron schedule": {
			noonly, 0,
			[]string{"Jan 1 12:00:00", "Jan 2 02:00:00", "Jan 2 12:00:00"},
		},
		"though the engine is down just then": {
			noonly, 5 * time.Second,
			[]string{"Jan 1 12:00:00", "Jan 2 02:00:00", "Jan 2 02:00:01", "Jan 2 02:00:03", "Jan 2 02:00:07", "Jan 2 12:00:00"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newTown(t)
				v.run("web", "old", nil, gate.WindowLabel, "02:00-04:00 UTC")
				v.run("other", "old2", nil)
				v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
				engine := &failing{Engine: v.Engine}
				var d diary
				tw := bare(t, engine, watchtower.WithChecker(v.Checker()), watchtower.WithSchedule(tt.schedule),
					watchtower.WithGate(gate.WithinByLabel(nil)), d.observe())
				ctx, cancel := context.WithDeadline(t.Context(), midnight.AddDate(0, 0, 2).Add(6*time.Hour))
				defer cancel()
				go func() {
					// After the pass that finds web and before its window opens.
					time.Sleep(25 * time.Hour) //nolint:forbidigo // in a bubble
					v.Publish("old2:1", enginetest.Image{Env: []string{"VERSION=2"}})
					time.Sleep(time.Hour - time.Second) //nolint:forbidigo // in a bubble
					engine.down.Store(tt.downtime > 0)
					time.Sleep(tt.downtime + time.Second) //nolint:forbidigo // in a bubble
					engine.down.Store(false)
				}()
				require.NoError(t, tw.Run(ctx))
				synctest.Wait()
				n := len(tt.passes)
				opened := tt.passes[n-2]
				assert.Equal(t, tt.passes, d.started)
				assert.Equal(t, []string{
					tt.passes[0] + " web held: outside its window (02:00-04:00 UTC)",
					opened + " other held: found between two scheduled passes",
					opened + " web updated: ",
					tt.passes[n-1] + " other updated: ",
				}, d.what)
			})
		})
	}
}

func TestWhatIsHeldMakesNoStormOfPasses(t *testing.T) {
	hold := func(due bool, until func(at time.Time) time.Time) gate.Gate {
		return gate.Func(func(_ context.Context, c gate.Candidate) (gate.Decision, error) {
			return gate.Decision{Verdict: gate.Hold, Reason: "no", Until: until(c.At), Due: due}, nil
		})
	}
	for name, tt := range map[string]struct {
		gate   gate.Gate
		passes int // in an hour after the first
	}{
		"due at once, always":           {hold(true, func(at time.Time) time.Time { return at.Add(time.Millisecond) }), 60},
		"due in the past":               {hold(true, func(time.Time) time.Time { return time.Unix(0, 0) }), 0},
		"due at no time":                {hold(true, func(time.Time) time.Time { return time.Time{} }), 0},
		"due after the scheduled pass":  {hold(true, func(at time.Time) time.Time { return at.Add(25 * time.Hour) }), 0},
		"not due: one may wait for it":  {hold(false, func(at time.Time) time.Time { return at.Add(time.Minute) }), 0},
		"what cools down may so":        {gate.Cooldown(time.Minute, nil), 0},
		"unless it is due for a window": {gate.All(gate.Cooldown(time.Minute, nil), hold(true, func(at time.Time) time.Time { return at.Add(30 * time.Minute) })), 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newTown(t)
				v.run("web", "old", nil)
				v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
				var d diary
				tw := memory(t, v.Engine, watchtower.WithPassAtStart(true), watchtower.WithGate(tt.gate), d.observe())
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour+time.Second)
				defer cancel()
				require.NoError(t, tw.Run(ctx))
				synctest.Wait()
				assert.Len(t, d.started, 1+tt.passes)
			})
		})
	}
}

// A pass takes three quarters of a minute, and each half minute one would be made.
func TestATimeThatComesDuringAPassIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		often, err := watchtower.Cron("*/30 * * * * *", time.UTC)
		require.NoError(t, err)
		e := &emptyEngine{takes: 45 * time.Second}
		var d diary
		tw := bare(t, e, watchtower.WithSchedule(often), watchtower.WithPassAtStart(true), d.observe())
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute-time.Second)
		defer cancel()
		require.NoError(t, tw.Run(ctx))
		synctest.Wait()
		assert.Equal(t, []string{"Jan 1 00:00:00", "Jan 1 00:01:00", "Jan 1 00:02:00", "Jan 1 00:03:00"}, d.started)
		assert.Equal(t, append(d.started, "Jan 1 00:04:00"), d.announced, "each is announced for when it is made")
		assert.Equal(t, int32(1), e.most.Load())
	})
}

func TestAPassIsMadeWhenItWasAnnouncedForWhateverWasDrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		daily, err := watchtower.Cron("0 4 * * *", time.UTC)
		require.NoError(t, err)
		var d diary
		tw := bare(t, &emptyEngine{}, watchtower.WithSchedule(watchtower.Jitter(daily, 3*time.Hour)), d.observe())
		ctx, cancel := context.WithTimeout(t.Context(), 10*24*time.Hour)
		defer cancel()
		require.NoError(t, tw.Run(ctx))
		synctest.Wait()
		require.Len(t, d.started, 10, "one a day")
		assert.Equal(t, d.announced[:10], d.started)
		assert.Len(t, slices.Compact(slices.Clone(d.started)), 10)
	})
}
