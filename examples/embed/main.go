// Embed shows a program that brings parts of its own: it watches the containers
// of one team, only in the registry it trusts, and keeps a tally of what
// happened.
//
//	go run ./examples/embed TEAM REGISTRY
//
// needs Docker: the engine that DOCKER_HOST names. It looks at once and then every minute,
// tells of each update, and at its end, by an interrupt, how many there were.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
)

// team is a filter of our own: a method, and a text that says why a container
// was refused.
type team string

// Match reports whether the container is the team's.
func (t team) Match(c watchtower.Container) bool { return c.Labels["example.team"] == string(t) }

// String is the reason people read in the report.
func (t team) String() string { return fmt.Sprintf("not of team %q", string(t)) }

// tally is an observer of our own.
type tally struct{ updated, failed atomic.Int64 }

// Observe is told every event, in order.
func (t *tally) Observe(_ context.Context, e watchtower.Event) {
	end, ok := e.(watchtower.UpdateEnded)
	if !ok {
		return
	}
	if end.Entry.Err != nil {
		t.failed.Add(1)
		fmt.Printf("%s stays on its old image: %v\n", end.Entry.Container.Name, end.Entry.Err)
		return
	}
	t.updated.Add(1)
	fmt.Printf("%s was updated, %v without it\n", end.Entry.Container.Name, end.Entry.Downtime.Round(time.Millisecond))
}

func run(ctx context.Context, name, registry string, every time.Duration) error {
	counts := &tally{}
	tower, err := watchtower.New(
		watchtower.WithFilter(team(name), filter.Func(func(c watchtower.Container) bool {
			return strings.HasPrefix(c.Image, registry+"/")
		})),
		watchtower.WithObserver(counts),
		watchtower.WithInterval(every),
		watchtower.WithPassAtStart(true),
		watchtower.WithRolling(true),
	)
	if err != nil {
		return err
	}
	err = tower.Run(ctx)
	fmt.Printf("%d updated, %d failed\n", counts.updated.Load(), counts.failed.Load())
	return err
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: embed TEAM REGISTRY")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2], time.Minute); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
