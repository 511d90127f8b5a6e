package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
)

// signals gives a context that ends with the first SIGINT or SIGTERM. Later ones
// are told and change nothing: a swap in hand is finished or undone.
func signals(logger *slog.Logger) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	received := make(chan os.Signal, 4)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case sig := <-received:
				logger.Info("ending: a swap in hand is finished or undone first", "signal", sig.String())
				cancel()
			case <-done:
				return
			}
		}
	}()
	return ctx, func() { signal.Stop(received); close(done); cancel() }
}

// watch is the program without a subcommand.
func (p *program) watch(ctx context.Context, se session) error {
	if se.settings.json && !se.settings.runOnce {
		return errors.New("--json: want --run-once or the command check along with it")
	}
	defer tellHealth(se.towers, se.logger)()
	if se.settings.runOnce {
		se.begun("makes one pass")
		_, err := p.onePass(ctx, se, watchtower.Watcher.Update)
		return err // what went wrong in a pass stands in the log
	}
	se.warnOfSchedule()
	stop, err := se.serve(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if !se.settings.quietStart {
		key, when := se.settings.when()
		attrs := []any{key, when, "containers", watched(se.settings)}
		if len(se.settings.hosts) > 0 {
			attrs = append(attrs, "engines", fmt.Sprint(se.settings.hosts))
		}
		se.logger.Info("watching", attrs...)
		se.begun("watches, by " + key + " " + when)
	}
	return se.towers.run(ctx)
}

func watched(s settings) string {
	var only []string
	for _, by := range []struct {
		what  string
		given []string
	}{
		{"named ", s.names},
		{"not named ", s.disabled},
		{"of image ", s.onlyImages},
		{"not of image ", s.skipImages},
		{"with label ", s.enableLabels},
		{"without label ", s.disableLabels},
	} {
		if len(by.given) > 0 {
			only = append(only, by.what+strings.Join(by.given, " or "))
		}
	}
	if s.labelEnable {
		only = append(only, "with a true "+filter.EnableLabel)
	}
	switch s.scope {
	case "":
	case filter.NoScope:
		only = append(only, "without a scope")
	default:
		only = append(only, "of scope "+s.scope)
	}
	if len(only) == 0 {
		return "all"
	}
	return strings.Join(only, ", ")
}

// check is the subcommand.
func (p *program) check(ctx context.Context, se session) error {
	reports, err := p.onePass(ctx, se, watchtower.Watcher.Check)
	if err != nil || len(reports) == 0 || se.settings.json {
		return err
	}
	out := plainWriter{p.stdout} // whatever it is: it is for people
	if err := printTable(out, reports); err != nil || !p.verbose {
		return err
	}
	for _, report := range reports {
		for _, e := range report.Entries {
			if err := printPolicy(out, onEngine(report, calledIn(e.Container))+":", se.settings.rowsOf(e.Policy), se.settings); err != nil {
				return err
			}
		}
	}
	return printPolicy(out, "What was set:", se.settings.told, se.settings)
}
