package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/watchtower-go/watchtower"
)

const (
	// healthWithin bounds a question for health, from both sides: the engine has
	// eight seconds to answer, and the image's HEALTHCHECK ten.
	healthWithin = 9 * time.Second
	// healthMost bounds an answer, in bytes.
	healthMost = 4 << 10
	// healthWhy bounds what of it is not well, so that this is less, however it is written.
	healthWhy = 512
	// healthRest is before the next try after one that could not be accepted.
	healthRest = time.Second
)

// healthTeller is a watcher that says how it is.
type healthTeller interface {
	Health(ctx context.Context) watchtower.Health
}

// healthAnswer is what a running watcher says to those who ask.
type healthAnswer struct {
	Why  string // empty: it is well
	Some bool   // it is for some of several engines, whose work a restart would end
	Last time.Time
	Next time.Time
}

// addHealth adds the subcommand and the flag of the same meaning.
func (p *program) addHealth(root *cobra.Command) {
	ask := func(cmd *cobra.Command) error {
		ctx, cancel := context.WithTimeout(cmd.Context(), healthWithin)
		defer cancel()
		return p.health(ctx)
	}
	watch := root.RunE
	root.RunE = func(cmd *cobra.Command, names []string) error {
		if asked, err := strconv.ParseBool(p.values["health-check"].String()); err == nil && asked {
			return ask(cmd)
		}
		return watch(cmd, names)
	}
	root.AddCommand(&cobra.Command{
		Use:   "health",
		Short: "Ask the watchtower that runs here whether it is well: 0 if it is, else 1",
		Long: `Ask the watchtower that runs in this container, or as this user outside of one,
whether it is well: 0 if the last pass that was due has been made, not more than
one interval late, and the engine answers it; else 1 and a line that says why.

It changes nothing and reads no settings: the one that runs is asked, and it has
them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return ask(cmd) },
	})
}

// health asks every watcher of this user here: all must be well.
func (p *program) health(ctx context.Context) error {
	answers, err := askHealth(ctx)
	if err != nil {
		return fmt.Errorf("unhealthy: %w", err)
	}
	return healthy(p.stdout, answers)
}

// healthy says how the watchers are, or is the error of one that is not well. One that is
// for some of its engines is told of and counts as well: it is restarted for the others'
// sake otherwise, and its own update taken back.
func healthy(out io.Writer, answers []healthAnswer) error {
	if len(answers) == 0 {
		return errors.New("unhealthy: no watchtower of this user runs here")
	}
	for _, a := range answers {
		if a.Why != "" && !a.Some {
			return fmt.Errorf("unhealthy: %s", a.Why)
		}
	}
	for _, a := range answers {
		but := ""
		if a.Why != "" {
			but = "; but " + a.Why
		}
		if _, err := fmt.Fprintf(out, "healthy: last pass %s, next %s%s\n", at(a.Last), at(a.Next), but); err != nil {
			return err
		}
	}
	return nil
}

func at(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.Format(time.RFC3339)
}

// tellHealth lets others ask for the watchers' health until stop is called. Where
// that cannot be it is said, and the watchers do their work all the same.
func tellHealth(f fleet, logger *slog.Logger) (stop func()) {
	if _, ok := f[0].(healthTeller); !ok {
		return func() {}
	}
	listener, err := listenHealth()
	if err != nil {
		logger.Warn("nobody can ask for health", "err", err)
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil:
				time.Sleep(healthRest)
			default:
				answerHealth(ctx, conn, f)
			}
		}
	}()
	return func() { cancel(); _ = listener.Close(); <-done }
}

// answerHealth answers one question, if it comes from this user: for others the
// engine is not asked.
func answerHealth(ctx context.Context, conn net.Conn, f fleet) {
	defer func() { _ = conn.Close() }()
	if !trusted(conn) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	a := healthOfAll(f.health(ctx))
	_ = conn.SetDeadline(time.Now().Add(time.Second)) // it is a line to somebody next door
	_ = json.NewEncoder(conn).Encode(a)
}

// healthOfAll is that of all together: of the engine that is furthest behind, and why any is
// not well.
func healthOfAll(all []watchtower.Health) (a healthAnswer) {
	var why []string
	for i, h := range all {
		if i == 0 || h.LastPass.Before(a.Last) {
			a.Last = h.LastPass
		}
		if i == 0 || h.NextDue.Before(a.Next) {
			a.Next = h.NextDue
		}
		if h.Err == nil {
			continue
		}
		text := strings.ReplaceAll(inLine(h.Err), "watchtower: ", "")
		if h.Engine != "" {
			text = h.Engine + ": " + text
		}
		why = append(why, text)
	}
	a.Why, a.Some = strings.Join(why, "; "), len(why) < len(all)
	if len(a.Why) > healthWhy {
		a.Why = strings.ToValidUTF8(a.Why[:healthWhy], "") + "…"
	}
	return a
}

// askOne asks one watcher, and hangs up.
func askOne(ctx context.Context, conn net.Conn) (a healthAnswer, err error) {
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if err := json.NewDecoder(io.LimitReader(conn, healthMost)).Decode(&a); err != nil {
		return a, fmt.Errorf("the watchtower that runs here does not answer: %w", err)
	}
	return a, nil
}
