package watchtower_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
)

// The ID is the same in every version: a state directory outlives an update.
func TestAFactHasAnIDOfItsOwn(t *testing.T) {
	t.Parallel()
	entry := watchtower.Entry{Container: watchtower.Container{Name: "web", ID: "1"}, Latest: "sha256:1", Status: watchtower.StatusFailed}
	found := watchtower.UpdateFound{Entry: entry}
	assert.Equal(t, "216b89949882a74f", watchtower.EventID(found))
	again := found
	again.At, again.Entry.Reason, again.Entry.Container.ID = time.Now(), "for another reason", "2"
	assert.Equal(t, watchtower.EventID(found), watchtower.EventID(again))
	seen := map[string]watchtower.Event{}
	other := entry
	other.Latest = "sha256:2"
	elsewhere := entry
	elsewhere.Container.Name = "db"
	for _, e := range []watchtower.Event{
		found,
		watchtower.UpdateFound{Entry: other},
		watchtower.UpdateFound{Entry: elsewhere},
		watchtower.UpdateHeld{Entry: entry},
		watchtower.UpdateEnded{Entry: entry},
		watchtower.SelfUpdateStarted{Entry: entry},
		watchtower.CheckFailed{Reference: "app:1"},
		watchtower.CheckFailed{Reference: "web"},
		watchtower.PassFailed{Err: errdefs.ErrUnavailable},
		watchtower.LeftoverFound{Container: entry.Container},
		watchtower.FailureEnded{Failure: "1"},
		watchtower.FailureEnded{Failure: "1", Since: time.Now()},
	} {
		id := watchtower.EventID(e)
		assert.Regexp(t, "^[0-9a-f]{16}$", id)
		assert.NotContains(t, seen, id, "%T", e)
		seen[id] = e
	}
	for _, e := range []watchtower.Event{
		watchtower.PassStarted{},
		watchtower.ContainerSkipped{},
		watchtower.PullStarted{},
		watchtower.PullProgressed{},
		watchtower.PullEnded{},
		watchtower.StepStarted{},
		watchtower.HookStarted{},
		watchtower.HookEnded{},
		watchtower.ImageRemoved{},
		watchtower.PassEnded{},
		watchtower.PassScheduled{},
		watchtower.ObserverOverflowed{},
	} {
		assert.Empty(t, watchtower.EventID(e), "%T", e)
	}
}

func TestWhatAnObserverPanicsAtIsToldAgain(t *testing.T) {
	t.Parallel()
	calls := 0
	o, err := watchtower.Once("", watchtower.ObserverFunc(func(context.Context, watchtower.Event) {
		if calls++; calls == 1 {
			panic("not today")
		}
	}), nil)
	require.NoError(t, err)
	e := watchtower.UpdateFound{Entry: watchtower.Entry{Latest: "sha256:1"}}
	assert.Panics(t, func() { o.Observe(t.Context(), e) })
	o.Observe(t.Context(), e)
	o.Observe(t.Context(), e)
	assert.Equal(t, 2, calls)
}

func TestWhatWasToldIsKeptWithinBounds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var warned []error
	r := &retold{}
	o, err := watchtower.Once(dir, r, func(err error) { warned = append(warned, err) })
	require.NoError(t, err)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	found := func(i int) watchtower.Event {
		return watchtower.UpdateFound{At: at.Add(time.Duration(i) * time.Second), Entry: watchtower.Entry{
			Container: watchtower.Container{Name: fmt.Sprint("web-", i)}, Latest: "sha256:1",
		}}
	}
	for i := range 10_001 {
		o.Observe(t.Context(), found(i))
	}
	o.Observe(t.Context(), watchtower.PassScheduled{})
	data, err := os.ReadFile(filepath.Join(dir, "told.json"))
	require.NoError(t, err)
	var file struct{ Value map[string]any }
	require.NoError(t, json.Unmarshal(data, &file))
	assert.Len(t, file.Value, 10_000)
	r.since()
	next := r.once(t, dir)
	for _, i := range []int{0, 1, 10_000} {
		next.Observe(t.Context(), found(i))
	}
	assert.Equal(t, []string{"found web-0"}, r.since(), "the oldest was forgotten")

	// A directory that is gone is told of; what was told is still known to this process.
	require.NoError(t, os.RemoveAll(dir))
	o.Observe(t.Context(), found(10_002))
	o.Observe(t.Context(), watchtower.PassScheduled{})
	require.Len(t, warned, 1)
	assert.Contains(t, warned[0].Error(), "watchtower: what was told: ")
	o.Observe(t.Context(), watchtower.PassStarted{})
	o.Observe(t.Context(), found(10_002))
	assert.Equal(t, []string{"found web-10002"}, r.since())
}

func TestProcessesShareWhatWasTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	web := watchtower.Container{Name: "web"}
	found := watchtower.UpdateFound{Entry: watchtower.Entry{Container: web, Latest: "sha256:1"}}
	pass := func(o watchtower.Observer, e watchtower.Event, ends watchtower.Status) {
		o.Observe(t.Context(), watchtower.PassStarted{})
		if e != nil {
			o.Observe(t.Context(), e)
		}
		o.Observe(t.Context(), watchtower.PassEnded{Report: &watchtower.Report{
			Entries: []watchtower.Entry{{Container: web, Status: ends, Latest: "sha256:1"}},
		}})
	}
	var one, other retold
	first, second := one.once(t, dir), other.once(t, dir)
	pass(first, found, watchtower.StatusStale)
	pass(second, found, watchtower.StatusStale)
	assert.Equal(t, []string{"found web"}, one.since())
	assert.Empty(t, other.since(), "the first has told it")
	pass(second, nil, watchtower.StatusFresh)
	pass(first, found, watchtower.StatusStale)
	assert.Equal(t, []string{"found web"}, one.since(), "the second has seen that it had stopped being true")
}

func TestWhatIsToldOnceIsGivenRightly(t *testing.T) {
	t.Parallel()
	_, err := watchtower.Once("", nil, nil)
	assert.True(t, errdefs.IsInvalidArgument(err))
	require.EqualError(t, err, "watchtower: Once: nil: want an Observer")
	_, err = watchtower.Once(filepath.Join(t.TempDir(), "none"), &retold{}, nil)
	assert.True(t, errdefs.IsInvalidArgument(err))
	require.ErrorContains(t, err, "want a directory that is there")

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "told.json"), []byte("{"), 0o600))
	var warned []error
	_, err = watchtower.Once(dir, &retold{}, func(err error) { warned = append(warned, err) })
	require.NoError(t, err)
	require.Len(t, warned, 1)
	assert.Contains(t, warned[0].Error(), "begun anew, set aside as ")
}
