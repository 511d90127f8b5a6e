package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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
	quiet, verbose bool
}

// opener makes the watchers that the settings ask for.
type opener func(*session) (fleet, error)

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
			_, _ = fmt.Fprintf(stderr, "watchtower: %s\n", plain(strings.TrimPrefix(strings.TrimSpace(line), "watchtower: ")))
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

Each flag has a variable, in brackets, which the flag wins over. Durations are
seconds (30) or have units (1m30s); lists are split at commas and white space.`,
		Version:           version(),
		Example:           "  watchtower --run-once --cleanup web 'db-.*'\n  watchtower check",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              cobra.ArbitraryArgs,
		RunE:              func(cmd *cobra.Command, names []string) error { return p.main(cmd, names, p.watch) },
	}
	root.SetUsageFunc(usage)
	for _, row := range table(&settings{}) {
		if row.flag != "" {
			p.flag(root.PersistentFlags(), row, row.short)
		}
	}
	root.AddCommand(p.checkCommand(), p.selfSwap(), p.notifyUpgrade())
	p.addHealth(root)
	p.addPreflight(root)
	return root
}

// flag defines the row's.
func (p *program) flag(flags *pflag.FlagSet, row setting, short string) {
	if p.values[row.flag] == nil {
		p.values[row.flag] = &value{kind: row.kind}
	}
	flag := flags.VarPF(p.values[row.flag], row.flag, short, row.help())
	if row.kind == kindSwitch {
		flag.NoOptDefVal = "true"
	}
	flag.Hidden = row.status != used
}

func (p *program) checkCommand() *cobra.Command {
	check := &cobra.Command{
		Use:   "check [flags] [container or pattern ...]",
		Short: "Show what a pass would do, touching nothing",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, names []string) error {
			p.quiet = true // the table says it
			return p.main(cmd, names, p.check)
		},
	}
	check.Flags().BoolVarP(&p.verbose, "verbose", "v", false, "show by which settings and labels each container is treated")
	for _, row := range table(&settings{}) {
		if row.short == "v" {
			// A command's own flag hides the root's of that name: here it has no short
			// form, so that -v can be what it is elsewhere.
			p.flag(check.Flags(), row, "")
			check.Flags().Lookup(row.flag).Hidden = true
		}
	}
	return check
}

// main reads the settings, makes the tower and hands it on.
func (p *program) main(cmd *cobra.Command, names []string, then func(context.Context, session) error) error {
	s, err := read(p.values, cmd.Flags().Changed, p.env)
	notifications, notifyErr := s.notifications()
	if err = errors.Join(err, notifyErr); err != nil {
		return err
	}
	s.names = names
	if p.quiet && s.logLevel == slog.LevelInfo {
		s.logLevel = slog.LevelWarn
	}
	terminal := p.terminal(p.stderr)
	out := &lockedWriter{w: p.stderr}
	se := session{settings: s, stdout: p.stdout, serving: !p.quiet && !s.runOnce, looks: p.quiet}
	if isTerminal(p.stdout) {
		se.stdout = plainWriter{p.stdout}
	}
	switch {
	case terminal && s.live() && !s.many():
		show := newProgress(screen{out: out, size: sizeOf(p.stderr), color: !s.noColor}, s.tabled())
		defer show.end()
		se.logger = newLogger(show, s, terminal)
		se.observers = append(se.observers, show)
	case terminal && s.format == "json": // which leaves controls above ASCII as they are
		se.logger = newLogger(plainWriter{out}, s, terminal)
	default:
		se.logger = newLogger(out, s, terminal)
	}
	if !p.quiet {
		if err = notifying(&se, notifications); err != nil {
			return err
		}
	}
	if se.towers, err = p.open(&se); err != nil {
		return err
	}
	for _, n := range s.notices {
		se.logger.Warn(n.text, "setting", n.source)
	}
	for _, n := range s.idleNotifications() {
		se.logger.Warn(n.text, "setting", n.source)
	}
	for _, name := range unknown(p.env) {
		se.logger.Warn("no setting has this name", "variable", name)
	}
	p.warnOfLogin(se.logger)
	if zone := p.env["TZ"]; zone != "" && !knownZone(zone) {
		se.logger.Warn("the time zone is unknown: UTC is used", "TZ", zone)
	}
	ctx, stop := signals(se.logger)
	defer stop()
	defer se.farewell(ctx)
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
