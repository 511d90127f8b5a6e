package watchtower_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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
)

func TestHooksNeedToBeAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, _ := staleWeb(t, map[string]any{lifecycle.LabelPreUpdate: "exit 1", lifecycle.LabelPreCheck: "exit 1"})
		r := &recorder{Engine: e}
		got := entry(t, update(t, memory(t, e, watchtower.WithEngine(r))), "web")
		assert.Equal(t, watchtower.StatusUpdated, got.Status)
		assert.Empty(t, r.ran)
		assert.Empty(t, got.Hooks)
	})
}

// An engine that runs no commands never passes a hook over in silence.
func TestHooksOnAnEngineThatRunsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, old := staleWeb(t, map[string]any{lifecycle.LabelPreUpdate: "true", lifecycle.LabelPreCheck: "true"})
		log := &lines{}
		tw := memory(t, e, watchtower.WithEngine(struct{ lifecycle.Engine }{e}), watchtower.WithLabelHooks(watchtower.HookUser{}), log.option())
		for range 2 {
			got := entry(t, update(t, tw), "web")
			assert.Equal(t, watchtower.StatusFailed, got.Status)
			require.ErrorIs(t, got.Err, errdefs.ErrNotImplemented)
			require.ErrorContains(t, got.Err, "pre-update hook of web: this engine cannot run commands in containers")
			assert.Len(t, got.Hooks, 2)
		}
		untouched(t, e, old)
		assert.Equal(t, 1, log.count("the hooks of labels cannot be run"))
	})
}

func TestInvalidHookLabelsAreToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, _ := staleWeb(t, map[string]any{lifecycle.LabelHookUID: "root", lifecycle.LabelPreUpdateTimeout: "5m", lifecycle.LabelPreUpdate: "fine"})
		log := &lines{}
		r := &recorder{Engine: e}
		uid := 5
		tw := memory(t, e, watchtower.WithEngine(r), watchtower.WithLabelHooks(watchtower.HookUser{UID: &uid}), log.option())
		for range 2 {
			update(t, tw)
		}
		require.Len(t, r.ran, 1)
		assert.Equal(t, "5", r.ran[0].User, "the default")
		assert.Equal(t, 2, log.count("level=WARN"))
		assert.Equal(t, 1, log.count(`label=com.centurylinklabs.watchtower.lifecycle.uid value=root`))
	})
}

// An Updater of one's own may not know of hooks; then it has to be known that they
// were not asked.
func TestAnUpdaterThatAsksNoHooksIsToldOf(t *testing.T) {
	t.Parallel()
	e, _ := staleWeb(t, map[string]any{lifecycle.LabelPreUpdate: "exit 1"})
	own := lifecycle.UpdaterFunc(func(context.Context, lifecycle.Target) (lifecycle.Result, error) { return lifecycle.Result{}, nil })
	got := entry(t, update(t, memory(t, e, watchtower.WithUpdater(own), watchtower.WithLabelHooks(watchtower.HookUser{}))), "web")
	assert.Equal(t, []string{"its pre-update hooks were not asked: the Updater does not call Target.BeforeSwap"}, got.Warnings)
}

// How long the commands may take is told to the Updater, if anybody knows.
func TestAnUpdaterIsToldHowLongTheHooksMayTake(t *testing.T) {
	t.Parallel()
	goOn := watchtower.WithHook(lifecycle.PreUpdate, verdict(watchtower.HookVerdict{}))
	for name, tt := range map[string]struct {
		vpn, app string // the labels' minutes; empty: no command
		opts     []watchtower.Option
		want     time.Duration
	}{
		"one":                         {"5", "", nil, 5 * time.Minute},
		"one after the other":         {"5", "2", nil, 7 * time.Minute},
		"one has as long as it takes": {"0", "2", nil, 0},
		"so has the other":            {"5", "0", nil, 0},
		"so has a hook in Go":         {"5", "2", []watchtower.Option{goOn}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newTown(t)
			labels := func(minutes string) []string {
				if minutes == "" {
					return nil
				}
				return []string{lifecycle.LabelPreUpdate, "true", lifecycle.LabelPreUpdateTimeout, minutes}
			}
			v.run("vpn", "old", nil, labels(tt.vpn)...)
			v.run("app", "new", v.in("vpn"), labels(tt.app)...)
			v.Publish("old:1", version(2))
			var got []time.Duration
			own := lifecycle.UpdaterFunc(func(_ context.Context, to lifecycle.Target) (lifecycle.Result, error) {
				got = append(got, to.BeforeSwapWithin)
				return lifecycle.Result{}, nil
			})
			update(t, memory(t, v.Engine, append(tt.opts, watchtower.WithUpdater(own), watchtower.WithLabelHooks(watchtower.HookUser{}))...))
			assert.Equal(t, []time.Duration{tt.want}, got)
		})
	}
}

// A pass that is cut short ends what it has begun, and leaves its container alone.
func TestHooksEndWithThePass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		hooks := map[string]enginetest.Exec{"for ever": {Takes: 1000 * time.Hour}}
		e.Publish("app:1", enginetest.Image{Execs: hooks})
		old := e.Run("web", "app:1", labelled(
			lifecycle.LabelPreUpdate, "for ever", lifecycle.LabelPreUpdateTimeout, "0", lifecycle.LabelPostCheck, "never"))
		e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
		e.Calls()
		ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Hour, errors.New("somebody wants to go home"))
		defer cancel()
		report, err := memory(t, e, watchtower.WithLabelHooks(watchtower.HookUser{})).Update(ctx)
		require.NoError(t, err)
		got := entry(t, report, "web")
		assert.Equal(t, watchtower.StatusFailed, got.Status)
		require.ErrorContains(t, got.Err, "pre-update hook of web: cut short: somebody wants to go home")
		assert.Len(t, got.Hooks, 1, "what comes later is not run any more")
		untouched(t, e, old)
	})
}

// What a container has to undo after its update is not left to the next process.
func TestPostUpdateHooksOutliveThePass(t *testing.T) {
	t.Parallel()
	for takes, want := range map[time.Duration]string{5 * time.Second: "", 30 * time.Second: "cut short"} {
		synctest.Test(t, func(t *testing.T) {
			e, _ := staleWeb(t, map[string]any{lifecycle.LabelPostUpdate: "undo"})
			e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}, Execs: map[string]enginetest.Exec{"undo": {Takes: takes}}})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			tw := memory(t, e, watchtower.WithLabelHooks(watchtower.HookUser{}),
				watchtower.WithHook(lifecycle.PostUpdate, func(context.Context, watchtower.HookCall) watchtower.HookVerdict {
					cancel()
					return watchtower.HookVerdict{}
				}))
			report, err := tw.Update(ctx)
			require.NoError(t, err)
			got := entry(t, report, "web")
			assert.Equal(t, watchtower.StatusUpdated, got.Status)
			require.Len(t, got.Hooks, 1)
			if want == "" {
				require.NoError(t, got.Hooks[0].Verdict.Err)
			} else {
				require.ErrorContains(t, got.Hooks[0].Verdict.Err, want)
			}
		})
	}
}

func TestHooksAreToldAsEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, _ := staleWeb(t, map[string]any{lifecycle.LabelPostUpdate: "undo"})
		e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}, Execs: map[string]enginetest.Exec{"undo": {Output: "canary"}}})
		log := &lines{}
		var told []string
		report := update(t, memory(t, e, watchtower.WithLabelHooks(watchtower.HookUser{}), log.option(),
			watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
				switch e := e.(type) {
				case watchtower.HookStarted:
					told = append(told, fmt.Sprint(e.Container.Name, " ", e.Point, " ", e.Command))
				case watchtower.HookEnded:
					told = append(told, fmt.Sprint(e.Container.Name, " ", e.Result.Point, " ", e.Result.Output))
				}
			}))))
		assert.Equal(t, []string{"web post-update undo", "web post-update canary"}, told)
		text, err := json.Marshal(entry(t, report, "web"))
		require.NoError(t, err)
		assert.Contains(t, string(text), `"hooks":[{"point":"post-update","output":"canary","duration_ms":0}]`)
		assert.Equal(t, 1, log.count(`level=DEBUG msg="post-update hook" container=web image=app:1 command=undo`))
		assert.Equal(t, 1, log.count(`level=DEBUG msg="post-update hook ended" container=web image=app:1 took=0s output=canary`))
	})
}

func TestHookOptionsSayWhatTheyAccept(t *testing.T) {
	t.Parallel()
	bad := -1
	for want, opt := range map[string]watchtower.Option{
		`WithHook: "pre-lunch": want pre-check, post-check, pre-update or post-update`: watchtower.WithHook("pre-lunch"),
		"WithHook: nil: want a HookFunc":                                               watchtower.WithHook(lifecycle.PreCheck, nil),
		"WithLabelHooks: -1: want a UID":                                               watchtower.WithLabelHooks(watchtower.HookUser{GID: &bad}),
	} {
		_, err := watchtower.New(watchtower.WithEngine(enginetest.New()), opt)
		require.ErrorContains(t, err, want)
		require.ErrorIs(t, err, errdefs.ErrInvalidArgument)
	}
}

// lines is a log.
type lines struct{ bytes.Buffer }

func (l *lines) option() watchtower.Option {
	return watchtower.WithLogger(slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

func (l *lines) count(part string) int { return strings.Count(l.String(), part) }
