package checkbench_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// mostCalls is what a check of fresh containers may ask of the engine, however
// many they are.
const mostCalls = 6

// Besides a question for each reference a check asks for a token, which the first
// question finds out, and of the engine always the same; and it ends well.
func TestCost(t *testing.T) {
	works := []work{
		{containers: 3, references: 3, dockerd: true},
		{containers: 3, references: 3, tls: true},
		{containers: 3, references: 1},
		{containers: 100, references: 50},
	}
	if everything() {
		works = full()
		_, _ = fmt.Fprintln(t.Output(), "A registry on the loopback that speaks TLS is first asked over plain HTTP: one request more than are counted.")
		header(t.Output(), "check")
	}
	for _, w := range works {
		var measured series
		t.Run(w.String(), func(t *testing.T) {
			there := w.setUp(t)
			for range max(w.runs, 1) {
				s := ours(t).run(t, there)
				measured = append(measured, s)
				assert.Equal(t, registrytest.Counts{Token: max(w.tokens, 1), Head: w.references + 1}, s.requests.Counts())
				assert.LessOrEqual(t, len(s.calls), mostCalls, "%v", s.calls)
				assert.Zero(t, s.Exit, s.stderr)
				assert.Equal(t, fmt.Sprintf("stale=0 scanned=%d updated=0 failed=0 skipped=0 rolled_back=0", w.containers), s.summary(), s.stdout)
			}
		})
		if everything() && measured != nil {
			measured.row(t.Output(), w.String())
		}
	}
}

func full() []work {
	const tenth, twentieth = 100 * time.Millisecond, 50 * time.Millisecond
	return []work{
		{containers: 50, references: 50, latency: tenth, dockerd: true, runs: 11},
		{containers: 50, references: 50, latency: tenth, runs: 11},
		{containers: 50, references: 50, latency: tenth, tls: true, runs: 11},
		{containers: 50, references: 1, latency: tenth, runs: 5},
		{containers: 10, references: 5, latency: twentieth, runs: 5},
		{containers: 100, references: 50, latency: twentieth, runs: 5},
		{containers: 1000, references: 500, latency: twentieth, tokens: 5, runs: 5},
	}
}

// A registry that answers 429, or that does not answer, costs its own references
// their verdicts, and the others nothing.
func TestCostOfTrouble(t *testing.T) {
	w := work{containers: 10, references: 10, hosts: 5, trouble: func(r *registrytest.Registry, i int) {
		if i == 1 {
			r.SetFault(registrytest.TooMany(5 * time.Minute))
		}
	}}
	if everything() {
		w = work{containers: 500, references: 500, hosts: 5, latency: 50 * time.Millisecond, trouble: func(r *registrytest.Registry, i int) {
			switch i {
			case 1:
				r.SetFault(registrytest.TooMany(5 * time.Minute))
			case 2:
				r.SetFault(registrytest.Hang())
			}
		}}
	}
	there := w.setUp(t)
	s := ours(t).run(t, there)
	troubled := 1
	if everything() {
		troubled = 2
		header(t.Output(), "check")
		series{s}.row(t.Output(), w.String()+", one hangs, one says 429")
		for _, line := range excerpt(s.stdout, there) {
			_, _ = fmt.Fprintln(t.Output(), "    "+line)
		}
	}
	assert.Equal(t, 1, s.Exit)
	each := w.containers / w.hosts
	assert.Contains(t, s.summary(), fmt.Sprintf("stale=0 scanned=%d updated=0 failed=%d ", w.containers, troubled*each))
	assert.LessOrEqual(t, len(s.calls), mostCalls, "%v", s.calls)
	for i, r := range there.registries {
		if i > troubled || i == 0 {
			assert.Equal(t, each, strings.Count(s.stdout, r.Host), "its references")
		}
	}
	assert.Contains(t, s.stdout, "429")
}

// excerpt is what is said of each registry's first two references, and the end.
func excerpt(report string, there *world) []string {
	var out []string
	for _, r := range there.registries {
		n := 0
		for line := range strings.Lines(report) {
			if n < 2 && strings.Contains(line, r.Host) {
				out = append(out, strings.TrimSpace(line))
				n++
			}
		}
	}
	return append(out, sample{stdout: report}.summary())
}
