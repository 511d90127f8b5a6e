package sweep_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

const (
	// watcherVar makes this binary the watcher it describes, to be killed.
	watcherVar = "WATCHTOWER_SWEEP_WATCHER"
	// sweepVar set to "all" runs everything.
	sweepVar = "WATCHTOWER_SWEEP"
	// parallel is how many runs go on at once: they mostly wait.
	parallel = "8"
	// stable is long enough for a container that cannot start to have failed.
	stable = 300 * time.Millisecond
	// passWithin bounds a pass: a watcher that hangs has not survived.
	passWithin = 90 * time.Second
)

func TestMain(m *testing.M) {
	if text := os.Getenv(watcherVar); text != "" {
		os.Exit(actAsWatcher(text))
	}
	flag.Parse()
	if err := flag.Set("test.parallel", parallel); err != nil {
		panic(err)
	}
	os.Exit(enginehost.Run(m))
}

func everything() bool { return os.Getenv(sweepVar) == "all" }

// watcher is what makes the pass.
type watcher struct {
	Address string
	Base    string // of its containers' names
	Names   []string
	Rolling bool
	States  []lifecycle.State
}

func (w watcher) tower() (*watchtower.Tower, error) {
	engine, err := dockerengine.New(dockerengine.WithHost(w.Address))
	if err != nil {
		return nil, err
	}
	mine, err := filter.Names(w.Names...)
	if err != nil {
		return nil, err
	}
	return watchtower.New(watchtower.WithEngine(scoped{engine, w.Base}), watchtower.WithFilter(mine), watchtower.WithStableTime(stable),
		watchtower.WithRolling(w.Rolling), watchtower.WithStates(w.States...))
}

// scoped is an engine that has but one run's containers. A watcher repairs
// whatever it finds unfinished, and others' runs are not finished yet.
type scoped struct {
	*dockerengine.Engine

	base string
}

func (s scoped) Containers(ctx context.Context) ([]lifecycle.Container, error) {
	list, err := s.Engine.Containers(ctx)
	return slices.DeleteFunc(list, func(c lifecycle.Container) bool { return !belongs(c.Name, s.base) }), err
}

// belongs: a name is its run's, perhaps with a member's or a journal's suffix.
func belongs(name, base string) bool {
	return name == base || strings.HasPrefix(name, base+"-") || strings.HasPrefix(name, base+".")
}

// actAsWatcher makes one pass, in a process of its own.
func actAsWatcher(text string) int {
	var w watcher
	err := json.Unmarshal([]byte(text), &w)
	if err == nil {
		var tw *watchtower.Tower
		if tw, err = w.tower(); err == nil {
			_, err = tw.Update(context.Background()) //nolint:forbidigo // a program, not a test
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
