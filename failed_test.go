package watchtower_test

import (
	"context"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func TestEveryCallThatMakesNoReportTellsSo(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		call func(tw *watchtower.Tower) error
		kind watchtower.PassKind
		want func(error) bool
	}{
		"a plan that is refused": {func(tw *watchtower.Tower) error {
			_, err := tw.Apply(t.Context(), watchtower.Plan{Policy: watchtower.PlanPolicy{Cleanup: true}})
			return err
		}, watchtower.PassUpdate, errdefs.IsFailedPrecondition},
		"an ID that is refused": {func(tw *watchtower.Tower) error {
			_, err := tw.ApplyID(t.Context(), "0123456789abcdef")
			return err
		}, watchtower.PassUpdate, errdefs.IsFailedPrecondition},
		"a context that has ended": {func(tw *watchtower.Tower) error {
			_, err := tw.Check(gone)
			return err
		}, watchtower.PassCheck, errdefs.IsCanceled},
	} {
		var events []watchtower.Event
		tw := memory(t, enginetest.New(), watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
			events = append(events, e)
		})))
		err := tt.call(tw)
		require.Error(t, err, name)
		assert.True(t, tt.want(err), "%s: %v", name, err)
		require.NotEmpty(t, events, name)
		last, ok := events[len(events)-1].(watchtower.PassFailed)
		require.True(t, ok, name)
		assert.Equal(t, tt.kind, last.Kind, name)
		assert.Equal(t, err, last.Err, name)
	}
}
