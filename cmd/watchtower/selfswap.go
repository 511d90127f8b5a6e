package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

const (
	// selfSwapCommand is what the helper runs that replaces this program's own
	// container.
	selfSwapCommand = "self-swap"
	// findSelfWithin bounds the question to the engine which container this is. One
	// that does not answer is told of by the first pass.
	findSelfWithin = time.Second
)

// selfUpdate tells the library which container this is, and how it is replaced:
// not by a run that ends before it could learn what became of it.
func selfUpdate(s settings, h namedHost, engine *dockerengine.Engine) []watchtower.Option {
	traces := h.traces(lifecycle.OwnTraces())
	ctx, cancel := context.WithTimeout(context.Background(), findSelfWithin)
	defer cancel()
	id, err := traces.Self(ctx, engine)
	if err != nil {
		id = traces.ID() // which no other container has, on whichever engine
	}
	opts := []watchtower.Option{watchtower.WithSelf(id)}
	if command := helperCommand(s); !s.runOnce && command != nil {
		opts = append(opts, watchtower.WithSelfUpdate(command...))
	}
	return opts
}

// helperCommand is this program, told by flags what it was told by flags of the
// engine; the environment is the helper's as well.
func helperCommand(s settings) []string {
	program, err := os.Executable()
	if err != nil {
		return nil
	}
	command := []string{program, selfSwapCommand}
	for _, row := range []struct{ flag, value string }{
		{"host", s.host}, {"api-version", s.apiVersion}, {"cert-path", s.certPath}, {"tlsverify", fmt.Sprint(s.tlsVerify)},
	} {
		if s.byFlag(row.flag) {
			command = append(command, "--"+row.flag+"="+row.value)
		}
	}
	return command
}

// selfSwap is the subcommand. Of the settings it takes those of the engine; what
// else it has to know stands at its own container.
func (p *program) selfSwap() *cobra.Command {
	return &cobra.Command{
		Use:    selfSwapCommand + " HELPER",
		Short:  "Replace the watchtower that created the container HELPER for that",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			env := map[string]string{}
			for name, text := range p.env {
				if strings.HasPrefix(name, "DOCKER_") {
					env[name] = text
				}
			}
			s, err := read(p.values, cmd.Flags().Changed, env)
			if err != nil {
				return err
			}
			engine, err := engineOf(s)
			if err != nil {
				return err
			}
			logger := newLogger(p.stderr, s, false)
			ctx, stop := signals(logger)
			defer stop()
			outcome, err := lifecycle.RunHelper(ctx, engine, args[0], func(step lifecycle.Step) {
				logger.Info(step.Action, "container", step.Container, "detail", step.Detail)
			})
			if outcome == lifecycle.OutcomeUnfinished {
				p.code = exitFailed // the engine starts it again
			}
			// The last line is what the watchtower reads that serves afterwards.
			if err != nil {
				_, _ = fmt.Fprintf(p.stderr, "watchtower: %s\n", inLine(err))
			} else {
				logger.Info("done", "outcome", string(outcome))
			}
			return nil
		},
	}
}
