package sweep_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// mode is a way in which a call goes wrong.
type mode struct {
	name  string
	fault enginetest.ProxyFault
	kills bool // the watcher dies of it
}

func modes() []mode {
	before, after := enginetest.ProxyFault{Fault: enginetest.Before}, enginetest.ProxyFault{Fault: enginetest.After}
	dropped := func(f enginetest.ProxyFault) enginetest.ProxyFault { f.Drop = true; return f }
	return []mode{
		{"error-not-done", before, false},
		{"error-done", after, false},
		{"drop-not-done", dropped(before), false},
		{"drop-done", dropped(after), false},
		{"kill-not-done", dropped(before), true},
		{"kill-done", dropped(after), true},
	}
}

func TestAnUpdateSurvivesAFaultAtEveryCall(t *testing.T) {
	host := enginehost.Engine(t)
	b := &bench{host: host, reg: enginehost.StartRegistry(t)}
	host.Network(t, frontNet, frontSubnet)
	host.Network(t, backNet, backSubnet)
	results := &table{}
	for _, s := range scenarios() {
		if !s.always && !everything() {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			clean := b.setUp(t, s, s.name+"-clean")
			tw, err := clean.watcher().tower()
			require.NoError(t, err)
			said := clean.pass(t, tw)
			calls := clean.proxy.Calls()
			require.Empty(t, clean.violations(t), said)
			for name, image := range clean.new {
				require.Equal(t, image, host.Inspect(t, name)["Image"], "%s is updated if nothing goes wrong: %s", name, said)
			}
			t.Logf("%d calls:%s", len(calls), list(calls))
			for _, m := range modes() {
				for k := 1; k <= len(calls); k++ {
					t.Run(fmt.Sprintf("%s/%d", m.name, k), func(t *testing.T) {
						t.Parallel()
						r := b.setUp(t, s, fmt.Sprintf("%s-%s-%d", s.name, m.name, k))
						results.add(s.name, m.name, len(calls), r.interrupt(t, m, k))
					})
				}
			}
		})
		t.Logf("survived / total:\n%s", results) // so far: the whole takes minutes
	}
}

// interrupt makes a pass that goes wrong at its k-th call, and one that is to
// repair what that has left.
func (r *run) interrupt(t *testing.T, m mode, k int) (survived bool) {
	t.Helper()
	fault, reached, alive, dead := m.fault, false, make(chan struct{}), make(chan struct{})
	tw, err := r.watcher().tower()
	require.NoError(t, err)
	cmd, out := r.process(t)
	if m.kills {
		fault.Hook = func() { <-alive; _ = cmd.Process.Kill(); <-dead }
	}
	r.proxy.SetFault(func(n int, _ enginetest.Call) enginetest.ProxyFault {
		if n != k {
			return enginetest.ProxyFault{}
		}
		reached = true
		return fault
	})
	var first string
	if m.kills {
		require.NoError(t, cmd.Start())
		close(alive)
		err := cmd.Wait()
		close(dead)
		first = fmt.Sprint(err, " ", out)
	} else {
		first = r.pass(t, tw)
	}
	interrupted := r.proxy.Calls()
	r.proxy.SetFault(nil)
	second := r.pass(t, tw)
	repair := r.proxy.Calls()
	require.True(t, reached, "there was a call %d", k)
	wrong := r.violations(t)
	return assert.Empty(t, wrong, "first pass: %s%s\nsecond pass: %s%s", first, list(interrupted), second, list(repair))
}
