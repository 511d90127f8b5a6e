package main

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// The program ended in mid-update, together with the container it was in, and is started
// again: nobody pushes anything.
func TestWhatACrashLeftDoesNotWaitForAPush(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("app:1", enginetest.Image{})
	me := e.Run("me", "app:1", lifecycle.Spec{})
	web := e.Run("web", "app:1", lifecycle.Spec{})
	e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
	require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:1"}))
	image, err := e.InspectImage(t.Context(), "app:1")
	require.NoError(t, err)
	stopped := false
	e.SetFault(func(_ int, c enginetest.Call) enginetest.Fault {
		if stopped {
			return enginetest.Before
		}
		stopped = c.Method == "Stop"
		return enginetest.None
	})
	_, err = lifecycle.Recreate(e, lifecycle.WithHolder(me.ID)).Update(t.Context(), lifecycle.Target{
		Members: []lifecycle.Member{{Container: web, Reference: "app:1", ImageID: image.ID}},
	})
	require.Error(t, err)
	e.SetFault(nil)
	require.NoError(t, e.Stop(t.Context(), me.ID, lifecycle.StopOptions{}))

	recovered := make(chan lifecycle.Recovery, 1)
	p, err := newProgram(
		credentials.NewSecret("a long random text"),
		watchtower.WithEngine(e), watchtower.WithChecker(e.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
			if e, ok := e.(watchtower.ServiceRecovered); ok {
				recovered <- e.Recovery
			}
		})),
	)
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- p.serve(ctx, listener) }()
	assert.Equal(t, lifecycle.Recovery{Name: "web", Outcome: lifecycle.OutcomeRolledBack, ID: web.ID}, <-recovered)
	cancel()
	require.NoError(t, <-served)
}
