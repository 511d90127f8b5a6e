package selfupdate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// The helper's calls: create the successor, two renames, stop, start, remove.
const helperCalls = 6

// victim is who is killed at a call of the helper's.
type victim struct {
	name                    string
	helper, watcher, engine bool
	fault                   enginetest.Fault // of the call
	call                    int              // that teaches most
}

// Whoever is killed, at whatever call of the helper's: the update is made in the
// end, by nobody's help.
func TestKilledAtEveryCall(t *testing.T) {
	w := newWorld(t)
	ref := w.push(t, "killed", "0", nil)
	w.host.Pull(t, ref, "")
	w.watch(t, "killed", ref, 18084, "unless-stopped")
	round := 0
	for _, v := range []victim{
		{"helper, before", true, false, false, enginetest.Before, 5},
		{"helper, after", true, false, false, enginetest.After, 4},
		{"watcher", false, true, false, enginetest.None, 3},
		{"both, before", true, true, false, enginetest.Before, 2},
		{"both, after", true, true, false, enginetest.After, 4},
	} {
		for call := 1; call <= helperCalls; call++ {
			if !everything() && call != v.call {
				continue
			}
			round++
			t.Run(fmt.Sprintf("%s/%d", v.name, call), func(t *testing.T) { w.survives(t, v, call, fmt.Sprint(round)) })
		}
	}
}

// The same if the engine dies, and takes everybody with it.
func TestTheEngineDiesAtEveryCall(t *testing.T) {
	w := newWorld(t)
	enginehost.Killable(t)
	ref := w.push(t, "killed", "0", nil)
	w.host.Pull(t, ref, "")
	w.watch(t, "killed", ref, 18085, "always")
	for call := 1; call <= helperCalls; call++ {
		if !everything() && call != 4 {
			continue
		}
		t.Run(fmt.Sprint(call), func(t *testing.T) {
			w.survives(t, victim{name: "engine", engine: true, fault: enginetest.After}, call, fmt.Sprint(call))
		})
	}
}

// survives makes the update to the version, in which somebody is killed.
func (w *world) survives(t *testing.T, v victim, call int, version string) {
	t.Helper()
	struck := w.strike(t, v, call)
	begin := time.Now()
	w.push(t, "killed", version, nil)
	require.Eventually(t, func() bool { return len(struck) > 0 }, within, 20*time.Millisecond, "somebody is killed")
	now := w.settled(t, "killed", version)
	w.proxy.SetFault(nil)
	t.Logf("%-15s at %-80s %-8v %s", v.name, <-struck, time.Since(begin).Round(100*time.Millisecond), now)
}

// strike kills at the so-manieth call of the next helper, and tells which that was.
func (w *world) strike(t *testing.T, v victim, call int) <-chan string {
	t.Helper()
	struck := make(chan string, 1)
	helper, made := "", 0
	w.proxy.SetFault(func(_ int, c enginetest.Call) enginetest.ProxyFault {
		if strings.Contains(c.Subject, ".wt-self-") {
			if c.Method == "Start" {
				helper = c.Subject
			}
			return enginetest.ProxyFault{}
		}
		if helper != "" {
			made++
		}
		if helper == "" || made != call {
			return enginetest.ProxyFault{}
		}
		kill := func() {
			w.end(t, v, helper)
			struck <- c.String()
		}
		if v.fault == enginetest.None {
			kill()
			return enginetest.ProxyFault{}
		}
		return enginetest.ProxyFault{Fault: v.fault, Drop: true, Hook: kill}
	})
	return struck
}

// end is a crash of the victim.
func (w *world) end(t *testing.T, v victim, helper string) {
	t.Helper()
	if v.engine {
		require.NoError(t, w.host.Kill())
		require.NoError(t, w.host.Start())
		return
	}
	for _, name := range w.named(t, "killed") {
		if name == helper && v.helper || name != helper && v.watcher {
			w.kill(t, name)
		}
	}
}
