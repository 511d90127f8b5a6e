package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// fake is a Watcher whose answers are given.
type fake struct {
	report *watchtower.Report
	err    error
	during func(context.Context) // while it works
	calls  []string
}

func (f *fake) answer(ctx context.Context, call string) (*watchtower.Report, error) {
	f.calls = append(f.calls, call)
	if f.during != nil {
		f.during(ctx)
	}
	return f.report, f.err
}

func (f *fake) Check(ctx context.Context) (*watchtower.Report, error) {
	return f.answer(ctx, "check")
}

func (f *fake) Update(ctx context.Context) (*watchtower.Report, error) {
	return f.answer(ctx, "update")
}

func (f *fake) Run(ctx context.Context) error {
	_, err := f.answer(ctx, "run")
	return err
}

// with opens the fake, and keeps what it was opened with.
func (f *fake) with(kept *session) opener {
	return func(se *session) (fleet, error) {
		*kept = *se
		return fleet{f}, nil
	}
}

func reportOf(status watchtower.Status, err error) *watchtower.Report {
	return &watchtower.Report{Kind: watchtower.PassUpdate, Entries: []watchtower.Entry{
		{Container: lifecycle.Container{Name: "web", Image: "nginx"}, Status: status, Err: err},
	}}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	broken := errors.New("no engine at unix:///nowhere")
	for name, tt := range map[string]struct {
		args   []string
		report *watchtower.Report
		err    error
		call   string
		code   int
	}{
		"polling that was ended":     {nil, nil, nil, "run", exitOK},
		"polling that broke":         {nil, nil, broken, "run", exitFailed},
		"one pass, nothing there":    {[]string{"-R"}, &watchtower.Report{}, nil, "update", exitOK},
		"one pass, fresh":            {[]string{"-R"}, reportOf(watchtower.StatusFresh, nil), nil, "update", exitOK},
		"one pass, updated":          {[]string{"-R"}, reportOf(watchtower.StatusUpdated, nil), nil, "update", exitOK},
		"one pass, skipped":          {[]string{"-R"}, reportOf(watchtower.StatusSkipped, nil), nil, "update", exitOK},
		"one pass, failed":           {[]string{"-R"}, reportOf(watchtower.StatusFailed, broken), nil, "update", exitFailed},
		"one pass, rolled back":      {[]string{"-R"}, reportOf(watchtower.StatusRolledBack, broken), nil, "update", exitFailed},
		"one pass, not made":         {[]string{"-R"}, nil, broken, "update", exitFailed},
		"check, fresh":               {[]string{"check"}, reportOf(watchtower.StatusFresh, nil), nil, "check", exitOK},
		"check, stale":               {[]string{"check"}, reportOf(watchtower.StatusStale, nil), nil, "check", exitOK},
		"check, failed":              {[]string{"check"}, reportOf(watchtower.StatusFailed, broken), nil, "check", exitFailed},
		"check, failed, as JSON":     {[]string{"check", "--json"}, reportOf(watchtower.StatusFailed, broken), nil, "check", exitFailed},
		"check, not made":            {[]string{"check"}, nil, broken, "check", exitFailed},
		"check, whatever else is on": {[]string{"check", "-R"}, reportOf(watchtower.StatusFresh, nil), nil, "check", exitOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			f := &fake{report: tt.report, err: tt.err}
			assert.Equal(t, tt.code, run(tt.args, &out, &errs, nil, f.with(&session{})), errs.String())
			assert.Equal(t, []string{tt.call}, f.calls)
		})
	}
}

// What ends before there is an engine to ask.
func TestExitCodesWithoutAPass(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env, args []string
		code      int
		said      string
	}{
		"help":               {nil, []string{"--help"}, exitOK, ""},
		"help of a command":  {nil, []string{"help", "check"}, exitOK, ""},
		"version":            {nil, []string{"--version"}, exitOK, ""},
		"an unknown flag":    {nil, []string{"--http-api-tokne=canary"}, exitFailed, "watchtower: unknown flag: --http-api-tokne\n"},
		"a flag of a value":  {nil, []string{"--scope"}, exitFailed, "watchtower: flag needs an argument: --scope\n"},
		"a bad variable":     {[]string{"WATCHTOWER_POLL_INTERVAL=abc"}, nil, exitFailed, `watchtower: WATCHTOWER_POLL_INTERVAL: "abc": want a whole number of seconds or a duration (90s, 12h), at least 1 second` + "\n"},
		"what excludes":      {[]string{"WATCHTOWER_SCHEDULE=@daily"}, []string{"-i", "60"}, exitFailed, "watchtower: --interval and WATCHTOWER_SCHEDULE: want one of them\n"},
		"rolling":            {nil, []string{"--rolling-restart", "-m", "-R"}, exitFailed, "watchtower: --rolling-restart and --monitor-only: want one of them: what is only watched is not restarted\n"},
		"no token":           {nil, []string{"--http-api-metrics"}, exitFailed, "watchtower: --http-api-metrics: want a token along with it, in WATCHTOWER_HTTP_API_TOKEN\n"},
		"an unknown service": {[]string{"WATCHTOWER_NOTIFICATIONS=pigeon"}, nil, exitFailed, `watchtower: WATCHTOWER_NOTIFICATIONS: "pigeon": want some of email, slack, msteams, gotify, shoutrrr` + "\n"},
		"a secret":           {[]string{"WATCHTOWER_NOTIFICATION_URL=canary"}, nil, exitFailed, `watchtower: WATCHTOWER_NOTIFICATION_URL: "***": want URLs with a scheme, or paths of files with one on each line` + "\n"},
		"notify-upgrade": {
			nil,
			[]string{"notify-upgrade"},
			exitFailed,
			"watchtower: notify-upgrade: no notifications are set: want WATCHTOWER_NOTIFICATIONS and what belongs to it\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			assert.Equal(t, tt.code, run(tt.args, &out, &errs, tt.env, func(*session) (fleet, error) {
				t.Error("something was opened")
				return nil, nil
			}))
			assert.Equal(t, tt.said, errs.String())
			assert.Equal(t, tt.code == exitOK, out.String() != "")
		})
	}
}

// A signal ends what is going on, through the context; a second one is told and
// changes nothing. Not parallel: the signals are the process's.
func TestSignals(t *testing.T) {
	fresh := reportOf(watchtower.StatusFresh, nil)
	for name, tt := range map[string]struct {
		args []string
		code int
	}{
		"polling":  {nil, exitOK},
		"one pass": {[]string{"--run-once"}, exitFailed},
		"check":    {[]string{"check", "--log-level=debug"}, exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			var errs syncBuffer
			told := func(times int) func() bool {
				return func() bool { return strings.Count(errs.String(), "signal=") == times }
			}
			f := &fake{report: fresh, during: func(ctx context.Context) {
				self, err := os.FindProcess(os.Getpid())
				assert.NoError(t, err)
				assert.NoError(t, self.Signal(syscall.SIGTERM))
				<-ctx.Done()
				assert.Eventually(t, told(1), 10*time.Second, time.Millisecond)
				assert.NoError(t, self.Signal(os.Interrupt))
				assert.Eventually(t, told(2), 10*time.Second, time.Millisecond)
			}}
			env := []string{"WATCHTOWER_LOG_FORMAT=logfmt"}
			var out bytes.Buffer
			assert.Equal(t, tt.code, run(tt.args, &out, &errs, env, f.with(&session{})))
			assert.Regexp(t, `signal=terminated\n(.*\n)*.*signal=interrupt\n`, errs.String())
		})
	}
}

func TestWhatIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env, args []string
		want      []string // each line from its level on
	}{
		"all":        {nil, nil, []string{`level=info msg=watching interval=24h0m0s containers=all`}},
		"some":       {nil, []string{"-e", "--scope=a", "-i", "90", "web", "db"}, []string{`level=info msg=watching interval=1m30s containers="named web or db, with a true com.centurylinklabs.watchtower.enable, of scope a"`}},
		"a schedule": {[]string{"WATCHTOWER_SCHEDULE=@daily"}, nil, []string{`level=info msg=watching schedule=@daily containers=all`}},
		"some more": {nil, []string{"-x", "a,b", "--monitor-image-names=c", "--skip-image-names=d", "--enable-containers-by-label=e=f", "--disable-containers-by-label=g="}, []string{
			`level=info msg=watching interval=24h0m0s containers="not named a or b, of image c, not of image d, with label e=f, without label g="`,
		}},
		"unscoped":                      {[]string{"WATCHTOWER_SCOPE=none"}, nil, []string{`level=info msg=watching interval=24h0m0s containers="without a scope"`}},
		"nothing":                       {[]string{"WATCHTOWER_NO_STARTUP_MESSAGE=1"}, nil, nil},
		"one pass":                      {nil, []string{"-R"}, nil},
		"a good zone":                   {[]string{"TZ=Europe/Paris"}, []string{"-R"}, nil},
		"a login for whoever needs one": {[]string{"REPO_USER=canary", "REPO_PASS=canary"}, []string{"-R"}, nil},
		"half a login": {[]string{"REPO_USER=canary", "REPO_PASS=", "REPO_HOST=r.example"}, []string{"-R"}, []string{
			`level=warn msg="REPO_USER is not used: there is no REPO_PASS"`,
		}},
		"the other half": {[]string{"REPO_PASS_FILE=canary"}, []string{"-R"}, []string{
			`level=warn msg="REPO_PASS is not used: there is no REPO_USER"`,
		}},
		"a login": {[]string{"REPO_USER=canary", "REPO_PASS=canary", "REPO_HOST=r.example"}, []string{"-R"}, nil},
		"unknown": {[]string{"WATCHTOWER_SCHEDULES=canary", "WATCHTOWER_CLEANED=canary", "TZ=Mars/Base"}, []string{"-R"}, []string{
			`level=warn msg="no setting has this name" variable=WATCHTOWER_CLEANED`,
			`level=warn msg="no setting has this name" variable=WATCHTOWER_SCHEDULES`,
			`level=warn msg="the time zone is unknown: UTC is used" TZ=Mars/Base`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			f := &fake{report: &watchtower.Report{}}
			require.Equal(t, exitOK, run(tt.args, &out, &errs, tt.env, f.with(&session{})), errs.String())
			var got []string
			for line := range strings.Lines(errs.String()) {
				_, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
				got = append(got, rest)
			}
			assert.Equal(t, tt.want, got)
			assert.Empty(t, out.String())
		})
	}
}

func TestBadSettingsOpenNothing(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	code := run([]string{"--interval=0"}, &out, &errs, []string{"WATCHTOWER_CLEANUP=yes"},
		func(*session) (fleet, error) {
			t.Error("something was opened")
			return nil, nil
		})
	assert.Equal(t, exitFailed, code)
	assert.Equal(t, `watchtower: --interval: "0": want a whole number of seconds or a duration (90s, 12h), at least 1 second
watchtower: WATCHTOWER_CLEANUP: "yes": want true or false
`, errs.String())
}

func TestAContainerMayBeNamedLikeACommand(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-R", "--", "check", "help"}, {"-R", "--", "help"}, {"-R", "completion"}} {
		var out, errs bytes.Buffer
		var kept session
		f := &fake{report: &watchtower.Report{}}
		assert.Equal(t, exitOK, run(args, &out, &errs, nil, f.with(&kept)), errs.String())
		assert.Equal(t, []string{"update"}, f.calls)
		assert.Equal(t, args[len(args)-1], kept.settings.names[len(kept.settings.names)-1])
	}
}

func TestTheVersionIsTheModules(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	assert.Equal(t, exitOK, run([]string{"--version"}, &out, &errs, nil, (&fake{}).with(&session{})))
	assert.Regexp(t, `^watchtower version \S+\n$`, out.String())
}

func TestKnownZones(t *testing.T) {
	t.Parallel()
	for zone, want := range map[string]bool{
		"UTC": true, "Europe/Paris": true, ":Asia/Tokyo": true, "Mars/Base": false, "../etc/passwd": false,
		"/nowhere/zone": false, "/etc/passwd": false,
	} {
		assert.Equal(t, want, knownZone(zone), zone)
	}
}

// The settings that the README names are those there are.
func TestTheReadmeTellsOfTheSettings(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| ([^|]+) \\| ([^|]*)\\|")
	for _, file := range []string{"README.md", "README.fr.md"} {
		text, err := os.ReadFile("../../" + file)
		require.NoError(t, err)
		told := map[string][]string{}
		for _, m := range row.FindAllStringSubmatch(string(text), -1) {
			told[m[1]] = m[2:]
		}
		require.NotEmpty(t, told, file)
		for _, s := range table(&settings{}) {
			cells, ok := told[s.env]
			if !ok {
				continue // --help has them all
			}
			flags := "`--" + s.flag + "`"
			if s.short != "" {
				flags += ", `-" + s.short + "`"
			}
			assert.Equal(t, flags, cells[0], "%s: %s", file, s.env)
			if def, quoted := strings.CutPrefix(strings.TrimSpace(cells[1]), "`"); quoted {
				assert.Equal(t, s.shownDefault(), strings.TrimSuffix(def, "`"), "%s: %s", file, s.env)
			}
			delete(told, s.env)
		}
		assert.Empty(t, told, "%s tells of settings there are not", file)
	}
}
