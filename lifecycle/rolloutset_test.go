package lifecycle_test

import (
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// A service without update settings is given some where that is asked for, and has none
// left of them once it is rolled back. One that has any keeps what it has.
func TestAServiceWithoutUpdateSettingsIsGivenSomeIfAsked(t *testing.T) {
	t.Parallel()
	given := map[string]any{"FailureAction": "rollback", "Monitor": int64(30e9), "Parallelism": 1}
	for name, tt := range map[string]struct {
		has     any // nil: no config
		asked   bool
		want    any
		outcome lifecycle.Outcome
	}{
		"none, and not asked":  {nil, false, nil, lifecycle.OutcomeUnfinished},
		"none":                 {nil, true, given, lifecycle.OutcomeRolledBack},
		"one":                  {map[string]any{"FailureAction": "pause"}, true, map[string]any{"FailureAction": "pause"}, lifecycle.OutcomeUnfinished},
		"one that says little": {map[string]any{}, true, map[string]any{}, lifecycle.OutcomeUnfinished},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := enginetest.NewSwarm()
				spec := webService("app:1@"+pinnedOld, "")
				if spec["UpdateConfig"] = tt.has; tt.has == nil {
					delete(spec, "UpdateConfig")
				}
				s.CreateService(spec)
				judged, err := s.Service(t.Context(), "web")
				require.NoError(t, err)
				s.SetBad("app:1@" + pinnedNew)
				m, err := rolledOut(t, s, judged, lifecycle.WithRollbackUnlessSet(tt.asked))
				require.ErrorIs(t, err, errdefs.ErrAborted)
				assert.Equal(t, tt.outcome, m.Outcome)
				require.Len(t, s.Posted(), 1)
				assert.Equal(t, tt.want, s.Posted()[0].Spec["UpdateConfig"])
				now, err := s.Service(t.Context(), "web")
				require.NoError(t, err)
				if tt.outcome == lifecycle.OutcomeRolledBack {
					assert.Equal(t, judged.Spec, now.Spec)
				}
			})
		})
	}
}
