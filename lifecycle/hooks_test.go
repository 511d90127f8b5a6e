package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func TestHooksOf(t *testing.T) {
	t.Parallel()
	none, root := lifecycle.HookUser{}, 0
	both := map[string]string{lifecycle.LabelPreUpdate: "drain", lifecycle.LabelPostCheck: " ", lifecycle.LabelPreCheck: ""}
	with := func(label, value string) map[string]string {
		out := maps.Clone(both)
		out[label] = value
		return out
	}
	commands := map[lifecycle.HookPoint]string{lifecycle.PreUpdate: "drain", lifecycle.PostCheck: " "}
	tests := []struct {
		name   string
		labels map[string]string
		want   lifecycle.Hooks
		bad    string
	}{
		{"none", nil, lifecycle.Hooks{map[lifecycle.HookPoint]string{}, time.Minute, time.Minute, none}, ""},
		{"commands", both, lifecycle.Hooks{commands, time.Minute, time.Minute, none}, ""},
		{"minutes", with(lifecycle.LabelPreUpdateTimeout, "5"), lifecycle.Hooks{commands, 5 * time.Minute, time.Minute, none}, ""},
		{"no limit", with(lifecycle.LabelPostUpdateTimeout, "0"), lifecycle.Hooks{commands, time.Minute, 0, none}, ""},
		{"a century", with(lifecycle.LabelPostUpdateTimeout, "52560000"), lifecycle.Hooks{commands, time.Minute, 876000 * time.Hour, none}, ""},
		{"root", with(lifecycle.LabelHookUID, "0"), lifecycle.Hooks{commands, time.Minute, time.Minute, lifecycle.HookUser{UID: &root}}, ""},
		{"root's group", with(lifecycle.LabelHookGID, "0"), lifecycle.Hooks{commands, time.Minute, time.Minute, lifecycle.HookUser{GID: &root}}, ""},
		{
			"a duration", with(lifecycle.LabelPreUpdateTimeout, "5m"),
			lifecycle.Hooks{commands, time.Minute, time.Minute, none},
			`lifecycle: label com.centurylinklabs.watchtower.lifecycle.pre-update-timeout: "5m": want a whole number of minutes, 0 for no limit`,
		},
		{"less than nothing", with(lifecycle.LabelPreUpdateTimeout, "-1"), lifecycle.Hooks{commands, time.Minute, time.Minute, none}, `"-1": want a whole number`},
		{"for ever and a day", with(lifecycle.LabelPreUpdateTimeout, "52560001"), lifecycle.Hooks{commands, time.Minute, time.Minute, none}, `"52560001": want`},
		{"empty", with(lifecycle.LabelPostUpdateTimeout, ""), lifecycle.Hooks{commands, time.Minute, time.Minute, none}, `.post-update-timeout: "": want`},
		{"a name", with(lifecycle.LabelHookUID, "www"), lifecycle.Hooks{commands, time.Minute, time.Minute, none}, `.uid: "www": want a number from 0 to 2147483647`},
		{"too many", with(lifecycle.LabelHookGID, "2147483648"), lifecycle.Hooks{commands, time.Minute, time.Minute, none}, `.gid: "2147483648": want`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, problems := lifecycle.HooksOf(tt.labels)
			assert.Equal(t, tt.want, got)
			if tt.bad == "" {
				assert.Empty(t, problems)
				return
			}
			require.Len(t, problems, 1)
			require.ErrorContains(t, problems[0], tt.bad)
			require.ErrorIs(t, problems[0], errdefs.ErrInvalidArgument)
		})
	}
}

func FuzzHooksOf(f *testing.F) {
	for _, text := range []string{"", "0", "1", "-1", "5m", "99999999999999999999", "\x00"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, minutes, id string) {
		hooks, problems := lifecycle.HooksOf(map[string]string{lifecycle.LabelPreUpdateTimeout: minutes, lifecycle.LabelHookUID: id})
		assert.GreaterOrEqual(t, hooks.PreUpdateTimeout, time.Duration(0))
		assert.True(t, hooks.User.UID == nil || *hooks.User.UID >= 0)
		assert.LessOrEqual(t, len(problems), 2)
	})
}

// ran is what a hook did on a container of which the image says what happens.
func ran(t *testing.T, point lifecycle.HookPoint, exec enginetest.Exec) (lifecycle.HookResult, []lifecycle.ExecOptions) {
	t.Helper()
	labels := map[string]any{lifecycle.LabelPreUpdate: "my hook", lifecycle.LabelPostUpdate: "my hook"}
	e := enginetest.New()
	e.Publish("app:1", enginetest.Image{Execs: map[string]enginetest.Exec{"my hook": exec}})
	e.Run("web", "app:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": labels}})
	snap, err := e.Inspect(t.Context(), "web")
	require.NoError(t, err)
	r := &recorder{Engine: e}
	hooks, problems := lifecycle.HooksOf(snap.Labels)
	require.Empty(t, problems)
	return hooks.Run(t.Context(), r, snap, point, lifecycle.HookUser{}), r.ran
}

func TestAHooksOutputIsBounded(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintln(&many, "line", i)
	}
	tests := []struct{ name, output, first, last string }{
		{"lines", many.String(), "line 936\n", "line 999"},
		{"bytes", strings.Repeat("x", 20<<10) + "end", "x", "end"},
		{"characters", strings.Repeat("ö", 20<<10) + "\xff\xfe", "ö", "ö"},
	}
	for _, tt := range tests {
		result, _ := ran(t, lifecycle.PostUpdate, enginetest.Exec{ExitCode: 1, Output: tt.output})
		assert.True(t, strings.HasPrefix(result.Output, tt.first), tt.name)
		assert.True(t, strings.HasSuffix(result.Output, tt.last), tt.name)
		assert.LessOrEqual(t, len(result.Output), 8<<10)
		assert.LessOrEqual(t, strings.Count(result.Output, "\n"), 63)
		assert.Less(t, len(result.Verdict.Err.Error()), 1100, "the error has less of it")
		assert.True(t, strings.HasSuffix(result.Verdict.Err.Error(), tt.last), tt.name)
	}
}

// One that does not end is ended by a second command, as the same user.
func TestAHookThatTakesTooLongIsEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		result, commands := ran(t, lifecycle.PreUpdate, enginetest.Exec{Takes: time.Hour})
		require.EqualError(t, result.Verdict.Err, "timed out after 1m0s")
		assert.Equal(t, time.Minute, result.Duration)
		require.Len(t, commands, 2)
		mark := commands[0].Env[1]
		assert.True(t, strings.HasPrefix(mark, "WT_HOOK="), mark)
		assert.Equal(t, []string{"sh", mark, "TERM"}, commands[1].Command[3:])
		assert.Equal(t, commands[0].User, commands[1].User)
		assert.Empty(t, commands[1].Env, "or it would end itself")
	})
}

// Nobody is told that it was ended if it was not.
func TestAHookThatCannotBeEndedMayRunOn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		exec enginetest.Exec // of the command that ends it
		want string
	}{
		{"it survives everything", enginetest.Exec{ExitCode: 3}, "timed out after 1m0s and may run on (it survives: "},
		{"the shell is no shell", enginetest.Exec{ExitCode: 2, Output: "syntax error\n"}, "timed out after 1m0s and may run on (exit code 2: syntax error)"},
		{"the engine hangs", enginetest.Exec{Takes: time.Hour}, "timed out after 1m0s and may run on (context deadline exceeded)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := enginetest.New()
				e.Publish("app:1", enginetest.Image{Exec: tt.exec, Execs: map[string]enginetest.Exec{"my hook": {Takes: time.Hour}}})
				e.Run("web", "app:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{lifecycle.LabelPreCheck: "my hook"}}})
				snap, err := e.Inspect(t.Context(), "web")
				require.NoError(t, err)
				hooks, _ := lifecycle.HooksOf(snap.Labels)
				result := hooks.Run(t.Context(), e, snap, lifecycle.PreCheck, lifecycle.HookUser{})
				require.ErrorContains(t, result.Verdict.Err, tt.want)
				require.ErrorIs(t, result.Verdict.Err, context.DeadlineExceeded)
				assert.LessOrEqual(t, result.Duration, 70*time.Second)
			})
		})
	}
}

// asked is a target whose BeforeSwap is the given one.
func (s scene) asked(before func(context.Context) error, within time.Duration) lifecycle.Target {
	return lifecycle.Target{
		Members:    []lifecycle.Member{{Container: s.web, Reference: "app:1", ImageID: s.new}},
		BeforeSwap: before, BeforeSwapWithin: within,
	}
}

// The last word is asked for when nothing else stands against the swap, and before
// anything of the old container is touched; a no costs the successor alone.
func TestTheLastWord(t *testing.T) {
	t.Parallel()
	no := errors.New("not now")
	for name, spec := range map[string]lifecycle.Spec{
		"stop-first": {}, "start-first": besideSpec(), "removes itself": {HostConfig: lifecycle.Document{"AutoRemove": true}},
	} {
		for _, answer := range []error{nil, no} {
			t.Run(fmt.Sprint(name, "/", answer), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newScene(t, spec, lifecycle.StateRunning, enginetest.Image{})
					var before []string
					result, err := lifecycle.Recreate(s.Engine).Update(t.Context(), s.asked(func(context.Context) error {
						for _, change := range s.changes() {
							before = append(before, strings.Fields(change)[0])
						}
						return answer
					}, 0))
					assert.Subset(t, []string{"Create"}, before)
					assert.NotEmpty(t, before)
					if answer == nil {
						require.NoError(t, err)
						assert.Equal(t, s.new, s.only(t).ImageID)
						return
					}
					require.ErrorIs(t, err, no)
					assert.Equal(t, lifecycle.OutcomeUntouched, result.Members[0].Outcome)
					assert.False(t, result.Members[0].ImageFailed)
					for _, change := range s.changes() {
						assert.True(t, strings.HasPrefix(change, "Remove "), change)
					}
					assert.Equal(t, s.web.ID, s.only(t).ID)
				})
			})
		}
	}
}

// Minutes may pass while somebody is asked.
func TestWhatChangesWhileHooksRunIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
		result, err := lifecycle.Recreate(s.Engine).Update(t.Context(), s.asked(func(ctx context.Context) error {
			return s.Stop(ctx, "web", lifecycle.StopOptions{})
		}, 0))
		require.ErrorContains(t, err, "somebody changed it meanwhile")
		require.ErrorIs(t, err, errdefs.ErrFailedPrecondition)
		assert.Equal(t, lifecycle.OutcomeUntouched, result.Members[0].Outcome)
		assert.Equal(t, lifecycle.StateExited, s.only(t).State)
	})
}

// While a hook runs the watcher is silent, and nothing is parked. Another one leaves
// it alone for as long as that may take, and not for ever.
func TestASwapWhoseHooksRunIsNotTakenForACrashedOne(t *testing.T) {
	t.Parallel()
	for takes, taken := range map[time.Duration]bool{2 * time.Minute: false, 4 * time.Minute: true} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
			done := make(chan error)
			go func() {
				_, err := lifecycle.Recreate(s.Engine).Update(t.Context(), s.asked(func(ctx context.Context) error {
					select {
					case <-ctx.Done():
					case <-time.After(takes):
					}
					return nil
				}, 2*time.Minute))
				done <- err
			}()
			synctest.Wait()
			recovered, err := lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
			require.NoError(t, err)
			if !taken {
				require.NoError(t, <-done)
				assert.Equal(t, s.new, s.only(t).ImageID)
				return
			}
			require.Len(t, recovered, 1)
			require.Error(t, <-done, "and it finds its lock gone")
			assert.Equal(t, s.web.ID, s.only(t).ID)
			assert.Equal(t, lifecycle.StateRunning, s.only(t).State)
		})
	}
}

// A watcher that dies while hooks run leaves a successor to remove, and the next
// one asks again.
func TestACrashWhileHooksRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
		updater := lifecycle.Recreate(s.Engine)
		asked := 0
		before := func(context.Context) error {
			if asked++; asked == 1 {
				s.SetFault(func(int, enginetest.Call) enginetest.Fault { return enginetest.Before })
			}
			return nil
		}
		_, err := updater.Update(t.Context(), s.asked(before, time.Minute))
		require.Error(t, err)
		s.SetFault(nil)
		recovered, err := updater.(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
		require.NoError(t, err)
		assert.Equal(t, []lifecycle.Recovery{{Name: "web", Outcome: lifecycle.OutcomeRolledBack, ID: s.web.ID}}, recovered)
		assert.Equal(t, s.web.ID, s.only(t).ID)
		_, err = updater.Update(t.Context(), s.asked(before, time.Minute))
		require.NoError(t, err)
		assert.Equal(t, 2, asked)
	})
}
