package watchtower_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// A bubble of synctest ends once every goroutine that was started in it has, and
// fails if one never does.

func TestAnObserverThatBlocksIsLetGo(t *testing.T) {
	t.Parallel()
	for name, pass := range map[string]func(context.Context, *watchtower.Tower) error{
		"check":  func(ctx context.Context, tw *watchtower.Tower) error { _, err := tw.Check(ctx); return err },
		"update": func(ctx context.Context, tw *watchtower.Tower) error { _, err := tw.Update(ctx); return err },
		"run":    func(ctx context.Context, tw *watchtower.Tower) error { return tw.Run(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var blocked atomic.Int32
				blocks := watchtower.ObserverFunc(func(ctx context.Context, _ watchtower.Event) {
					blocked.Add(1)
					<-ctx.Done()
				})
				panics := watchtower.ObserverFunc(func(context.Context, watchtower.Event) { panic("a bug") })
				tw, _ := hanging(t, watchtower.WithObserver(blocks, panics), watchtower.WithPassAtStart(true))
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				require.NoError(t, pass(ctx, tw))
				if name != "run" { // which goes on as long as its context does
					assert.Equal(t, int32(1), blocked.Load(), "it is at its first event")
					<-ctx.Done()
					time.Sleep(5*time.Second - time.Millisecond) //nolint:forbidigo // in a bubble
					assert.Equal(t, int32(1), blocked.Load(), "until five seconds after the pass's context has ended")
					time.Sleep(time.Millisecond) //nolint:forbidigo // in a bubble
				}
				synctest.Wait()
				assert.Greater(t, blocked.Load(), int32(3), "then it has been told all there is")
			})
		})
	}
}

func TestWhatWaitsForAnothersPassEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		tw, _ := hanging(t, watchtower.WithUpdater(lifecycle.UpdaterFunc(func(context.Context, lifecycle.Target) (lifecycle.Result, error) {
			<-release
			return lifecycle.Result{}, errors.New("not today")
		})))
		go func() { _, _ = tw.Update(t.Context()) }()
		synctest.Wait()
		gone := errors.New("somebody left")
		for name, pass := range map[string]func(context.Context) error{
			"check":  func(ctx context.Context) error { _, err := tw.Check(ctx); return err },
			"update": func(ctx context.Context) error { _, err := tw.Update(ctx); return err },
			"apply":  func(ctx context.Context) error { _, err := tw.Apply(ctx, watchtower.Plan{}); return err },
			"run":    func(ctx context.Context) error { return errors.Join(tw.Run(ctx), context.Cause(ctx)) },
		} {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Minute, func() { cancel(gone) })
			begun := time.Now()
			require.ErrorIs(t, pass(ctx), gone, name)
			assert.Equal(t, time.Minute, time.Since(begun), name)
		}
		close(release)
	})
}

// One Tower, used by many goroutines in every way at once: for the race detector,
// and passes come one after the other all the same.
func TestOneTowerIsForMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const images, users = 3, 3
		e := enginetest.New()
		publish := func(version int) {
			for i := range images {
				e.Publish(fmt.Sprintf("app%d:1", i), enginetest.Image{Env: []string{fmt.Sprintf("OF=%d VERSION=%d", i, version)}})
			}
		}
		publish(0)
		for i := range images {
			e.Run(fmt.Sprintf("web-%d", i), fmt.Sprintf("app%d:1", i), lifecycle.Spec{})
		}
		var under, most atomic.Int32
		reads := watchtower.ObserverFunc(func(_ context.Context, ev watchtower.Event) {
			switch ev := ev.(type) {
			case watchtower.PassStarted:
				most.Store(max(most.Load(), under.Add(1)))
			case watchtower.PassEnded:
				under.Add(-1)
				_ = ev.Report.Summary() + ev.Report.Plan.String()
			case watchtower.PassFailed:
				under.Add(-1)
			}
		})
		tw := memory(t, e, watchtower.WithInterval(time.Minute), watchtower.WithObserver(reads), watchtower.WithCleanup(true))
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		var group sync.WaitGroup
		for range users {
			group.Go(func() { assert.NoError(t, tw.Run(ctx)) })
			group.Go(func() { again(ctx, func() { checkAndApply(ctx, t, tw) }) })
			group.Go(func() { again(ctx, func() { _, _ = tw.Update(ctx) }) })
		}
		version := 0
		again(ctx, func() { version++; publish(version) })
		group.Wait()
		assert.Equal(t, int32(1), most.Load(), "passes that were made at once")
		r, err := tw.Update(t.Context())
		require.NoError(t, err)
		require.NoError(t, r.Err())
		list, err := e.Containers(t.Context())
		require.NoError(t, err)
		assert.Len(t, list, images)
	})
}

// again does something now and then, until ctx ends.
func again(ctx context.Context, do func()) {
	for ctx.Err() == nil {
		do()
		time.Sleep(time.Duration(rand.Int64N(int64(40 * time.Second)))) //nolint:forbidigo // in a bubble
	}
}

// checkAndApply carries out what it has just seen, if nobody else has meanwhile.
func checkAndApply(ctx context.Context, t *testing.T, tw *watchtower.Tower) {
	t.Helper()
	r, err := tw.Check(ctx)
	if err == nil {
		_, err = tw.Apply(ctx, r.Plan)
	}
	assert.True(t, err == nil || errdefs.IsFailedPrecondition(err) || ctx.Err() != nil, "%v", err)
}
