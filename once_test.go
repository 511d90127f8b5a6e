package watchtower_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

// retold are the facts that an observer behind Once was told, in words.
type retold struct{ said []string }

func (r *retold) Observe(_ context.Context, e watchtower.Event) {
	if watchtower.EventID(e) == "" {
		return
	}
	switch e := e.(type) {
	case watchtower.UpdateFound:
		r.said = append(r.said, "found "+e.Entry.Container.Name)
	case watchtower.UpdateHeld:
		r.said = append(r.said, "held "+e.Entry.Container.Name)
	case watchtower.UpdateEnded:
		r.said = append(r.said, string(e.Entry.Status)+" "+e.Entry.Container.Name)
	case watchtower.FailureEnded:
		r.said = append(r.said, fmt.Sprint("over: ", strings.TrimSpace(e.What+" "+strings.Join(e.Containers, " "))))
	default:
		r.said = append(r.said, strings.TrimPrefix(fmt.Sprintf("%T", e), "watchtower."))
	}
}

// since is what was said since the last call.
func (r *retold) since() []string {
	said := r.said
	r.said = nil
	return said
}

func (r *retold) once(t *testing.T, dir string) watchtower.Observer {
	t.Helper()
	o, err := watchtower.Once(dir, r, func(err error) { t.Error(err) })
	require.NoError(t, err)
	return o
}

// downtime is a registry, and a container engine, that may be down.
type downtime struct {
	*enginetest.Engine
	checker watchtower.Checker

	registryDown, engineDown bool
}

func (o *downtime) Check(ctx context.Context, queries []registry.Query) []registry.Verdict {
	if !o.registryDown {
		return o.checker.Check(ctx, queries)
	}
	out := make([]registry.Verdict, len(queries))
	for i := range out {
		out[i].Err = fmt.Errorf("no answer: %w", errdefs.ErrUnavailable)
	}
	return out
}

func (o *downtime) Ping(ctx context.Context) error {
	if o.engineDown {
		return fmt.Errorf("no engine: %w", errdefs.ErrUnavailable)
	}
	return o.Engine.Ping(ctx)
}

// world is an engine with a container whose image moves, and what is told of it. Each
// pass is made by a process of its own if it has a directory.
type world struct {
	*downtime
	retold

	t    *testing.T
	dir  string
	tw   *watchtower.Tower
	opts []watchtower.Option
}

func newWorld(t *testing.T, dir string, opts ...watchtower.Option) *world {
	t.Helper()
	e := enginetest.New()
	e.Publish("app:1", version(1))
	e.Run("web", "app:1", lifecycle.Spec{})
	w := &world{downtime: &downtime{Engine: e, checker: e.Checker()}, t: t, dir: dir, opts: opts}
	w.start()
	return w
}

func (w *world) start() {
	w.tw = memory(w.t, w.Engine, append([]watchtower.Option{
		watchtower.WithEngine(w.downtime), watchtower.WithChecker(w.downtime), watchtower.WithObserver(w.once(w.t, w.dir)),
	}, w.opts...)...)
}

// pass makes one, and returns what was told.
func (w *world) pass() []string {
	_, _ = w.tw.Update(w.t.Context()) // what fails is told
	if w.dir != "" {
		w.start()
	}
	return w.since()
}

func TestTenPassesTellOfOneUpdateOnce(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"one process": "", "ten processes": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, dir, watchtower.WithMonitorOnly(true))
				assert.Empty(t, w.pass())
				w.Publish("app:1", version(2))
				assert.Equal(t, []string{"found web"}, w.pass())
				for range 9 {
					assert.Empty(t, w.pass())
				}
				w.Publish("app:1", version(3))
				assert.Equal(t, []string{"found web"}, w.pass(), "another digest")
				w.Publish("app:1", version(1))
				assert.Empty(t, w.pass(), "it runs that")
				w.Publish("app:1", version(3))
				assert.Equal(t, []string{"found web"}, w.pass(), "and does so no longer")
			})
		})
	}
}

func TestARecoveryIsAFactOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"one process": "", "many processes": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, dir)
				for range 2 {
					w.registryDown = true
					assert.Equal(t, []string{"CheckFailed"}, w.pass())
					assert.Empty(t, w.pass())
					w.engineDown = true
					assert.Equal(t, []string{"PassFailed"}, w.pass())
					assert.Empty(t, w.pass())
					w.engineDown = false
					assert.Equal(t, []string{"over: pass failed"}, w.pass(), "the registry still does not answer")
					w.registryDown = false
					assert.Equal(t, []string{"over: check failed web"}, w.pass())
					assert.Empty(t, w.pass())
				}
				broken := version(2)
				broken.StartError = "no such file"
				w.Publish("app:1", broken)
				assert.Equal(t, []string{"found web", "rolled back web"}, w.pass())
				assert.Empty(t, w.pass(), "it is left alone now")
				w.Publish("app:1", version(3))
				assert.Equal(t, []string{"found web", "updated web"}, w.pass())
				assert.Empty(t, w.pass(), "that it was updated says that it no longer fails")

				broken.Env = []string{"VERSION=4"}
				w.Publish("app:1", broken)
				assert.Equal(t, []string{"found web", "rolled back web"}, w.pass())
				w.Publish("app:1", version(3))
				assert.Equal(t, []string{"over: rolled back web"}, w.pass(), "the registry took it back")
				assert.Empty(t, w.pass())
			})
		})
	}
}

func TestWhatIsToldOfAContainerThatIsGoneIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "", watchtower.WithMonitorOnly(true))
		w.Publish("app:1", version(2))
		assert.Equal(t, []string{"found web"}, w.pass())
		require.NoError(t, w.Rename(t.Context(), "web", "other"))
		assert.Equal(t, []string{"found other"}, w.pass())
		require.NoError(t, w.Rename(t.Context(), "other", "web"))
		assert.Equal(t, []string{"found web"}, w.pass())
	})
}

// What a plan's pass does not look at is what it was.
func TestAPlansPassForgetsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "")
		w.Run("other", "app:1", labelled(watchtower.MonitorOnlyLabel, "true"))
		w.Publish("app:1", version(2))
		r, err := w.tw.Check(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"found other", "found web"}, w.since())
		_, err = w.tw.Apply(t.Context(), r.Plan)
		require.NoError(t, err)
		assert.Equal(t, []string{"updated web"}, w.since())
		assert.Empty(t, w.pass(), "other still is where it was")
		_, err = w.tw.Apply(t.Context(), r.Plan)
		require.Error(t, err)
		assert.Empty(t, w.pass(), "a plan that is refused is an answer to who applied it")
	})
}

// Sequences of events that take a real engine much to come to.
func TestWhatIsNews(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	web := watchtower.Container{Name: "web", Labels: map[string]string{"x": "bad"}}
	entry := func(status watchtower.Status, digest, newID string) watchtower.Entry {
		return watchtower.Entry{Container: web, Status: status, Latest: digest, NewContainerID: newID}
	}
	ended := func(status watchtower.Status, digest, newID string) watchtower.Event {
		return watchtower.UpdateEnded{At: at, Entry: entry(status, digest, newID)}
	}
	pass := func(entries ...watchtower.Entry) watchtower.Event {
		return watchtower.PassEnded{At: at, Report: &watchtower.Report{Entries: entries}}
	}
	hook := func(point watchtower.HookPoint, err error) watchtower.Event {
		return watchtower.HookEnded{At: at, Container: web, Result: lifecycle.HookResult{Point: point, Verdict: lifecycle.HookVerdict{Err: err}}}
	}
	recovered := func(outcome lifecycle.Outcome, later time.Duration) watchtower.Event {
		return watchtower.ServiceRecovered{At: at.Add(later), Recovery: lifecycle.Recovery{Name: "web", Outcome: outcome, ID: "1"}}
	}
	start, bad := watchtower.PassStarted{At: at}, errors.New("exit code 1")
	failed := func(class error) watchtower.Event { return watchtower.PassFailed{At: at, Err: class} }
	invalid := watchtower.LabelInvalid{At: at, Container: web, Label: "x", Value: "bad"}
	mirror := watchtower.MirrorNoticed{At: at, Reference: "app:1", Mirror: "m", Stale: true}
	mended := web
	mended.Labels = nil
	for name, tt := range map[string]struct {
		events []watchtower.Event
		want   []string
	}{
		"the same update of itself, told by two processes": {
			[]watchtower.Event{watchtower.SelfUpdateEnded{At: at, Entry: entry("updated", "d", "1")}, watchtower.SelfUpdateEnded{At: at, Entry: entry("updated", "d", "1")}},
			[]string{"SelfUpdateEnded"},
		},
		"updated to the same again": {
			[]watchtower.Event{ended("updated", "d", "1"), ended("updated", "d", "2")}, []string{"updated web", "updated web"},
		},
		"restarted with two of its parents": {
			[]watchtower.Event{ended("restarted", "d", "1"), ended("restarted", "d", "2")}, []string{"restarted web", "restarted web"},
		},
		"failed, and updated in the end": {
			[]watchtower.Event{start, ended("failed", "d", ""), start, ended("failed", "d", ""), pass(entry("failed", "d", "")), start, ended("updated", "d", "1"), pass(entry("updated", "d", "1")), start, ended("failed", "d", "")},
			[]string{"failed web", "updated web", "failed web"},
		},
		"failed, and mended by hand": {
			[]watchtower.Event{start, ended("failed", "d", ""), start, pass(entry("fresh", "d", "")), start, pass(entry("fresh", "d", ""))},
			[]string{"failed web", "over: failed web"},
		},
		"a hook": {
			[]watchtower.Event{hook(lifecycle.PreCheck, bad), hook(lifecycle.PreCheck, bad), hook(lifecycle.PostCheck, bad), hook(lifecycle.PreCheck, nil), hook(lifecycle.PreCheck, bad)},
			[]string{"HookEnded", "HookEnded", "over: pre-check hook failed web", "HookEnded"},
		},
		"what fails the update says itself": {[]watchtower.Event{hook(lifecycle.PreUpdate, bad)}, nil},
		"what is left between two containers": {
			[]watchtower.Event{recovered("unfinished", 0), recovered("unfinished", time.Second), recovered("rolled back", time.Minute), recovered("rolled back", time.Hour)},
			[]string{"ServiceRecovered", "ServiceRecovered", "ServiceRecovered"},
		},
		"a label": {
			[]watchtower.Event{start, invalid, pass(entry("fresh", "", "")), start, invalid, start, pass(watchtower.Entry{Container: mended}), start, invalid},
			[]string{"LabelInvalid", "LabelInvalid"},
		},
		"a mirror": {
			[]watchtower.Event{start, mirror, pass(), start, mirror, pass(), start, pass(), start, mirror}, []string{"MirrorNoticed", "MirrorNoticed"},
		},
		"passes that fail otherwise": {
			[]watchtower.Event{failed(errdefs.ErrUnavailable), failed(errdefs.ErrUnavailable), failed(errdefs.ErrPermissionDenied), pass(), failed(errdefs.ErrPermissionDenied)},
			[]string{"PassFailed", "PassFailed", "over: pass failed", "PassFailed"},
		},
		"what is its caller's affair": {[]watchtower.Event{failed(context.Canceled), failed(errdefs.ErrFailedPrecondition)}, nil},
		"a reference that nobody follows any more": {
			[]watchtower.Event{start, watchtower.CheckFailed{At: at, Reference: "app:1", Containers: []string{"gone"}}, pass(), start, pass(), start, watchtower.CheckFailed{At: at, Reference: "app:1"}},
			[]string{"CheckFailed", "CheckFailed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &retold{}
			o := r.once(t, "")
			for _, e := range tt.events {
				o.Observe(t.Context(), e)
			}
			assert.Equal(t, tt.want, r.said)
		})
	}
}
