package selfupdate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// The helper's calls: create the successor, two renames, stop, start, remove.
const helperCalls = 6

// victim is who is killed at a call of the helper's.
type victim struct {
	name            string
	helper, watcher bool
	fault           enginetest.Fault // of the call
}

// Whoever is killed, at whatever call of the helper's: the update is made in the
// end, by nobody's help.
func TestKilledAtEveryCall(t *testing.T) {
	w := newWorld(t)
	ref := w.push(t, "killed", "0", nil)
	w.host.Pull(t, ref, "")
	w.watch(t, "killed", ref, 18084)
	round := 0
	for _, v := range []victim{
		{"helper, before", true, false, enginetest.Before},
		{"helper, after", true, false, enginetest.After},
		{"watcher", false, true, enginetest.None},
		{"both, before", true, true, enginetest.Before},
		{"both, after", true, true, enginetest.After},
	} {
		for call := 1; call <= helperCalls; call++ {
			if !everything() && (call+int(v.fault))%3 != 0 {
				continue
			}
			round++
			t.Run(fmt.Sprintf("%s/%d", v.name, call), func(t *testing.T) {
				version := fmt.Sprint(round)
				struck := w.strike(t, v, call)
				begin := time.Now()
				w.push(t, "killed", version, nil)
				now := w.settled(t, "killed", version)
				w.proxy.SetFault(nil)
				at := ""
				select {
				case at = <-struck:
				default:
				}
				require.NotEmpty(t, at, "nobody was killed")
				t.Logf("%-15s at %-80s %-8v %s", v.name, at, time.Since(begin).Round(100*time.Millisecond), now)
				assert.Equal(t, "running", now.status)
			})
		}
	}
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
		if helper == "" {
			return enginetest.ProxyFault{}
		}
		if made++; made != call {
			return enginetest.ProxyFault{}
		}
		kill := func() {
			if v.helper {
				w.kill(t, helper)
			}
			if v.watcher {
				for _, name := range w.named(t, "killed") {
					if name != helper {
						w.kill(t, name)
					}
				}
			}
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
