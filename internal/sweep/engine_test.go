package sweep_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

const (
	// seedVar repeats the rounds of an earlier run.
	seedVar = "WATCHTOWER_SWEEP_SEED"
	// callsPerSwap is what an update of one running container costs.
	callsPerSwap = 6
	// longestCall is about what a stop takes, in milliseconds.
	longestCall = 300
	stopRounds  = 6
)

// ten containers that are updated at once; every second one comes back when the
// engine does.
func ten() scenario {
	s := scenario{name: "ten"}
	for i := range 10 {
		m := member{suffix: fmt.Sprintf("-%d", i), state: lifecycle.StateRunning, dies: true}
		if i%2 == 0 {
			m.dies, m.body = false, with("RestartPolicy", object{"Name": "always"})
		}
		s.members = append(s.members, m)
	}
	return s
}

// alone are single containers for an engine that dies at each call.
func alone() []scenario {
	return []scenario{
		{name: "dies-no", members: []member{{state: lifecycle.StateRunning, dies: true}}},
		{name: "dies-start-first", members: []member{{state: lifecycle.StateRunning, body: func(int) object {
			return object{
				"Labels":     object{lifecycle.LabelUpdateOrder: lifecycle.StartFirst},
				"HostConfig": object{"RestartPolicy": object{"Name": "always"}},
			}
		}}}},
		{name: "dies-always", members: []member{{state: lifecycle.StateRunning, body: with("RestartPolicy", object{"Name": "always"})}}},
	}
}

func TestAnUpdateSurvivesTheDeathOfTheEngine(t *testing.T) {
	host := enginehost.Killable(t)
	b := &bench{host: host, reg: enginehost.StartRegistry(t)}
	seed, rounds := uint64(time.Now().UnixNano()), 3
	if text := os.Getenv(seedVar); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	if everything() {
		rounds = 20
	}
	t.Logf("%s=%d", seedVar, seed)
	t.Run("at random", func(t *testing.T) {
		random, survived := rand.New(rand.NewPCG(seed, 0)), 0 //nolint:gosec // not a secret
		for i := range rounds {
			d := death{
				call: 1 + random.IntN(len(ten().members)*callsPerSwap),
				when: []enginetest.Fault{enginetest.None, enginetest.Before, enginetest.After}[random.IntN(3)], atOnce: random.IntN(2) == 0,
				later: time.Duration(random.IntN(longestCall)) * time.Millisecond,
			}
			survived += d.round(t, b, ten(), fmt.Sprintf("ten%d", i))
		}
		t.Logf("survived / total: %d/%d", survived, rounds)
	})
	if !everything() {
		return
	}
	// An engine that dies so may be unable to start the same containers ever again.
	t.Run("while they are stopped", func(t *testing.T) {
		survived := 0
		for i := range stopRounds {
			d := death{call: 3, of: "Stop", later: time.Duration(60+20*i) * time.Millisecond, atOnce: i%2 == 0}
			survived += d.round(t, b, ten(), fmt.Sprintf("stops%d", i))
		}
		t.Logf("survived / total: %d/%d", survived, stopRounds)
	})
	for _, one := range alone() {
		t.Run("at each call, "+one.name, func(t *testing.T) {
			survived, total := 0, 0
			for call := 1; call <= callsPerSwap; call++ {
				for _, when := range []enginetest.Fault{enginetest.Before, enginetest.After} {
					for _, atOnce := range []bool{false, true} {
						d, m := death{call: call, when: when, atOnce: atOnce}, one.members[0]
						m.dies = m.dies && !d.parked()
						s := scenario{name: one.name, members: []member{m}}
						survived += d.round(t, b, s, fmt.Sprintf("%s%d", s.name, total))
						total++
					}
				}
			}
			t.Logf("survived / total: %d/%d", survived, total)
		})
	}
}

// death is how the engine dies in a pass.
type death struct {
	call   int
	of     string           // of this kind; empty: of any
	when   enginetest.Fault // None: so much later, whatever it does then
	later  time.Duration
	atOnce bool // it is back before the watcher notices
}

func (d death) String() string {
	when := map[enginetest.Fault]string{enginetest.None: d.later.String() + " after", enginetest.Before: "before", enginetest.After: "once it is done,"}[d.when]
	return fmt.Sprintf("%s call %d %s, back at once %v", when, d.call, d.of, d.atOnce)
}

// parked tells whether the one predecessor of a pass is out of its place when
// the engine dies: then it is the next pass that answers for its state.
func (d death) parked() bool {
	const rename, remove = 2, callsPerSwap
	after := d.when == enginetest.After
	return d.call > rename && d.call < remove || d.call == rename && after || d.call == remove && !after
}

// round makes a pass in which the engine dies, and one that is to repair what
// that has left; it returns 1 if everybody survived.
func (d death) round(t *testing.T, b *bench, s scenario, base string) (survived int) {
	t.Helper()
	t.Run(d.String(), func(t *testing.T) {
		r := b.setUp(t, s, base)
		tw, err := r.watcher().tower()
		require.NoError(t, err)
		killed := make(chan error, 1)
		kill := func() {
			err := b.host.Kill()
			if err == nil && d.atOnce {
				err = b.host.Start()
			}
			killed <- err
		}
		n := 0
		r.proxy.SetFault(func(_ int, c enginetest.Call) enginetest.ProxyFault {
			if d.of != "" && d.of != c.Method {
				return enginetest.ProxyFault{}
			}
			n++
			switch {
			case n != d.call:
				return enginetest.ProxyFault{}
			case d.when == enginetest.None:
				time.AfterFunc(d.later, kill)
				return enginetest.ProxyFault{}
			}
			return enginetest.ProxyFault{Fault: d.when, Drop: true, Hook: kill}
		})
		first := r.pass(t, tw)
		interrupted := r.proxy.Calls()
		select {
		case err := <-killed:
			require.NoError(t, err)
		case <-time.After(passWithin):
			require.Fail(t, "the engine did not die", "%s%s", first, list(interrupted))
		}
		if !d.atOnce {
			require.NoError(t, b.host.Start())
		}
		r.proxy.SetFault(nil)
		second := r.pass(t, tw)
		wrong := r.violations(t)
		if assert.Empty(t, wrong, "first pass: %s%s\nsecond pass: %s%s", first, list(interrupted), second, list(r.proxy.Calls())) {
			survived = 1
		}
	})
	return survived
}
