package main

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/watchtower-go/watchtower"
)

// fleet are the watchers of this process: one for each engine. None waits for another.
type fleet []watchtower.Watcher

// onePass has each make a pass, and returns the reports that could be made, in the order
// of the engines. The exit code tells of any that failed. As JSON each report is printed
// when its pass has ended.
func (p *program) onePass(ctx context.Context, se session, pass func(watchtower.Watcher, context.Context) (*watchtower.Report, error)) ([]*watchtower.Report, error) {
	reports := make([]*watchtower.Report, len(se.towers))
	var mu sync.Mutex
	var passes errgroup.Group
	for i, tower := range se.towers {
		passes.Go(func() error {
			report, err := pass(tower, ctx)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || ctx.Err() != nil || report.Err() != nil {
				p.code = exitFailed // which the log has
			}
			if report == nil {
				return nil
			}
			if reports[i] = report; se.settings.json {
				return printJSON(se.stdout, report)
			}
			return nil
		})
	}
	err := passes.Wait()
	return slices.DeleteFunc(reports, func(r *watchtower.Report) bool { return r == nil }), err
}

// run has each watch until ctx ends.
func (f fleet) run(ctx context.Context) error {
	var runs errgroup.Group
	for _, tower := range f {
		runs.Go(func() error { return tower.Run(ctx) })
	}
	return runs.Wait()
}

// health asks each that can tell, all at once.
func (f fleet) health(ctx context.Context) []watchtower.Health {
	var tellers []healthTeller
	for _, tower := range f {
		if teller, ok := tower.(healthTeller); ok {
			tellers = append(tellers, teller)
		}
	}
	out := make([]watchtower.Health, len(tellers))
	var questions sync.WaitGroup
	for i, teller := range tellers {
		questions.Go(func() { out[i] = teller.Health(ctx) })
	}
	questions.Wait()
	return out
}
