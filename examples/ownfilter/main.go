// Ownfilter shows a filter that explains itself: teams freeze their releases, and the
// report says of each container that is left alone by whom, and why.
//
//	go run ./examples/ownfilter
//
// needs no Docker, since below it is an engine in memory, and prints
//
//	billing  skipped  team payments has frozen its releases: audit until Friday
//	db       skipped  it is of no team
//	ledger   skipped  team payments has frozen its releases: audit until Friday
//	scratch  skipped  it has no enable label
//	web      stale    its reference points at another image
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// freezes is the filter: why a team's containers stay as they are, by its name.
type freezes map[string]string

// Explain makes it a filter.Explainer: the reason stands in the report, in the events
// and in the log. It is empty for a container that may move.
func (f freezes) Explain(c watchtower.Container) (ok bool, reason string) {
	team := c.Labels["example.team"]
	if team == "" {
		return false, "it is of no team"
	}
	if why, frozen := f[team]; frozen {
		return false, fmt.Sprintf("team %s has frozen its releases: %s", team, why)
	}
	return true, ""
}

// Match makes it a filter.Filter.
func (f freezes) Match(c watchtower.Container) bool {
	ok, _ := f.Explain(c)
	return ok
}

func run(ctx context.Context, out io.Writer) error {
	engine := enginetest.New()
	engine.Publish("app:1", enginetest.Image{})
	for name, labels := range map[string]map[string]any{
		"web":     {"example.team": "shop", filter.EnableLabel: "true"},
		"billing": {"example.team": "payments", filter.EnableLabel: "true"},
		"ledger":  {"example.team": "payments", filter.EnableLabel: "true"},
		"db":      {filter.EnableLabel: "true"},
		"scratch": {"example.team": "shop"},
	} {
		engine.Run(name, "app:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": labels}})
	}
	engine.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})

	tower, err := watchtower.New(
		watchtower.WithEngine(engine), // without these three: Docker, and its registries
		watchtower.WithChecker(engine.Checker()),
		watchtower.WithCredentials(credentials.Static(nil)),
		// Filters add up: a container must pass all of them, and the first that does not
		// let it pass says why.
		watchtower.WithFilter(filter.Enabled(true), freezes{"payments": "audit until Friday"}),
	)
	if err != nil {
		return err
	}
	report, err := tower.Check(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, e := range report.Entries {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", e.Container.Name, e.Status, e.Reason)
	}
	return table.Flush()
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
