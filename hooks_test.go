package watchtower_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

var hookLabels = map[watchtower.HookPoint]string{
	lifecycle.PreCheck: lifecycle.LabelPreCheck, lifecycle.PreUpdate: lifecycle.LabelPreUpdate,
	lifecycle.PostUpdate: lifecycle.LabelPostUpdate, lifecycle.PostCheck: lifecycle.LabelPostCheck,
}

// hookTable is what a test of many hooks shows its reader.
type hookTable struct {
	text strings.Builder
	tabs *tabwriter.Writer
}

func newHookTable(t *testing.T) *hookTable {
	t.Helper()
	h := &hookTable{}
	h.tabs = tabwriter.NewWriter(&h.text, 0, 0, 1, ' ', 0)
	h.line(t, "POINT", "OUTCOME", "CONTAINER", "IS", "HOOK", "OUTPUT")
	return h
}

func (h *hookTable) line(t *testing.T, cells ...string) {
	t.Helper()
	_, err := fmt.Fprintln(h.tabs, strings.Join(cells, "\t"))
	require.NoError(t, err)
}

func (h *hookTable) row(t *testing.T, point watchtower.HookPoint, outcome string, e watchtower.Entry, same bool) {
	t.Helper()
	fate := map[bool]string{true: "the same", false: "a new one"}[same]
	for _, r := range e.Hooks {
		hook := "ended well"
		switch {
		case r.NotRun != "":
			hook = "not run: " + r.NotRun
		case r.Verdict.Skip != "":
			hook = r.Verdict.Skip
		case r.Verdict.Err != nil:
			hook = r.Verdict.Err.Error()
		}
		h.line(t, string(point), outcome, string(e.Status), fate, hook, fmt.Sprintf("%q", r.Output))
	}
}

func (h *hookTable) show(t *testing.T) {
	t.Helper()
	require.NoError(t, h.tabs.Flush())
	t.Log("\n" + h.text.String())
}

// outcome is what becomes of a label's command.
type outcome struct {
	name   string
	exec   enginetest.Exec
	state  lifecycle.State // of the container; empty: running
	says   string          // in the verdict's error or skip; empty: nothing
	output string
	class  func(error) bool // of the verdict's error
	refuse bool             // at pre-update
}

func outcomes() []outcome {
	return []outcome{
		{name: "exit 0", exec: enginetest.Exec{Output: "all is well\n"}, output: "all is well"},
		{name: "exit 75", exec: enginetest.Exec{ExitCode: 75, Output: "a backup runs\n"}, output: "a backup runs", says: "exit code 75", refuse: true},
		{name: "exit 1", exec: enginetest.Exec{ExitCode: 1, Output: "no disk\n"}, output: "no disk", says: "exit code 1: no disk", class: errdefs.IsUnknown, refuse: true},
		{
			name: "timeout", exec: enginetest.Exec{Takes: time.Hour, Output: "waiting"}, output: "waiting", says: "timed out after 1m0s: waiting",
			class: errdefs.IsDeadlineExceeded, refuse: true,
		},
		{
			name: "missing shell", exec: enginetest.Exec{ExitCode: 126, Output: `exec: "sh": executable file not found in $PATH`},
			output: `exec: "sh": executable file not found in $PATH`, says: `exit code 126: exec: "sh"`, class: errdefs.IsUnknown, refuse: true,
		},
		{name: "stopped", state: lifecycle.StateExited},
		{name: "paused", state: lifecycle.StatePaused},
	}
}

func TestHooksDecideOverAContainersFate(t *testing.T) {
	t.Parallel()
	table := newHookTable(t)
	defer table.show(t)
	for _, point := range []watchtower.HookPoint{lifecycle.PreCheck, lifecycle.PreUpdate, lifecycle.PostUpdate, lifecycle.PostCheck} {
		for _, tt := range outcomes() {
			t.Run(string(point)+"/"+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { tt.befalls(t, point, table) })
			})
		}
	}
}

// befalls is a pass in which a hook at the point has this outcome.
func (o outcome) befalls(t *testing.T, point watchtower.HookPoint, table *hookTable) {
	t.Helper()
	e := enginetest.New()
	image := enginetest.Image{Execs: map[string]enginetest.Exec{"my hook": o.exec}}
	e.Publish("app:1", image)
	old := e.Run("web", "app:1", labelled(hookLabels[point], "my hook"))
	image.Env = []string{"VERSION=2"}
	e.Publish("app:1", image)
	switch o.state {
	case lifecycle.StateExited:
		require.NoError(t, e.Stop(t.Context(), "web", lifecycle.StopOptions{}))
	case lifecycle.StatePaused:
		require.NoError(t, e.Pause(t.Context(), "web"))
	default:
	}
	e.Calls()
	tw := memory(t, e, watchtower.WithLabelHooks(watchtower.HookUser{}),
		watchtower.WithStates(lifecycle.StateRunning, lifecycle.StateExited, lifecycle.StatePaused))
	got := entry(t, update(t, tw), "web")
	now := running(t, e, "web")
	table.row(t, point, o.name, got, now.ID == old.ID)
	require.Len(t, got.Hooks, 1)
	assert.Equal(t, point, got.Hooks[0].Point)
	o.told(t, got.Hooks[0])
	if !o.refuse || point != lifecycle.PreUpdate {
		assert.Equal(t, watchtower.StatusUpdated, got.Status)
		assert.NotEqual(t, old.ID, now.ID)
		return
	}
	untouched(t, e, old)
	if got.Hooks[0].ExitCode == 75 {
		assert.Equal(t, watchtower.StatusSkipped, got.Status)
		require.NoError(t, got.Err)
		assert.Equal(t, "update web: pre-update hook of web: exit code 75, try later: a backup runs", got.Reason)
	} else {
		assert.Equal(t, watchtower.StatusFailed, got.Status)
		require.ErrorContains(t, got.Err, "watchtower: update web: pre-update hook of web: "+o.says)
	}
	again := entry(t, update(t, tw), "web")
	assert.Equal(t, got.Status, again.Status, "the image is not to blame: the next pass asks again")
	assert.Len(t, again.Hooks, 1)
}

// told: the result says what happened.
func (o outcome) told(t *testing.T, r lifecycle.HookResult) {
	t.Helper()
	assert.Equal(t, o.output, r.Output)
	assert.Equal(t, o.state != "", r.NotRun != "")
	said := r.Verdict.Skip
	if r.Verdict.Err != nil {
		said = r.Verdict.Err.Error()
	}
	if o.says == "" {
		assert.Empty(t, said)
	}
	assert.Contains(t, said, o.says)
	if o.class != nil {
		assert.True(t, o.class(r.Verdict.Err), "%v", r.Verdict.Err)
	}
}

// untouched: the old container stands alone, as it was, and was never stopped.
func untouched(t *testing.T, e *enginetest.Engine, old lifecycle.Container) {
	t.Helper()
	for _, c := range e.Calls() {
		assert.NotContains(t, []string{"Stop", "Rename", "Start"}, c.Method, "%v", c)
	}
	all, err := e.Containers(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	all[0].Image = old.Image // the tag leads to the new image by now
	assert.Equal(t, old, all[0])
}

func TestCallbacksHaveTheSameSay(t *testing.T) {
	t.Parallel()
	boom := errdefs.ErrFailedPrecondition // a class that elsewhere means: judge again
	tests := []struct {
		name    string
		hooks   []watchtower.HookFunc
		status  watchtower.Status // at pre-update
		because string
		told    int // of those that do not go on
	}{
		{"all go on", []watchtower.HookFunc{verdict(watchtower.HookVerdict{}), verdict(watchtower.HookVerdict{})}, watchtower.StatusUpdated, "", 0},
		{
			"skip",
			[]watchtower.HookFunc{verdict(watchtower.HookVerdict{}), verdict(watchtower.HookVerdict{Skip: "a backup runs"})},
			watchtower.StatusSkipped, "update web: pre-update hook of web: a backup runs", 1,
		},
		{
			"refuse",
			[]watchtower.HookFunc{verdict(watchtower.HookVerdict{Err: boom, Skip: "not this"}), verdict(watchtower.HookVerdict{Skip: "nor this"})},
			watchtower.StatusFailed, "watchtower: update web: pre-update hook of web: failed precondition", 2,
		},
		{
			"panic",
			[]watchtower.HookFunc{func(context.Context, watchtower.HookCall) watchtower.HookVerdict { panic("oh no") }},
			watchtower.StatusFailed, "watchtower: update web: pre-update hook of web: the hook panicked: oh no", 1,
		},
	}
	for point := range hookLabels {
		for _, tt := range tests {
			t.Run(string(point)+"/"+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					e, old := staleWeb(t, nil)
					got := entry(t, update(t, memory(t, e, watchtower.WithHook(point, tt.hooks...))), "web")
					if point == lifecycle.PreUpdate {
						assert.Len(t, got.Hooks, min(tt.told, 1), "the first that does not let it pass ends the asking")
					} else {
						assert.Len(t, got.Hooks, tt.told)
					}
					if point != lifecycle.PreUpdate || tt.because == "" {
						assert.Equal(t, watchtower.StatusUpdated, got.Status)
						return
					}
					assert.Equal(t, tt.status, got.Status)
					if got.Err != nil {
						require.EqualError(t, got.Err, tt.because)
					} else {
						assert.Equal(t, tt.because, got.Reason)
					}
					untouched(t, e, old)
				})
			})
		}
	}
}

func verdict(v watchtower.HookVerdict) watchtower.HookFunc {
	return func(context.Context, watchtower.HookCall) watchtower.HookVerdict { return v }
}

// staleWeb is an engine with one container that has these labels, and a new image
// for it.
func staleWeb(t *testing.T, labels map[string]any) (*enginetest.Engine, lifecycle.Container) {
	t.Helper()
	e := enginetest.New()
	e.Publish("app:1", enginetest.Image{})
	old := e.Run("web", "app:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": labels}})
	e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
	e.Calls()
	return e, old
}

// Each point has its place, and its container.
func TestHooksComeInTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		labels := map[string]any{}
		for point, label := range hookLabels {
			labels[label] = string(point)
		}
		e, old := staleWeb(t, labels)
		r := &recorder{Engine: e}
		var opts []watchtower.Option
		var calls []watchtower.HookCall
		for point := range hookLabels {
			opts = append(opts, watchtower.WithHook(point, func(_ context.Context, c watchtower.HookCall) watchtower.HookVerdict {
				calls = append(calls, c)
				r.note("Go " + string(c.Point) + " " + c.Container.ID)
				return watchtower.HookVerdict{}
			}))
		}
		opts = append(opts, watchtower.WithEngine(r), watchtower.WithLabelHooks(watchtower.HookUser{}))
		got := entry(t, update(t, memory(t, e, opts...)), "web")
		require.Equal(t, watchtower.StatusUpdated, got.Status)
		steps := strings.NewReplacer(old.ID, "old", got.NewContainerID, "new").Replace(strings.Join(r.notes, "\n"))
		assert.Equal(t, strings.Join([]string{
			"Go pre-check old", "sh pre-check old", "Pull",
			"Create", "Go pre-update old", "sh pre-update old", "Rename", "Rename", "Stop", "Start", "Remove",
			"Go post-update new", "sh post-update new", "Go post-check new", "sh post-check new",
		}, "\n"), steps)
		assert.Equal(t, "app:1", calls[1].Reference)
		assert.Equal(t, got.NewImageID, calls[1].ImageID)
		assert.Equal(t, got.NewImageID, calls[2].Container.ImageID)

		for _, o := range r.ran {
			assert.NotContains(t, o.Env[0], "watchtower.swap.", "the journal is nobody's business")
		}
		_, err := memory(t, e, opts...).Check(t.Context())
		require.NoError(t, err)
		assert.Len(t, calls, 4, "a check runs none")
	})
}

// recorder notes the commands and the calls that change something, in their order.
type recorder struct {
	*enginetest.Engine

	mu    sync.Mutex
	notes []string
	ran   []lifecycle.ExecOptions
}

func (r *recorder) note(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.Calls() {
		if c.Changes {
			r.notes = append(r.notes, c.Method)
		}
	}
	r.notes = append(r.notes, what)
}

func (r *recorder) Exec(ctx context.Context, container string, opts lifecycle.ExecOptions) (lifecycle.ExecResult, error) {
	r.note("sh " + opts.Command[len(opts.Command)-1] + " " + container)
	r.ran = append(r.ran, opts)
	return r.Engine.Exec(ctx, container, opts)
}

// A group moves as one, or not at all.
func TestOneMembersHookHoldsTheWholeGroup(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]watchtower.Status{0: watchtower.StatusUpdated, 75: watchtower.StatusSkipped, 1: watchtower.StatusFailed} {
		synctest.Test(t, func(t *testing.T) {
			e := enginetest.New()
			image := func(v string) enginetest.Image {
				return enginetest.Image{Env: []string{"VERSION=" + v}, Execs: map[string]enginetest.Exec{"db": {ExitCode: code}}}
			}
			e.Publish("app:1", image("1"))
			run := func(name, mode string) lifecycle.Container {
				spec := labelled(lifecycle.LabelPreUpdate, name, lifecycle.LabelPostUpdate, "after "+name)
				spec.HostConfig = lifecycle.Document{"NetworkMode": mode}
				return e.Run(name, "app:1", spec)
			}
			db := run("db", "bridge")
			web := run("web", "container:"+db.ID)
			e.Publish("app:1", image("2"))
			r := &recorder{Engine: e}
			var called []string
			report := update(t, memory(t, e, watchtower.WithEngine(r), watchtower.WithLabelHooks(watchtower.HookUser{}),
				watchtower.WithHook(lifecycle.PreUpdate, func(_ context.Context, call watchtower.HookCall) watchtower.HookVerdict {
					assert.Empty(t, r.ran, "no command comes before")
					called = append(called, call.Container.Name)
					return watchtower.HookVerdict{}
				})))
			assert.Equal(t, []string{"web", "db"}, called)
			assert.Equal(t, want, entry(t, report, "db").Status)
			assert.Equal(t, want, entry(t, report, "web").Status)
			var ran []string
			for _, o := range r.ran {
				ran = append(ran, o.Command[len(o.Command)-1])
			}
			if code == 0 {
				assert.Equal(t, []string{"web", "db", "after db", "after web"}, ran, "as they are stopped, and as they are started")
				return
			}
			assert.Equal(t, []string{"web", "db"}, ran)
			for _, old := range []lifecycle.Container{db, web} {
				now := running(t, e, old.Name)
				assert.Equal(t, old.ID, now.ID)
				assert.Equal(t, lifecycle.StateRunning, now.State)
			}
		})
	}
}
