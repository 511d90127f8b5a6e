package watchtower_test

import (
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
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
			"its state is not watched", []watchtower.Option{watchtower.WithStates(lifecycle.StateExited)}, nil,
			"web is left alone now: it is running",
		},
		{"it was paused", nil, func(t *testing.T, v town, _ *watchtower.Tower) {
			t.Helper()
			require.NoError(t, v.Pause(t.Context(), "web"))
		}, "web is left alone now: it is paused"},
		{"its digest failed on it", nil, func(t *testing.T, v town, tw *watchtower.Tower) {
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
