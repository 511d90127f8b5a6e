package watchtower_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// A plan is no way around what a check goes by.
func TestAPlanMovesOnlyWhatACheckWouldLookAt(t *testing.T) {
	t.Parallel()
	others, err := filter.Names("other")
	require.NoError(t, err)
	tests := []struct {
		name   string
		opts   []watchtower.Option
		meddle func(t *testing.T, v town, tw *watchtower.Tower)
		want   string
	}{
		{"its filter refuses it", []watchtower.Option{watchtower.WithFilter(others)}, nil, "web is left alone now: its name is none of other"},
		{
			"its state is not watched",
			[]watchtower.Option{watchtower.WithStates(lifecycle.StateExited)},
			nil,
			"web is left alone now: it is running",
		},
		{"it was paused", nil, func(t *testing.T, v town, _ *watchtower.Tower) {
			t.Helper()
			require.NoError(t, v.Pause(t.Context(), "web"))
		}, "web is left alone now: it is paused"},
		{"its digest failed on it", nil, func(t *testing.T, _ town, tw *watchtower.Tower) {
			t.Helper()
			r, err := tw.Update(t.Context())
			require.NoError(t, err)
			require.Equal(t, watchtower.StatusRolledBack, entry(t, r, "web").Status)
		}, "web is left alone now: this digest failed on 2000-01-01T00:00:0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newTown(t)
				v.run("web", "old", nil)
				v.Publish("old:1", enginetest.Image{StartError: "no such file"})
				r, err := memory(t, v.Engine).Check(t.Context())
				require.NoError(t, err)
				require.Len(t, r.Plan.Groups, 1)
				tw := memory(t, v.Engine, tt.opts...)
				if tt.meddle != nil {
					tt.meddle(t, v, tw)
				}
				v.Calls()
				_, err = tw.Apply(t.Context(), r.Plan)
				require.ErrorContains(t, err, "the world has moved since the plan was made: "+tt.want)
				assert.True(t, errdefs.IsFailedPrecondition(err))
				for _, c := range v.Calls() {
					assert.False(t, c.Changes, "%v", c)
				}
			})
		})
	}
}

func TestAPlanOfNoDigestIsNoPlan(t *testing.T) {
	t.Parallel()
	v := newTown(t)
	v.run("web", "old", nil)
	v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
	tw := memory(t, v.Engine)
	r, err := tw.Check(t.Context())
	require.NoError(t, err)
	r.Plan.Groups[0].Members[0].To.Digest = ""
	_, err = tw.Apply(t.Context(), r.Plan)
	require.ErrorContains(t, err, `plan for web: "" is no digest`)
	assert.True(t, errdefs.IsInvalidArgument(err))
}

func TestARefusalNamesWhatInAPolicyIsAnother(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		made, applied []watchtower.Option
		want          string
	}{
		"one":        {nil, []watchtower.Option{watchtower.WithCleanup(true)}, "Cleanup is true, not false"},
		"a time":     {[]watchtower.Option{watchtower.WithStopTimeout(7 * time.Second)}, nil, "StopTimeout is unset, not 7s"},
		"two times":  {[]watchtower.Option{watchtower.WithStopTimeout(0)}, []watchtower.Option{watchtower.WithStopTimeout(time.Minute)}, "StopTimeout is 1m0s, not 0s"},
		"two fields": {[]watchtower.Option{watchtower.WithRolling(true)}, []watchtower.Option{watchtower.WithNoRestart(true)}, "Rolling is false, not true, NoRestart is true, not false"},
	} {
		v := newTown(t)
		v.run("web", "old", nil)
		v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
		r, err := memory(t, v.Engine, tt.made...).Check(t.Context())
		require.NoError(t, err)
		v.Calls()
		_, err = memory(t, v.Engine, tt.applied...).Apply(t.Context(), r.Plan)
		require.EqualError(t, err, "watchtower: update: the world has moved since the plan was made: the policy is another: "+tt.want, name)
		assert.True(t, errdefs.IsFailedPrecondition(err), name)
		assert.Empty(t, v.Calls(), name)
	}
}

func TestARefusalNamesWhatStaysAndWhy(t *testing.T) {
	t.Parallel()
	v := newTown(t)
	v.run("db", "old2", nil)
	v.run("vpn", "old", nil)
	v.run("app", "new", v.in("vpn"))
	for _, image := range []string{"old:1", "old2:1"} {
		v.Publish(image, enginetest.Image{Env: []string{"VERSION=2"}})
	}
	planned, err := memory(t, v.Engine).Check(t.Context())
	require.NoError(t, err)
	require.Len(t, planned.Plan.Groups, 2)
	dying := damaged{v.Engine, func(list []lifecycle.Container) []lifecycle.Container {
		for i := range list {
			if list[i].Name == "app" {
				list[i].State = lifecycle.StateRemoving
			}
		}
		return list
	}}
	const stays = "vpn: skipped: stale, but app moves with it: it is removing\n"
	_, err = memory(t, v.Engine, watchtower.WithEngine(dying)).Apply(t.Context(), planned.Plan)
	require.EqualError(t, err, "watchtower: update: the world has moved since the plan was made: "+stays)

	held := watchtower.WithGate(say(gate.Decision{Verdict: gate.Hold, Reason: "not today"}, nil))
	_, err = memory(t, v.Engine, held).ApplyID(t.Context(), planned.Plan.ID())
	require.ErrorContains(t, err, ":\ndb: held: not today\nvpn: held: not today\n")
	_, err = memory(t, v.Engine, watchtower.WithEngine(dying)).ApplyID(t.Context(), planned.Plan.ID())
	require.ErrorContains(t, err, "\nreplace db: its reference points at another image\n"+stays)
}
