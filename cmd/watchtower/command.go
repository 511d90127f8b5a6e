package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/watchtower-go/watchtower"
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
	open           opener
	values         map[string]*value
	code           int
	json, quiet    bool
}

// opener makes the watcher that the settings ask for.
type opener func(*session) (watchtower.Watcher, error)

// run is the whole program but for the process around it.
func run(args []string, stdout, stderr io.Writer, environ []string, open opener) int {
	p := &program{stdout: stdout, stderr: stderr, env: map[string]string{}, open: open, values: map[string]*value{}}
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
characters such as * or | it is a regular expression for the whole name. One
that is also a command goes after two dashes: watchtower -- check.

Each flag has a variable, which the flag wins over.`,
		Version:           version(),
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
	root.AddCommand(check, p.selfSwap())
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
	se := session{settings: s}
	var show *progress
	if terminal && s.format != "json" && s.format != "logfmt" {
		show = newProgress(out)
		se.logger = newLogger(show, s, terminal)
		se.observers = append(se.observers, show)
	} else {
		se.logger = newLogger(out, s, terminal)
	}
	if se.tower, err = p.open(&se); err != nil {
		return err
	}
	for _, name := range slices.Sorted(slices.Values(unknown(p.env))) {
		se.logger.Warn("not supported by this release", "variable", name)
	}
	p.warnOfLogin(se.logger)
	if zone := p.env["TZ"]; zone != "" && !knownZone(zone) {
		se.logger.Warn("the time zone is unknown: UTC is used", "TZ", zone)
	}
	ctx, stop := p.signals(&se)
	defer stop()
	return then(ctx, se)
}

// warnOfLogin tells of a login that is not used.
func (p *program) warnOfLogin(logger *slog.Logger) {
	user := p.env["REPO_USER"]+p.env["REPO_USER_FILE"] != ""
	pass := p.env["REPO_PASS"]+p.env["REPO_PASS_FILE"] != ""
	switch {
	case user && !pass:
		logger.Warn("REPO_USER is not used: there is no REPO_PASS")
	case pass && !user:
		logger.Warn("REPO_PASS is not used: there is no REPO_USER")
	case user && p.env["REPO_HOST"] == "":
		logger.Warn("REPO_USER and REPO_PASS are not used: REPO_HOST lists no registry they are for")
	}
}

// version is the module's, as the build noted it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}

// knownZone tells whether a TZ is one that Go's time has understood.
func knownZone(zone string) bool {
	zone = strings.TrimPrefix(zone, ":")
	if !filepath.IsAbs(zone) {
		_, err := time.LoadLocation(zone)
		return err == nil
	}
	data, err := os.ReadFile(zone)
	if err == nil {
		_, err = time.LoadLocationFromTZData(zone, data)
	}
	return err == nil
}
