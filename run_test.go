package watchtower_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// emptyEngine has no containers, and answers after a while or not at all.
type emptyEngine struct {
	lifecycle.Engine // what it does not have, nobody calls

	takes  time.Duration
	err    atomic.Pointer[error]
	lists  atomic.Int32
	inside atomic.Int32
	most   atomic.Int32
}

func (e *emptyEngine) Containers(ctx context.Context) ([]lifecycle.Container, error) {
	e.lists.Add(1)
	e.most.Store(max(e.most.Load(), e.inside.Add(1)))
	defer e.inside.Add(-1)
	select {
	case <-time.After(e.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := e.err.Load(); err != nil {
		return nil, *err
	}
	return nil, nil
}

func (e *emptyEngine) Images(context.Context) ([]lifecycle.Image, error) { return nil, nil }

func (e *emptyEngine) fail(err error) { e.err.Store(&err) }

func bare(t *testing.T, e lifecycle.Engine, opts ...watchtower.Option) *watchtower.Tower {
	t.Helper()
	tw, err := watchtower.New(append([]watchtower.Option{
		watchtower.WithEngine(e), watchtower.WithCredentials(credentials.Static(nil)),
	}, opts...)...)
	require.NoError(t, err)
	return tw
}

func TestRunMakesAPassPerInterval(t *testing.T) {
	for name, tt := range map[string]struct {
		opts []watchtower.Option
		want int32 // lists of containers in three and a half hours
	}{
		"the first after the interval": {nil, 1 + 3}, // one to see whether a crash left something
		"the first at once":            {[]watchtower.Option{watchtower.WithPassAtStart(true)}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &emptyEngine{}
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour+30*time.Minute)
				defer cancel()
				require.NoError(t, bare(t, e, append(tt.opts, watchtower.WithInterval(time.Hour))...).Run(ctx))
				assert.Equal(t, tt.want, e.lists.Load())
			})
		})
	}
}

func TestPassesNeverOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &emptyEngine{takes: 90 * time.Second / 2}
		tw := bare(t, e, watchtower.WithInterval(10*time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		go func() {
			for range 3 {
				_, _ = tw.Update(ctx)
				_, _ = tw.Check(ctx)
			}
		}()
		require.NoError(t, tw.Run(ctx))
		synctest.Wait()
		assert.Equal(t, int32(1), e.most.Load())
		assert.Greater(t, e.lists.Load(), int32(8))
	})
}

func TestRunOutlastsAnEngineThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &emptyEngine{}
		e.fail(errors.New("no engine at unix:///nowhere"))
		var log bytes.Buffer
		var failed, ended []time.Time
		tw := bare(t, e, watchtower.WithInterval(12*time.Hour), watchtower.WithPassAtStart(true),
			watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
			watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, ev watchtower.Event) {
				switch ev := ev.(type) {
				case watchtower.PassFailed:
					failed = append(failed, ev.At)
				case watchtower.PassEnded:
					ended = append(ended, ev.At)
				}
			})))
		start := time.Now()
		go func() {
			time.Sleep(10 * time.Minute) //nolint:forbidigo // in a bubble
			e.err.Store(nil)
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.NoError(t, tw.Run(ctx))
		synctest.Wait()
		require.Len(t, ended, 1, "it recovers by itself")
		assert.LessOrEqual(t, ended[0].Sub(start), 11*time.Minute+time.Second)
		assert.Equal(t, time.Second, failed[1].Sub(failed[0]), "the first retry comes soon")
		assert.Equal(t, time.Minute, failed[len(failed)-1].Sub(failed[len(failed)-2]), "the later ones do not hurry")
		assert.Equal(t, 1, strings.Count(log.String(), "no engine at"), "it is said once")
	})
}

// A day is too long to find out that there is no engine.
func TestRunTellsAtTheStartThatTheEngineIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &emptyEngine{}
		e.fail(errors.New("no engine at unix:///nowhere"))
		var log bytes.Buffer
		tw := bare(t, e, watchtower.WithInterval(24*time.Hour), watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		for range 2 {
			log.Reset()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Hour)
			require.NoError(t, tw.Run(ctx))
			cancel()
			if e.err.Load() == nil {
				assert.NotContains(t, log.String(), "level=ERROR")
				return
			}
			assert.Contains(t, log.String(), `level=ERROR msg="update failed" err="watchtower: first look: `)
			assert.Equal(t, 1, strings.Count(log.String(), "no engine at"), "it is said once")
			e.err.Store(nil)
		}
	})
}

// The engine takes no change for five minutes, from one call of an update on.
func TestRunDoesNotLeaveAServiceBetweenTwoContainersUntilTheNextPass(t *testing.T) {
	for k := 1; k <= 6; k++ {
		synctest.Test(t, func(t *testing.T) {
			e := enginetest.New()
			e.Publish("app:1", enginetest.Image{})
			web := e.Run("web", "app:1", lifecycle.Spec{})
			e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
			e.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
				if n > 1+k { // the pull is the first
					return enginetest.Before
				}
				return enginetest.None
			})
			var outcomes []lifecycle.Outcome
			tw := memory(t, e, watchtower.WithInterval(24*time.Hour), watchtower.WithPassAtStart(true),
				watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, ev watchtower.Event) {
					if ev, ok := ev.(watchtower.ServiceRecovered); ok {
						outcomes = append(outcomes, ev.Recovery.Outcome)
					}
				})))
			ctx, cancel := context.WithTimeout(t.Context(), 7*time.Minute)
			defer cancel()
			go func() {
				time.Sleep(5 * time.Minute) //nolint:forbidigo // in a bubble
				e.SetFault(nil)
			}()
			require.NoError(t, tw.Run(ctx))
			synctest.Wait()
			list, err := e.Containers(t.Context())
			require.NoError(t, err)
			require.Len(t, list, 1, "call %d", k)
			assert.Equal(t, "web", list[0].Name)
			assert.Equal(t, lifecycle.StateRunning, list[0].State)
			want := []lifecycle.Outcome{lifecycle.OutcomeUnfinished, lifecycle.OutcomeRolledBack}
			switch k {
			case 5: // it had proven itself
				want[1] = lifecycle.OutcomeUpdated
			case 6:
				want = nil
			}
			assert.Equal(t, want, outcomes, "call %d: it is told once", k)
			assert.Equal(t, k >= 5, list[0].ID != web.ID, "call %d", k)
		})
	}
}

func TestAPassOfADeadEngineIsAnError(t *testing.T) {
	e := &emptyEngine{}
	e.fail(errdefs.ErrUnavailable)
	report, err := bare(t, e).Update(t.Context())
	assert.Nil(t, report)
	require.EqualError(t, err, "watchtower: update: unavailable")
	assert.True(t, errdefs.IsUnavailable(err))
}

func TestObservers(t *testing.T) {
	t.Run("each is told everything in order, whatever the others do", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			seen := [2][]string{}
			kind := func(i int) watchtower.Observer {
				return watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
					switch e.(type) {
					case watchtower.PassStarted:
						seen[i] = append(seen[i], "started")
					case watchtower.PassEnded:
						seen[i] = append(seen[i], "ended")
					}
				})
			}
			hangs := watchtower.ObserverFunc(func(context.Context, watchtower.Event) {
				time.Sleep(time.Hour) //nolint:forbidigo // in a bubble
			})
			panics := watchtower.ObserverFunc(func(context.Context, watchtower.Event) { panic("a bug") })
			tw := bare(t, &emptyEngine{}, watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
				watchtower.WithObserver(kind(0), hangs, panics, kind(1)))
			start := time.Now()
			_, err := tw.Update(t.Context())
			require.NoError(t, err)
			assert.LessOrEqual(t, time.Since(start), 5*time.Second, "one that hangs is waited for so long")
			synctest.Wait()
			assert.Equal(t, [2][]string{{"started", "ended"}, {"started", "ended"}}, seen)
			assert.Contains(t, log.String(), "a bug")
			time.Sleep(3 * time.Hour) //nolint:forbidigo // lets the one that hangs end
			synctest.Wait()
		})
	})
	t.Run("what one misses is counted and told", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			missed, told := 0, 0
			slow := watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
				if o, ok := e.(watchtower.ObserverOverflowed); ok {
					missed += o.Missed
					return
				}
				told++
				time.Sleep(time.Minute) //nolint:forbidigo // in a bubble
			})
			tw := bare(t, &emptyEngine{}, watchtower.WithObserver(slow))
			const passes = 1000
			for range passes {
				_, err := tw.Update(t.Context())
				require.NoError(t, err)
			}
			time.Sleep(100 * time.Hour) //nolint:forbidigo // until it has caught up
			synctest.Wait()
			assert.Positive(t, missed)
			assert.Equal(t, 2*passes, told+missed)
		})
	})
}

func TestBadOptionsAreAllNamed(t *testing.T) {
	_, err := watchtower.New(
		nil, watchtower.WithEngine(nil), watchtower.WithInterval(time.Millisecond), watchtower.WithStopTimeout(-1),
		watchtower.WithStates("running", "gone"), watchtower.WithStates("dead"), watchtower.WithConcurrency(0),
		watchtower.WithFilter(nil), watchtower.WithUpdater(nil), watchtower.WithChecker(nil), watchtower.WithCredentials(nil),
		watchtower.WithObserver(nil), watchtower.WithLogger(nil), watchtower.WithSchedule(nil), watchtower.WithStableTime(0), watchtower.WithUpdateOrder(""),
		watchtower.WithCheckTimeout(0), watchtower.WithPullTimeout(0), watchtower.WithProbe(watchtower.Probe{}, -1),
	)
	require.Error(t, err)
	assert.True(t, errdefs.IsInvalidArgument(err))
	for _, name := range []string{
		"WithEngine", "WithInterval: 1ms", "WithStopTimeout", "WithStates: gone", "WithStates: dead", "WithConcurrency",
		"WithFilter", "WithUpdater", "WithChecker", "WithCredentials", "WithObserver", "WithLogger", "WithSchedule",
		"WithStableTime", "WithUpdateOrder", "WithCheckTimeout", "WithPullTimeout", "WithProbe: -1ns",
	} {
		assert.Contains(t, err.Error(), name)
	}
}
