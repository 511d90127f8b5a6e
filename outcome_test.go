package watchtower_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func TestAnUpdateIsReportedAsWhatTheUpdaterSaysOfEachMember(t *testing.T) {
	t.Parallel()
	const updated, failed, fresh = watchtower.StatusUpdated, watchtower.StatusFailed, watchtower.StatusFresh
	members := func(vpn, app lifecycle.Outcome) []lifecycle.MemberResult {
		return []lifecycle.MemberResult{{Outcome: vpn, NewID: "1"}, {Outcome: app, NewID: "2"}}
	}
	tests := []struct {
		name     string
		members  []lifecycle.MemberResult
		err      error
		vpn, app watchtower.Status
		said     string
	}{
		{"nothing", nil, nil, updated, watchtower.StatusRestarted, ""},
		{"no outcome", members("", ""), nil, updated, watchtower.StatusRestarted, ""},
		{"updated", members("updated", "updated"), nil, updated, watchtower.StatusRestarted, ""},
		{
			"rolled back", members("rolled back", "rolled back"), nil, watchtower.StatusRolledBack, fresh,
			"watchtower: the updater says that vpn is rolled back, and gives no error",
		},
		{
			"untouched", members("untouched", "untouched"), nil, failed, fresh,
			"watchtower: the updater says that vpn is untouched, and gives no error",
		},
		{
			"unfinished", members("unfinished", "unfinished"), nil, failed, failed,
			"watchtower: the updater says that vpn is unfinished, and gives no error",
		},
		{"nonsense", members("perhaps", "updated"), nil, failed, watchtower.StatusRestarted, "watchtower: the updater says that vpn is perhaps, and gives no error"},
		{"an error, and unfinished", members("unfinished", "unfinished"), errors.New("gone"), failed, failed, "watchtower: gone"},
		{"an error, and the world moved", members("untouched", "untouched"), errdefs.ErrFailedPrecondition, watchtower.StatusSkipped, fresh, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newTown(t)
				v.run("vpn", "old", nil)
				v.run("app", "new", v.in("vpn"))
				v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
				r, err := memory(t, v.Engine, watchtower.WithUpdater(lifecycle.UpdaterFunc(
					func(context.Context, lifecycle.Target) (lifecycle.Result, error) {
						return lifecycle.Result{Members: tt.members}, tt.err
					}))).Update(t.Context())
				require.NoError(t, err)
				vpn, app := entry(t, r, "vpn"), entry(t, r, "app")
				assert.Equal(t, tt.vpn, vpn.Status)
				assert.Equal(t, tt.app, app.Status)
				if tt.said == "" {
					require.NoError(t, vpn.Err)
				} else {
					require.EqualError(t, vpn.Err, tt.said)
				}
				if vpn.Status != updated {
					assert.Empty(t, vpn.NewContainerID)
				}
			})
		})
	}
}
