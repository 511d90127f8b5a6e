package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// towerOf is a process's Tower on an engine.
func towerOf(t *testing.T, e *enginetest.Engine) *watchtower.Tower {
	t.Helper()
	tower, err := watchtower.New(
		watchtower.WithEngine(e), watchtower.WithChecker(e.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
	)
	require.NoError(t, err)
	return tower
}

// A process ended in mid-update, between two containers. The next one's first look puts
// that in order, updates nothing by the way, and asks.
func TestWhatACrashLeftIsRepairedBeforeItIsAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		e.Publish("app:1", enginetest.Image{})
		for _, name := range []string{"db", "web"} {
			e.Run(name, "app:1", lifecycle.Spec{})
		}
		e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
		stopped := false
		e.SetFault(func(_ int, c enginetest.Call) enginetest.Fault {
			if stopped {
				return enginetest.Before
			}
			stopped = c.Method == "Stop"
			return enginetest.None
		})
		_, err := towerOf(t, e).Update(t.Context())
		require.NoError(t, err)
		e.SetFault(nil)

		c := newController(map[string]host{"h": towerOf(t, e)}, time.Second, time.Minute, time.Hour)
		var told []string
		c.tell = func(_, text string) { told = append(told, text) }
		again, err := c.reconcile(t.Context(), "h")
		require.NoError(t, err)
		assert.Equal(t, time.Hour, again)
		list, err := e.Containers(t.Context())
		require.NoError(t, err)
		for _, c := range list {
			assert.Contains(t, []string{"db", "web"}, c.Name)
			assert.Equal(t, lifecycle.StateRunning, c.State, c.Name)
		}
		require.NotEmpty(t, told)
		assert.Contains(t, told[0], "that was cut short is settled: rolled back")
		assert.Contains(t, told[len(told)-1], "waits for a yes")
		for _, name := range []string{"db", "web"} {
			assert.Contains(t, told[len(told)-1], "replace "+name)
		}
	})
}
