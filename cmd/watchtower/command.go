package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
)

// program is one run of the command.
type program struct {
	stdout, stderr io.Writer
	env            map[string]string
	values         map[string]*value
	code           int
	json, quiet    bool
}

// run is the whole program but for the process around it.
func run(args []string, stdout, stderr io.Writer, environ []string) int {
	p := &program{stdout: stdout, stderr: stderr, env: map[string]string{}, values: map[string]*value{}}
	for _, pair := range environ {
		name, text, _ := strings.Cut(pair, "=")
		p.env[name] = text
	}
	root := p.command()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.Execute(); err != nil {
		for line := range strings.Lines(err.Error()) {
			_, _ = fmt.Fprintf(stderr, "watchtower: %s\n", strings.TrimPrefix(strings.TrimSpace(line), "watchtower: "))
		}
		return exitFailed
	}
	return p.code
}

func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "watchtower [flags] [container or pattern ...]",
		Short: "Keep running containers on the newest image their reference points at",
		Long: `Keep running containers on the newest image their reference points at.

Without names all running containers are watched. A name is met exactly; with
characters such as * or | it is a regular expression for the whole name. Each
flag has a variable, which the flag wins over.`,
		Example:           "  watchtower --run-once --cleanup web 'db-.*'\n  watchtower check",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              cobra.ArbitraryArgs,
		RunE:              func(cmd *cobra.Command, names []string) error { return p.main(cmd, names, p.watch) },
	}
	for _, row := range table() {
		v := &value{boolean: row.boolean}
		p.values[row.flag] = v
		usage := fmt.Sprintf("%s [%s]", row.usage, row.env)
		if row.def != "" && row.def != "false" {
			usage = fmt.Sprintf("%s (default %s) [%s]", row.usage, row.def, row.env)
		}
		flag := root.PersistentFlags().VarPF(v, row.flag, row.short, usage)
		if row.boolean {
			flag.NoOptDefVal = "true"
		}
	}
	check := &cobra.Command{
		Use:   "check [container or pattern ...]",
		Short: "Show what a pass would do, touching nothing",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, names []string) error {
			p.quiet = true // the table says it
			return p.main(cmd, names, p.check)
		},
	}
	check.Flags().BoolVar(&p.json, "json", false, "print the report as JSON")
	root.AddCommand(check)
	return root
}

// main reads the settings, makes the tower and hands it on.
func (p *program) main(cmd *cobra.Command, names []string, then func(context.Context, session) error) error {
	s, err := read(p.values, cmd.Flags().Changed, p.env)
	if err != nil {
		return err
	}
	s.names = names
	if p.quiet && s.logLevel == slog.LevelInfo {
		s.logLevel = slog.LevelWarn
	}
	terminal := isTerminal(p.stderr)
	out := &lockedWriter{w: p.stderr}
	se := session{settings: s, observers: nil}
	var show *progress
	if terminal && s.format != "json" && s.format != "logfmt" {
		show = newProgress(out)
		se.logger = newLogger(show, s, terminal)
		se.observers = append(se.observers, show)
	} else {
		se.logger = newLogger(out, s, terminal)
	}
	if se.tower, err = p.tower(&se); err != nil {
		return err
	}
	for _, name := range slices.Sorted(slices.Values(unknown(p.env))) {
		se.logger.Warn("this release has no such setting", "variable", name)
	}
	if zone := p.env["TZ"]; zone != "" {
		if _, err := time.LoadLocation(strings.TrimPrefix(zone, ":")); err != nil {
			se.logger.Warn("the time zone is unknown: UTC is used", "TZ", zone)
		}
	}
	ctx, stop := p.signals(&se)
	defer stop()
	return then(ctx, se)
}

// signals gives a context that ends with the first SIGINT or SIGTERM. Later ones
// are told and change nothing: a swap in hand is finished or undone.
func (p *program) signals(se *session) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case sig := <-signals:
				se.logger.Info("ending: a swap in hand is finished or undone first", "signal", sig.String())
				cancel()
			case <-done:
				return
			}
		}
	}()
	return ctx, func() { signal.Stop(signals); close(done); cancel() }
}

// watch is the program without a subcommand.
func (p *program) watch(ctx context.Context, se session) error {
	if se.settings.runOnce {
		report, err := se.tower.Update(ctx)
		if err != nil || ctx.Err() != nil || report.Err() != nil {
			p.code = exitFailed
		}
		return nil // what went wrong stands in the log
	}
	if !se.settings.quietStart {
		se.logger.Info("watching", "interval", se.settings.interval.String(), "containers", watched(se.settings))
	}
	return se.tower.Run(ctx)
}

func watched(s settings) string {
	switch {
	case len(s.names) > 0:
		return strings.Join(s.names, ", ")
	case s.labelEnable:
		return "those with a true " + filter.EnableLabel
	case s.scope != "":
		return "those of scope " + s.scope
	default:
		return "all"
	}
}

// check is the subcommand.
func (p *program) check(ctx context.Context, se session) error {
	report, err := se.tower.Check(ctx)
	if err != nil {
		p.code = exitFailed
		return nil // logged
	}
	if report.Err() != nil {
		p.code = exitFailed
	}
	if p.json {
		return printJSON(p.stdout, report)
	}
	return printTable(p.stdout, report)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// lockedWriter keeps lines of different writers whole.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// nameWarner tells once of each name that no container has.
type nameWarner struct {
	names *filter.NameFilter
	warn  func(name string)
	told  map[string]bool
}

// Observe looks at the first report, and each one after it.
func (n *nameWarner) Observe(_ context.Context, e watchtower.Event) {
	end, ok := e.(watchtower.PassEnded)
	if !ok {
		return
	}
	containers := make([]watchtower.Container, len(end.Report.Entries))
	for i, entry := range end.Report.Entries {
		containers[i] = entry.Container
	}
	for _, name := range n.names.Unmatched(containers) {
		if !n.told[name] {
			n.told[name] = true
			n.warn(name)
		}
	}
}
