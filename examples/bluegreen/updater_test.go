package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// fixture is web-blue on an engine in memory, where another image waits.
func fixture(t *testing.T, spec lifecycle.Spec) (*enginetest.Engine, *blueGreen, lifecycle.Target) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	e := enginetest.New()
	e.Publish("web:1", enginetest.Image{})
	c := e.Run("web-blue", "web:1", spec)
	e.Publish("web:1", enginetest.Image{Env: []string{"VERSION=2"}})
	require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "web:1"}))
	image, err := e.InspectImage(t.Context(), "web:1")
	require.NoError(t, err)
	b := &blueGreen{
		engine: e, proxy: &proxy{}, within: time.Minute, soak: 10 * time.Millisecond, drain: time.Second,
		address: func(lifecycle.Snapshot) (*url.URL, error) { return url.Parse(server.URL) },
	}
	return e, b, lifecycle.Target{Members: []lifecycle.Member{{Container: c, Reference: "web:1", ImageID: image.ID}}}
}

func labelled() lifecycle.Spec {
	return lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{service: "web"}}}
}

func names(t *testing.T, e *enginetest.Engine) []string {
	t.Helper()
	list, err := e.Containers(t.Context())
	require.NoError(t, err)
	var out []string
	for _, c := range list {
		out = append(out, c.Name+" "+string(c.State))
	}
	return out
}

// Whatever call fails: the old one runs on, or the new one serves.
func TestAFailingCallLeavesOneThatServes(t *testing.T) {
	t.Parallel()
	for n, tt := range []struct {
		call    string
		outcome lifecycle.Outcome
		want    []string
	}{
		{"Create web-green", lifecycle.OutcomeUntouched, []string{"web-blue running"}},
		{"Start", lifecycle.OutcomeRolledBack, []string{"web-blue running"}},
		{"Stop", lifecycle.OutcomeUpdated, []string{"web-blue running", "web-green running"}},
		{"Remove", lifecycle.OutcomeUpdated, []string{"web-blue exited", "web-green running"}},
	} {
		t.Run(tt.call, func(t *testing.T) {
			t.Parallel()
			e, b, target := fixture(t, labelled())
			e.SetFault(func(i int, _ enginetest.Call) enginetest.Fault {
				if i == n+1 {
					return enginetest.Before
				}
				return enginetest.None
			})
			result, err := b.Update(t.Context(), target)
			assert.Equal(t, tt.outcome, result.Members[0].Outcome)
			assert.Equal(t, tt.outcome == lifecycle.OutcomeUpdated, err == nil, "%v", err)
			assert.Equal(t, tt.want, names(t, e))
		})
	}
}

// A crash left both: the next update takes the new one as it is.
func TestWhatACrashLeftIsTakenUp(t *testing.T) {
	t.Parallel()
	e, b, target := fixture(t, labelled())
	e.Run("web-green", "web:1", labelled())
	require.NoError(t, b.resume(t.Context(), "web"))
	e.Calls()
	_, err := b.Update(t.Context(), target)
	require.NoError(t, err)
	assert.Equal(t, []string{"web-green running"}, names(t, e))
	for _, c := range e.Calls() {
		assert.NotEqual(t, "Create", c.Method)
	}
}

// Both colours are up and stale, of which one serves: it does until its own update.
func TestWhatServesIsNotRemoved(t *testing.T) {
	t.Parallel()
	e, b, target := fixture(t, labelled())
	e.Publish("other:1", enginetest.Image{Env: []string{"VERSION=1.5"}})
	green := target
	green.Members = []lifecycle.Member{target.Members[0]}
	green.Members[0].Container = e.Run("web-green", "other:1", labelled())
	require.NoError(t, b.resume(t.Context(), "web"))
	b.live = target.Members[0].Container.ID // both are as old in memory
	result, err := b.Update(t.Context(), green)
	assert.True(t, errdefs.IsFailedPrecondition(err), "%v", err)
	require.ErrorContains(t, err, "web-blue is what serves")
	assert.Equal(t, lifecycle.OutcomeUntouched, result.Members[0].Outcome)
	assert.Equal(t, []string{"web-blue running", "web-green running"}, names(t, e))

	_, err = b.Update(t.Context(), target)
	require.NoError(t, err)
	assert.Equal(t, []string{"web-green running"}, names(t, e))
	_, err = b.Update(t.Context(), green)
	assert.True(t, errdefs.IsFailedPrecondition(err), "%v", err)
	assert.Equal(t, []string{"web-green running"}, names(t, e))
}

// The new one serves, and the old one could not be removed: whatever stands against the
// update now, what serves stays.
func TestWhatServesIsNotRemovedByARefusal(t *testing.T) {
	t.Parallel()
	e, b, target := fixture(t, labelled())
	b.live = e.Run("web-green", "web:1", labelled()).ID
	no := errors.New("not now")
	target.BeforeSwap = func(context.Context) error { return no }
	_, err := b.Update(t.Context(), target)
	require.ErrorIs(t, err, no)
	assert.Equal(t, []string{"web-blue running", "web-green running"}, names(t, e))
}

func TestWhatCouldNotBeTurnedBackToIsRefused(t *testing.T) {
	t.Parallel()
	e, b, target := fixture(t, labelled())
	b.address = func(lifecycle.Snapshot) (*url.URL, error) { return nil, errors.New("it has no address") }
	_, err := b.Update(t.Context(), target)
	assert.True(t, errdefs.IsFailedPrecondition(err), "%v", err)
	assert.Equal(t, []string{"web-blue running"}, names(t, e))
}

func TestWhatCannotRunTwiceIsRefused(t *testing.T) {
	t.Parallel()
	published := labelled()
	published.HostConfig = lifecycle.Document{"PortBindings": map[string]any{"80/tcp": []any{map[string]any{"HostPort": "80"}}}}
	for name, spec := range map[string]lifecycle.Spec{"a published port": published, "no label": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, b, target := fixture(t, spec)
			_, err := b.Update(t.Context(), target)
			assert.True(t, errdefs.IsFailedPrecondition(err), "%v", err)
			assert.Equal(t, []string{"web-blue running"}, names(t, e))
		})
	}
}

func TestHooksHaveTheLastWord(t *testing.T) {
	t.Parallel()
	e, b, target := fixture(t, labelled())
	no := errors.New("not now")
	target.BeforeSwap = func(context.Context) error { return no }
	result, err := b.Update(t.Context(), target)
	require.ErrorIs(t, err, no)
	assert.Equal(t, lifecycle.OutcomeUntouched, result.Members[0].Outcome)
	assert.Equal(t, []string{"web-blue running"}, names(t, e))
}
