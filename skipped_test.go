package watchtower_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// Who reads the log learns why something newer is not used, and nothing of what is
// not meant.
func TestWhatIsStaleAndLeftAloneIsTold(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("app:1", version(1))
	e.Run("one", "app:1", labelled(watchtower.DependsOnLabel, "two"))
	e.Run("two", "app:1", labelled(watchtower.DependsOnLabel, "one"))
	e.Run("rejected", "app:1", lifecycle.Spec{})
	e.Run("other", "app:1", labelled(filter.EnableLabel, "false"))
	e.Publish("app:1", version(2))
	var log bytes.Buffer
	told := map[string]bool{}
	update(t, memory(t, e, watchtower.WithFilter(filter.Enabled(false)),
		watchtower.WithGate(gate.Func(func(_ context.Context, c gate.Candidate) (gate.Decision, error) {
			if c.Container.Name != "rejected" {
				return gate.Decision{}, nil
			}
			return gate.Decision{Verdict: gate.Reject, Reason: "not signed"}, nil
		})),
		watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
		watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
			if skipped, ok := e.(watchtower.ContainerSkipped); ok {
				told[skipped.Container.Name] = skipped.Stale
			}
		}))))
	assert.Equal(t, map[string]bool{"one": true, "two": true, "rejected": true, "other": false}, told)
	assert.Equal(t, 3, strings.Count(log.String(), "level=INFO msg=skipped"), log.String())
	assert.Contains(t, log.String(), `msg=skipped container=one image=app:1 reason="stale, but in a circle of dependencies: one, two"`)
	assert.Contains(t, log.String(), `msg=skipped container=rejected image=app:1 reason="not signed"`)
}
