package watchtower_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
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

// hangs is an engine in memory that does not return from its n-th call until the
// caller gives up.
type hangs struct {
	*enginetest.Engine

	mu    sync.Mutex
	calls int
	at    int // 0: never
}

func (h *hangs) turn(ctx context.Context) error {
	h.mu.Lock()
	h.calls++
	hang := h.calls == h.at
	h.mu.Unlock()
	if !hang {
		return nil
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// through makes a call unless it hangs.
func through[T any](ctx context.Context, h *hangs, call func() (T, error)) (T, error) {
	if err := h.turn(ctx); err != nil {
		var zero T
		return zero, err
	}
	return call()
}

func (h *hangs) do(ctx context.Context, call func() error) error {
	_, err := through(ctx, h, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (h *hangs) Ping(ctx context.Context) error {
	return h.do(ctx, func() error { return h.Engine.Ping(ctx) })
}

func (h *hangs) Containers(ctx context.Context) ([]lifecycle.Container, error) {
	return through(ctx, h, func() ([]lifecycle.Container, error) { return h.Engine.Containers(ctx) })
}

func (h *hangs) Images(ctx context.Context) ([]lifecycle.Image, error) {
	return through(ctx, h, func() ([]lifecycle.Image, error) { return h.Engine.Images(ctx) })
}

func (h *hangs) Inspect(ctx context.Context, ref string) (lifecycle.Snapshot, error) {
	return through(ctx, h, func() (lifecycle.Snapshot, error) { return h.Engine.Inspect(ctx, ref) })
}

func (h *hangs) InspectImage(ctx context.Context, ref string) (lifecycle.Image, error) {
	return through(ctx, h, func() (lifecycle.Image, error) { return h.Engine.InspectImage(ctx, ref) })
}

func (h *hangs) Pull(ctx context.Context, opts lifecycle.PullOptions) error {
	return h.do(ctx, func() error { return h.Engine.Pull(ctx, opts) })
}

func (h *hangs) RemoveImage(ctx context.Context, image string) error {
	return h.do(ctx, func() error { return h.Engine.RemoveImage(ctx, image) })
}

func (h *hangs) Tag(ctx context.Context, image, ref string) error {
	return h.do(ctx, func() error { return h.Engine.Tag(ctx, image, ref) })
}

func (h *hangs) Create(ctx context.Context, opts lifecycle.CreateOptions) (string, error) {
	return through(ctx, h, func() (string, error) { return h.Engine.Create(ctx, opts) })
}

func (h *hangs) Rename(ctx context.Context, ref, name string) error {
	return h.do(ctx, func() error { return h.Engine.Rename(ctx, ref, name) })
}

func (h *hangs) Remove(ctx context.Context, ref string, opts lifecycle.RemoveOptions) error {
	return h.do(ctx, func() error { return h.Engine.Remove(ctx, ref, opts) })
}

func (h *hangs) Start(ctx context.Context, ref string) error {
	return h.do(ctx, func() error { return h.Engine.Start(ctx, ref) })
}

func (h *hangs) Stop(ctx context.Context, ref string, opts lifecycle.StopOptions) error {
	return h.do(ctx, func() error { return h.Engine.Stop(ctx, ref, opts) })
}

// hang lets the n-th call from now on hang, and returns how many there were
// since the last time.
func (h *hangs) hang(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	calls := h.calls
	h.calls, h.at = 0, n
	return calls
}

// hanging is a tower on an engine with two containers of an image that has moved,
// one of which lives in the other's network.
func hanging(t *testing.T, opts ...watchtower.Option) (*watchtower.Tower, *hangs) {
	t.Helper()
	h := &hangs{Engine: enginetest.New()}
	h.Publish("app:1", enginetest.Image{})
	web := h.Run("web", "app:1", lifecycle.Spec{})
	h.Run("side", "app:1", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "container:" + web.ID}})
	h.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
	return memory(t, h.Engine, append([]watchtower.Option{watchtower.WithEngine(h), watchtower.WithCleanup(true)}, opts...)...), h
}

// Whatever call it is, and whether the caller gives up or not: a pass ends, with
// all that was begun for it (a bubble fails if a goroutine is left), and the next
// one mends what it left.
func TestAnEngineThatHangsHoldsNoPassForEver(t *testing.T) {
	t.Parallel()
	for name, pass := range map[string]func(context.Context, *watchtower.Tower) (*watchtower.Report, error){
		"check":  func(ctx context.Context, tw *watchtower.Tower) (*watchtower.Report, error) { return tw.Check(ctx) },
		"update": func(ctx context.Context, tw *watchtower.Tower) (*watchtower.Report, error) { return tw.Update(ctx) },
	} {
		for _, cancelled := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, cancelled: %v", name, cancelled), func(t *testing.T) {
				calls := 1 // found out by the first, which does not hang
				for n := 0; n <= calls; n++ {
					synctest.Test(t, func(t *testing.T) {
						tw, h := hanging(t)
						h.hang(n)
						ends(t, cancelled, func(ctx context.Context) error { _, err := pass(ctx, tw); return err })
						if made := h.hang(0); n == 0 {
							calls = made
						}
						_, err := tw.Update(t.Context())
						require.NoError(t, err)
						whole(t, h)
					})
				}
				assert.Greater(t, calls, 3)
			})
		}
	}
}

// ends expects a pass to end in a while, and to say so of an engine that does
// not answer.
func ends(t *testing.T, cancelled bool, pass func(context.Context) error) {
	t.Helper()
	ctx, begun := t.Context(), time.Now()
	if cancelled {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Second)
		defer cancel()
	}
	err := pass(ctx)
	assert.Less(t, time.Since(begun), 40*time.Minute, "the longest is waited for a pull")
	assert.True(t, err == nil || cancelled || errdefs.IsUnavailable(err), "%v", err)
}

// whole expects the two containers to be there and to run.
func whole(t *testing.T, h *hangs) {
	t.Helper()
	list, err := h.Containers(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
	for _, c := range list {
		assert.Equal(t, lifecycle.StateRunning, c.State, c.Name)
		assert.Contains(t, []string{"web", "side"}, c.Name)
	}
}

func TestRunGoesOnAfterAnEngineThatHung(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 70; n++ { // more calls than the first pass makes
		synctest.Test(t, func(t *testing.T) {
			tw, h := hanging(t, watchtower.WithInterval(time.Hour), watchtower.WithPassAtStart(true))
			h.hang(n)
			ctx, cancel := context.WithTimeout(t.Context(), 150*time.Minute)
			defer cancel()
			require.NoError(t, tw.Run(ctx))
			assert.Equal(t, 150*time.Minute, time.Since(start(ctx, 150*time.Minute)), "it ends when it is told to")
			r, err := tw.Check(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 2, r.Count(watchtower.StatusFresh), "call %d: %v", n, r.Entries)
		})
	}
}

// start is when a context with this timeout was made.
func start(ctx context.Context, timeout time.Duration) time.Time {
	end, _ := ctx.Deadline()
	return end.Add(-timeout)
}

// Nor do the predecessors that other programs left.
func TestAnEngineThatHangsOverLeftoversHoldsNoPassForEver(t *testing.T) {
	t.Parallel()
	calls := 1 // found out by the first, which does not hang
	for n := 0; n <= calls; n++ {
		synctest.Test(t, func(t *testing.T) {
			h := &hangs{Engine: enginetest.New()}
			h.Publish("tower:1", enginetest.Image{})
			old := h.Run(strings.Repeat("a", 32), "tower:1", instance())
			require.NoError(t, h.Stop(t.Context(), old.ID, lifecycle.StopOptions{}))
			time.Sleep(time.Second) //nolint:forbidigo // the bubble's time
			self := h.Run("tower", "tower:1", instance())
			w := &towers{Engine: h.Engine}
			tw := w.tower(t, self.ID, watchtower.WithEngine(h))
			h.hang(n)
			ends(t, false, func(ctx context.Context) error { _, err := tw.Update(ctx); return err })
			if made := h.hang(0); n == 0 {
				calls = made
				assert.Equal(t, []string{"tower"}, w.names(t))
			}
		})
	}
}
