// Parts shows a program in which every part is its own: an engine that keeps an
// account of what is changed through it, a checker that knows a list of releases, an
// updater that asks somebody first, a store for the logins, and a clock. It needs no
// Docker: below all of it is an engine in memory.
//
//	go run ./examples/parts
//
// prints
//
//	pass at 2030-01-07 09:00:00
//	pull docker.io/library/app:1 at sha256:…
//	replace db: its reference points at another image
//	replace web: its reference points at another image
//	db is failed its reference points at another image
//	  watchtower: nobody wants db to be updated
//	other is skipped not one of [web db]
//	web is updated
//	engine: pull docker.io/library/app:1 as robot
//	engine: start a container
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

// ledger is an engine that wraps another: it overrides what it is about, and has from the
// one below the rest that every engine has. Abilities of that one, such as
// lifecycle.Execer, it would have to hand on by itself.
type ledger struct {
	watchtower.Engine

	mu    sync.Mutex
	lines []string
}

func (l *ledger) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// Pull notes by whose login.
func (l *ledger) Pull(ctx context.Context, opts lifecycle.PullOptions) error {
	l.note("pull %s as %s", opts.Reference, opts.Credential.Username)
	return l.Engine.Pull(ctx, opts)
}

// Start notes the container.
func (l *ledger) Start(ctx context.Context, container string) error {
	l.note("start a container")
	return l.Engine.Start(ctx, container)
}

// releases is a checker: what each reference should point at, by our own list.
type releases map[string]digest.Digest

// Check answers each query from the list.
func (r releases) Check(_ context.Context, queries []registry.Query) []registry.Verdict {
	verdicts := make([]registry.Verdict, len(queries))
	for i, q := range queries {
		verdicts[i] = registry.Verdict{Reference: q.Reference, Digest: r[q.Reference]}
		if verdicts[i].Digest == "" {
			verdicts[i].Err = errors.New("not on the list")
		}
	}
	return verdicts
}

// vault is a store for logins.
type vault struct{}

// Credential returns the same login for every registry.
func (vault) Credential(context.Context, string) (credentials.Credential, error) {
	return credentials.Credential{Username: "robot", Password: credentials.NewSecret("never shown"), Source: "vault"}, nil
}

// careful is an updater that wraps another, and asks before it lets it work.
type careful struct {
	watchtower.Updater
	ask func(name string) bool
}

// Update refuses what nobody wants.
func (c careful) Update(ctx context.Context, t lifecycle.Target) (lifecycle.Result, error) {
	if name := t.Members[0].Container.Name; !c.ask(name) {
		return lifecycle.Result{}, fmt.Errorf("nobody wants %s to be updated", name)
	}
	return c.Updater.Update(ctx, t)
}

func run(ctx context.Context) error {
	memory := enginetest.New()
	memory.Publish("app:1", enginetest.Image{})
	memory.Run("web", "app:1", lifecycle.Spec{})
	memory.Run("db", "app:1", lifecycle.Spec{})
	memory.Run("other", "app:1", lifecycle.Spec{})
	next := memory.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})

	engine := &ledger{Engine: memory}
	tower, err := watchtower.New(
		watchtower.WithEngine(engine),
		watchtower.WithChecker(releases{"docker.io/library/app:1": next}),
		watchtower.WithCredentials(vault{}),
		watchtower.WithFilter(only{"web", "db"}),
		watchtower.WithUpdater(careful{
			lifecycle.Recreate(engine, lifecycle.WithStableTime(10*time.Millisecond)),
			func(name string) bool { return name != "db" },
		}),
		watchtower.WithRolling(true),
		watchtower.WithClock(opening{time.Date(2030, 1, 7, 9, 0, 0, 0, time.UTC)}),
		watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
			if start, ok := e.(watchtower.PassStarted); ok {
				fmt.Println("pass at", start.At.Format(time.DateTime))
			}
		})),
	)
	if err != nil {
		return err
	}
	report, err := tower.Update(ctx)
	if err != nil {
		return err
	}
	fmt.Print(report.Plan)
	for _, e := range report.Entries {
		fmt.Println(e.Container.Name, "is", e.Status, e.Reason)
		if e.Err != nil {
			fmt.Println(" ", e.Err)
		}
	}
	for _, line := range engine.lines {
		fmt.Println("engine:", line)
	}
	return nil
}

// opening is a clock that stands at the time the office opens.
type opening struct{ time.Time }

// Now is always that time.
func (o opening) Now() time.Time { return o.Time }

// Wait ends with its context: no other time comes.
func (opening) Wait(ctx context.Context, _ time.Time) { <-ctx.Done() }

// only is a filter: the names it lets pass.
type only []string

// Match reports whether it is one of the names.
func (n only) Match(c watchtower.Container) bool {
	for _, name := range n {
		if c.Name == name {
			return true
		}
	}
	return false
}

// String is the reason people read.
func (n only) String() string { return fmt.Sprint("not one of ", []string(n)) }

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
