package watchtower_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// towers is an engine on which a watchtower runs, in a container that is stale.
type towers struct {
	*enginetest.Engine

	self lifecycle.Container
	old  string // the image's ID
}

// instance is a watchtower's own spec, with further labels in pairs.
func instance(pairs ...string) lifecycle.Spec {
	return labelled(append(pairs, lifecycle.LabelInstance, "true")...)
}

func newTowers(t *testing.T, next enginetest.Image, labels ...string) *towers {
	t.Helper()
	e := enginetest.New()
	e.Publish("tower:1", enginetest.Image{Env: []string{"VERSION=1"}})
	self := e.Run("tower", "tower:1", instance(labels...))
	next.Env = []string{"VERSION=2"}
	e.Publish("tower:1", next)
	e.Calls()
	return &towers{e, self, self.ImageID}
}

func (w *towers) tower(t *testing.T, id string, opts ...watchtower.Option) *watchtower.Tower {
	t.Helper()
	return memory(t, w.Engine, append([]watchtower.Option{
		watchtower.WithSelf(id), watchtower.WithSelfUpdate("/watchtower", "self-swap"), watchtower.WithStableTime(time.Second),
	}, opts...)...)
}

// help does what a helper's process does, and ends it.
func (w *towers) help(t *testing.T) lifecycle.Outcome {
	t.Helper()
	for _, c := range w.all(t) {
		if _, ok := lifecycle.Helper(c); ok && c.State.Up() {
			outcome, _ := lifecycle.RunHelper(t.Context(), w.Engine, c.Name, nil)
			require.NoError(t, w.Stop(t.Context(), c.ID, lifecycle.StopOptions{}))
			return outcome
		}
	}
	require.Fail(t, "no helper runs")
	return ""
}

func (w *towers) all(t *testing.T) []lifecycle.Container {
	t.Helper()
	list, err := w.Containers(t.Context())
	require.NoError(t, err)
	return list
}

func (w *towers) names(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, c := range w.all(t) {
		out = append(out, c.Name)
	}
	return out
}

func TestItsOwnContainerComesLastAndByAHelper(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTowers(t, enginetest.Image{}, "com.docker.compose.project", "p", "com.docker.compose.service", "t")
		w.Publish("web:1", enginetest.Image{Env: []string{"WEB=1"}})
		// It would wait for the tower, were that a container like others.
		w.Run("zz", "web:1", labelled("com.docker.compose.project", "p", "com.docker.compose.depends_on", "t:service_started:false"))
		w.Publish("web:1", enginetest.Image{Env: []string{"WEB=2"}})
		w.Calls()
		r, err := w.tower(t, w.self.ID).Update(t.Context())
		require.NoError(t, err)
		assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "zz").Status)
		assert.Contains(t, r.Plan.String(), "zz after tower")
		require.Len(t, r.Plan.Groups, 2)
		assert.Equal(t, []string{"tower"}, r.Plan.Groups[1].After)
		own := entry(t, r, "tower")
		assert.Equal(t, watchtower.StatusStale, own.Status)
		assert.Equal(t, "a helper replaces it: tower.wt-self-"+w.self.ShortID(), own.Reason)
		var changes []string
		for _, c := range w.Calls() {
			if c.Changes {
				changes = append(changes, c.Method)
			}
		}
		assert.Equal(t, []string{"Create", "Start"}, changes[len(changes)-2:], "the helper comes last: %v", changes)
		assert.Equal(t, w.self.ID, running(t, w.Engine, "tower").ID, "this process touched its container not at all")
	})
}

func TestWhatBecameOfItIsToldByWhoRunsThere(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		next   enginetest.Image
		status watchtower.Status
	}{
		"the successor":         {enginetest.Image{}, watchtower.StatusUpdated},
		"again the predecessor": {enginetest.Image{Exits: true, ExitCode: 3, Log: "out of order"}, watchtower.StatusRolledBack},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newTowers(t, tt.next)
				_, err := w.tower(t, w.self.ID).Update(t.Context())
				require.NoError(t, err)
				w.help(t)
				now := running(t, w.Engine, "tower")

				var mu sync.Mutex
				var told []watchtower.Entry
				tw := w.tower(t, now.ID, watchtower.WithCleanup(true), watchtower.WithObserver(watchtower.ObserverFunc(
					func(_ context.Context, e watchtower.Event) {
						if end, ok := e.(watchtower.SelfUpdateEnded); ok {
							mu.Lock()
							defer mu.Unlock()
							told = append(told, end.Entry)
						}
					})))
				for range 3 {
					r, err := tw.Update(t.Context())
					require.NoError(t, err)
					if own := entry(t, r, "tower"); tt.status == watchtower.StatusRolledBack {
						assert.Contains(t, own.Reason, "this digest failed on")
					} else {
						assert.Equal(t, watchtower.StatusFresh, own.Status)
					}
				}
				assert.Equal(t, []string{"tower"}, w.names(t), "and nothing else")
				require.Len(t, told, 1)
				assert.Equal(t, tt.status, told[0].Status)
				assert.Equal(t, "tower", told[0].Container.Name)
				led, err := w.InspectImage(t.Context(), "tower:1")
				require.NoError(t, err)
				assert.Equal(t, now.ImageID, led.ID, "the tag leads to what runs")
				_, err = w.InspectImage(t.Context(), w.old)
				assert.Equal(t, tt.status == watchtower.StatusUpdated, errdefs.IsNotFound(err), "what was replaced is removed")
			})
		})
	}
}

// A pass waits for its own update to end, and ends with its context.
func TestNoPassBesideItsOwnUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTowers(t, enginetest.Image{})
		tw := w.tower(t, w.self.ID, watchtower.WithInterval(time.Second))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- tw.Run(ctx) }()
		time.Sleep(30 * time.Second) //nolint:forbidigo // the bubble's time
		helpers := 0
		for _, c := range w.Calls() {
			if c.Method == "Create" && strings.Contains(c.Subject, ".wt-self-") {
				helpers++
			}
			assert.NotEqual(t, "Stop", c.Method)
		}
		assert.Equal(t, 1, helpers)
		asked := time.Now()
		cancel()
		require.NoError(t, <-ended)
		assert.Zero(t, time.Since(asked), "it ends at once")
	})
}

func TestAWatchtowerTouchesNoOther(t *testing.T) {
	t.Parallel()
	w := newTowers(t, enginetest.Image{})
	for name, opts := range map[string][]watchtower.Option{
		"on the host":        nil,
		"a pass and no more": {watchtower.WithSelf(w.self.ID)},
		"another":            {watchtower.WithSelf(strings.Repeat("0", 64)), watchtower.WithSelfUpdate("/watchtower", "self-swap")},
		"another scope's":    {watchtower.WithFilter(filter.Scope("blue"))},
	} {
		r, err := memory(t, w.Engine, opts...).Update(t.Context())
		require.NoError(t, err, name)
		assert.Equal(t, watchtower.StatusSkipped, entry(t, r, "tower").Status, name)
		assert.Empty(t, r.Plan.Groups, name)
	}
	for _, c := range w.Calls() {
		assert.False(t, c.Changes, "%v", c)
	}
}

func TestAnUpdateThatCannotBeHandedOverIsTold(t *testing.T) {
	t.Parallel()
	w := newTowers(t, enginetest.Image{})
	w.SetFault(func(_ int, c enginetest.Call) enginetest.Fault {
		if c.Method == "Create" {
			return enginetest.Before
		}
		return enginetest.None
	})
	r, err := w.tower(t, w.self.ID).Update(t.Context())
	require.NoError(t, err)
	own := entry(t, r, "tower")
	assert.Equal(t, watchtower.StatusFailed, own.Status)
	require.ErrorContains(t, own.Err, "watchtower: hand over tower: create: ")
	assert.Equal(t, []string{"tower"}, w.names(t))
}

func TestPredecessorsOfOtherProgramsGoIfTheyAreProvablyThat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		letters := func(c byte) string { return strings.Repeat(string(c), 32) }
		e := enginetest.New()
		e.Publish("tower:1", enginetest.Image{})
		e.Publish("other:1", enginetest.Image{Env: []string{"OTHER=1"}})
		put := func(name, reference string, stopped bool, spec lifecycle.Spec) lifecycle.Container {
			c := e.Run(name, reference, spec)
			if stopped {
				require.NoError(t, e.Stop(t.Context(), c.ID, lifecycle.StopOptions{}))
			}
			return c
		}
		verbose := instance()
		verbose.Config["Cmd"] = []any{"--debug"}
		bound := instance()
		bound.HostConfig = lifecycle.Document{"Binds": []any{"/elsewhere:/data"}}
		gone := []lifecycle.Container{put("first", "tower:1", true, instance()), put(letters('a'), "tower:1", true, instance())}
		unlisted := put("second", "tower:1", true, instance())
		running := put("third", "tower:1", false, instance())
		put(letters('b'), "tower:1", true, lifecycle.Spec{})                    // no watchtower
		put(letters('c'), "other:1", true, instance())                          // of another image
		put(letters('d'), "tower:1", true, instance(filter.ScopeLabel, "blue")) // of another scope
		put(letters('e'), "tower:1", true, bound)                               // set up otherwise
		put(letters('h'), "tower:1", true, verbose)                             // told otherwise
		put(letters('f')[1:], "tower:1", true, instance())                      // not its name
		for _, c := range []lifecycle.Container{gone[0], unlisted, running} {
			require.NoError(t, e.Rename(t.Context(), c.ID, "watchtower-old-"+c.ShortID()))
		}
		misnamed := put("watchtower-old-0123456789ab", "tower:1", true, instance()) // not its ID
		time.Sleep(time.Second)                                                     //nolint:forbidigo // the bubble's time
		self := e.Run("tower", "tower:1", instance("com.centurylinklabs.watchtower.container-chain", strings.Join([]string{gone[0].ID, running.ID, misnamed.ID}, ", ")))
		put(letters('g'), "tower:1", true, instance()) // no older than this one
		before := len((&towers{Engine: e}).names(t))

		var told []watchtower.LeftoverFound
		var mu sync.Mutex
		tw := (&towers{Engine: e}).tower(t, self.ID, watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, event watchtower.Event) {
			if found, ok := event.(watchtower.LeftoverFound); ok {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, found)
			}
		})))
		for range 2 {
			_, err := tw.Update(t.Context())
			require.NoError(t, err)
		}
		removed := map[string]bool{}
		for _, found := range told {
			removed[found.Container.ID] = found.Removed
		}
		assert.Equal(t, map[string]bool{gone[0].ID: true, gone[1].ID: true, running.ID: false}, removed)
		assert.Len(t, told, 3, "one that runs is told of once")
		assert.Len(t, (&towers{Engine: e}).names(t), before-2)
	})
}

func TestSelfUpdateNeedsACommand(t *testing.T) {
	t.Parallel()
	_, err := watchtower.New(watchtower.WithSelfUpdate())
	require.EqualError(t, err, "watchtower: WithSelfUpdate: want a program and its arguments")
	assert.True(t, errdefs.IsInvalidArgument(err))
}
