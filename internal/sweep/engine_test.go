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
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // not a secret
	survived := 0
	for i := range rounds {
		s := ten()
		k := 1 + random.IntN(len(s.members)*callsPerSwap)
		when := []enginetest.Fault{enginetest.Before, enginetest.After}[random.IntN(2)]
		atOnce := random.IntN(2) == 0 // it is back before the watcher notices
		t.Run(fmt.Sprintf("round %d, call %d, done %v, back at once %v", i, k, when == enginetest.After, atOnce), func(t *testing.T) {
			r := b.setUp(t, s, fmt.Sprintf("ten%d", i))
			tw, err := r.watcher().tower()
			require.NoError(t, err)
			killed := make(chan error, 1)
			r.proxy.SetFault(func(n int, _ enginetest.Call) enginetest.ProxyFault {
				if n != k {
					return enginetest.ProxyFault{}
				}
				return enginetest.ProxyFault{Fault: when, Drop: true, Hook: func() {
					err := host.Kill()
					if err == nil && atOnce {
						err = host.Start()
					}
					killed <- err
				}}
			})
			first := r.pass(t, tw)
			interrupted := r.proxy.Calls()
			select {
			case err := <-killed:
				require.NoError(t, err)
			default:
				require.Fail(t, "there was a call "+strconv.Itoa(k), "%s%s", first, list(interrupted))
			}
			if !atOnce {
				require.NoError(t, host.Start())
			}
			r.proxy.SetFault(nil)
			second := r.pass(t, tw)
			wrong := r.violations(t)
			if assert.Empty(t, wrong, "first pass: %s%s\nsecond pass: %s%s", first, list(interrupted), second, list(r.proxy.Calls())) {
				survived++
			}
		})
	}
	t.Logf("survived / total: %d/%d", survived, rounds)
}
