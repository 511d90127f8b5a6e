package main

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// parse reads settings as the program does.
func parse(t *testing.T, env map[string]string, args ...string) (settings, error) {
	t.Helper()
	p := &program{env: env, values: map[string]*value{}}
	cmd := p.command()
	var s settings
	var bad error
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		s, bad = read(p.values, cmd.Flags().Changed, env)
		s.names = names
		return nil
	}
	cmd.SetArgs(args)
	require.NoError(t, cmd.Execute())
	return s, bad
}

func duration(d time.Duration) *time.Duration { return &d }

// Each setting by variable and by flag, and what comes of it.
func TestEverySettingHasAVariableAndAFlag(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		value string
		args  []string
		field func(settings) any
		want  any
	}{
		"DOCKER_HOST":                   {"tcp://h:1", []string{"-H", "tcp://h:1"}, func(s settings) any { return s.host }, "tcp://h:1"},
		"DOCKER_TLS_VERIFY":             {"1", []string{"-v"}, func(s settings) any { return s.tlsVerify }, true},
		"DOCKER_CERT_PATH":              {"/certs", []string{"--cert-path=/certs"}, func(s settings) any { return s.certPath }, "/certs"},
		"DOCKER_API_VERSION":            {"1.41", []string{"-a", "1.41"}, func(s settings) any { return s.apiVersion }, "1.41"},
		"WATCHTOWER_POLL_INTERVAL":      {"300", []string{"-i", "5m"}, func(s settings) any { return s.interval }, 5 * time.Minute},
		"WATCHTOWER_RUN_ONCE":           {"true", []string{"-R"}, func(s settings) any { return s.runOnce }, true},
		"WATCHTOWER_UPDATE_ON_START":    {"T", []string{"--update-on-start"}, func(s settings) any { return s.updateOnStart }, true},
		"WATCHTOWER_CLEANUP":            {"1", []string{"-c"}, func(s settings) any { return s.cleanup }, true},
		"WATCHTOWER_ROLLING_RESTART":    {"TRUE", []string{"--rolling-restart"}, func(s settings) any { return s.rolling }, true},
		"WATCHTOWER_TIMEOUT":            {"30", []string{"-t", "30s"}, func(s settings) any { return s.stopTimeout }, duration(30 * time.Second)},
		"WATCHTOWER_UPDATE_ORDER":       {" Start-First", []string{"--update-order=start-first"}, func(s settings) any { return s.order }, "start-first"},
		"WATCHTOWER_STABLE_TIME":        {"10", []string{"--stable-time=10s"}, func(s settings) any { return s.stableTime }, 10 * time.Second},
		"WATCHTOWER_PROBE":              {" tcp://:5432 ", []string{"--probe=tcp://:5432"}, func(s settings) any { return s.probe.String() }, "tcp://:5432"},
		"WATCHTOWER_PROBE_TIMEOUT":      {"90", []string{"--probe-timeout=1m30s"}, func(s settings) any { return s.probeTimeout }, 90 * time.Second},
		"WATCHTOWER_STATE_DIR":          {"/state", []string{"--state-dir", "/state"}, func(s settings) any { return s.stateDir }, "/state"},
		"WATCHTOWER_LABEL_ENABLE":       {"t", []string{"-e"}, func(s settings) any { return s.labelEnable }, true},
		"WATCHTOWER_SCOPE":              {"a", []string{"--scope", "a"}, func(s settings) any { return s.scope }, "a"},
		"WATCHTOWER_LOG_LEVEL":          {"error", []string{"--log-level=ERROR"}, func(s settings) any { return s.level() }, slog.LevelError},
		"WATCHTOWER_DEBUG":              {"1", []string{"-d"}, func(s settings) any { return s.level() }, slog.LevelDebug},
		"WATCHTOWER_TRACE":              {"1", []string{"--trace"}, func(s settings) any { return s.level() }, levelTrace},
		"WATCHTOWER_LOG_FORMAT":         {"json", []string{"-l", "JSON"}, func(s settings) any { return s.format }, "json"},
		"NO_COLOR":                      {"anything", []string{"--no-color"}, func(s settings) any { return s.noColor }, true},
		"WATCHTOWER_NO_STARTUP_MESSAGE": {"1", []string{"--no-startup-message"}, func(s settings) any { return s.quietStart }, true},
	}
	for _, row := range table() {
		tt, ok := tests[row.env]
		require.True(t, ok, "%s is tested", row.env)
		s, err := parse(t, map[string]string{row.env: tt.value})
		require.NoError(t, err)
		assert.Equal(t, tt.want, tt.field(s), row.env)
		s, err = parse(t, nil, tt.args...)
		require.NoError(t, err)
		assert.Equal(t, tt.want, tt.field(s), "%v", tt.args)
		none, err := parse(t, map[string]string{row.env: ""})
		require.NoError(t, err)
		assert.NotEqual(t, tt.want, tt.field(none), "an empty %s is none", row.env)
	}
	assert.Len(t, tests, len(table()))
}

func TestAFlagWinsOverAVariable(t *testing.T) {
	t.Parallel()
	env := map[string]string{"WATCHTOWER_CLEANUP": "true", "WATCHTOWER_SCOPE": "env", "WATCHTOWER_POLL_INTERVAL": "rubbish"}
	s, err := parse(t, env, "--cleanup=false", "--scope", "flag", "-i", "60", "web", "db-.*")
	require.NoError(t, err)
	assert.False(t, s.cleanup)
	assert.Equal(t, "flag", s.scope)
	assert.Equal(t, time.Minute, s.interval)
	assert.Equal(t, []string{"web", "db-.*"}, s.names)
}

// Two variables are not ours: their values mean what Docker and no-color.org say.
func TestVariablesOfOthersKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{"1": true, "yes": true, "0": false, "false": false, "": false} {
		s, err := parse(t, map[string]string{"DOCKER_TLS_VERIFY": value})
		require.NoError(t, err)
		assert.Equal(t, want, s.tlsVerify, value)
	}
	for value, want := range map[string]bool{"1": true, "0": true, "false": true, "": false} {
		s, err := parse(t, map[string]string{"NO_COLOR": value})
		require.NoError(t, err)
		assert.Equal(t, want, s.noColor, value)
	}
	s, err := parse(t, map[string]string{"NO_COLOR": "1", "DOCKER_TLS_VERIFY": "1"}, "--no-color=false", "--tlsverify=false")
	require.NoError(t, err)
	assert.False(t, s.noColor)
	assert.False(t, s.tlsVerify)
	_, err = parse(t, nil, "--no-color=perhaps", "--tlsverify=perhaps")
	assert.EqualError(t, err, `--tlsverify: "perhaps": want true or false
--no-color: "perhaps": want true or false`)
}

func TestASwitchIsWhatGoTakesForABool(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{
		"1": true, "t": true, "T": true, "true": true, "TRUE": true, "True": true, " true ": true,
		"0": false, "f": false, "F": false, "false": false, "FALSE": false, "False": false,
	} {
		s, err := parse(t, map[string]string{"WATCHTOWER_CLEANUP": value})
		require.NoError(t, err)
		assert.Equal(t, want, s.cleanup, "%q", value)
		s, err = parse(t, nil, "--cleanup="+value)
		require.NoError(t, err)
		assert.Equal(t, want, s.cleanup, "%q", value)
	}
	for _, value := range []string{"yes", "on", "2", "tRUE", " "} {
		_, err := parse(t, map[string]string{"WATCHTOWER_CLEANUP": value})
		assert.EqualError(t, err, `WATCHTOWER_CLEANUP: "`+value+`": want true or false`)
	}
	_, err := parse(t, nil, "--cleanup=")
	assert.EqualError(t, err, `--cleanup: "": want true or false`)
}

func TestTheDefaults(t *testing.T) {
	t.Parallel()
	s, err := parse(t, nil)
	require.NoError(t, err)
	assert.Equal(t, settings{logLevel: slog.LevelInfo, format: "auto", interval: 24 * time.Hour, given: map[string]bool{}, names: []string{}}, s)
}

func TestBadValuesAreAllTold(t *testing.T) {
	t.Parallel()
	for _, bad := range []struct{ env, value string }{
		{"WATCHTOWER_POLL_INTERVAL", "0"},
		{"WATCHTOWER_POLL_INTERVAL", "-5"},
		{"WATCHTOWER_POLL_INTERVAL", "500ms"},
		{"WATCHTOWER_POLL_INTERVAL", "99999999999999999999"},
		{"WATCHTOWER_POLL_INTERVAL", "9999999999999"},
		{"WATCHTOWER_TIMEOUT", "-1s"},
		{"WATCHTOWER_TIMEOUT", "soon"},
		{"WATCHTOWER_CLEANUP", "yes"},
		{"WATCHTOWER_CLEANUP", "on"},
		{"WATCHTOWER_LOG_LEVEL", "loud"},
		{"WATCHTOWER_UPDATE_ORDER", "first"},
		{"WATCHTOWER_LOG_FORMAT", "xml"},
		{"WATCHTOWER_PROBE", "http://web:8080/"},
		{"WATCHTOWER_PROBE_TIMEOUT", "0"},
		{"WATCHTOWER_TRACE", "2"},
	} {
		_, err := parse(t, map[string]string{bad.env: bad.value})
		require.Error(t, err, "%+v", bad)
		assert.Regexp(t, "^"+bad.env+`: "`+regexp.QuoteMeta(bad.value)+`": want .+`, err.Error())
	}
	_, err := parse(t, map[string]string{"WATCHTOWER_CLEANUP": "x", "WATCHTOWER_TIMEOUT": "y"}, "--log-level", "z")
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 3)
	_, err = parse(t, map[string]string{"WATCHTOWER_PROBE": "http://user:canary@:8080/"})
	require.ErrorContains(t, err, `WATCHTOWER_PROBE: "http://***@:8080/": want exec:COMMAND`)
}

func TestTheSevenLevels(t *testing.T) {
	t.Parallel()
	order := []string{"panic", "fatal", "error", "warn", "info", "debug", "trace"}
	for i, name := range order {
		s, err := parse(t, map[string]string{"WATCHTOWER_LOG_LEVEL": name})
		require.NoError(t, err)
		var out bytes.Buffer
		l := newLogger(&out, s, false)
		for _, each := range order {
			l.Log(t.Context(), levels[each], "says "+each)
			assert.Equal(t, name, levelName(levels[name]))
		}
		for j, each := range order {
			assert.Equal(t, j <= i, strings.Contains(out.String(), "says "+each), "%s at level %s", each, name)
		}
	}
	s, err := parse(t, map[string]string{"WATCHTOWER_LOG_LEVEL": "warning", "WATCHTOWER_DEBUG": "true"})
	require.NoError(t, err)
	assert.Equal(t, slog.LevelDebug, s.level(), "the switch wins")
}

func TestUnknownVariablesAreNamed(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"WATCHTOWER_SCHEDULE"}, unknown(map[string]string{
		"WATCHTOWER_SCHEDULE": "0 4 * * *", "WATCHTOWER_CLEANUP": "1", "WATCHTOWER_EMPTY": "", "OTHER": "1",
	}))
}

func TestHelpShowsEverySettingAndNoValue(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	assert.Equal(t, exitOK, run([]string{"--help"}, &out, &errs, []string{"WATCHTOWER_SCOPE=canary", "DOCKER_HOST=tcp://canary"}, open))
	for _, row := range table() {
		assert.Contains(t, out.String(), "--"+row.flag)
		assert.Contains(t, out.String(), "["+row.env+"]")
	}
	assert.NotContains(t, out.String(), "canary")
	assert.Empty(t, errs.String())
}

func TestLogFormats(t *testing.T) {
	t.Parallel()
	write := func(format string, terminal bool) string {
		var out bytes.Buffer
		l := newLogger(&out, settings{format: format, logLevel: levelTrace}, terminal)
		l.With("scope", "a b").WithGroup("g").Warn("rolled back", "container", "web")
		return out.String()
	}
	assert.Regexp(t, `^time=\S+ level=warn msg="rolled back" scope="a b" g.container=web\n$`, write("auto", false))
	assert.Regexp(t, `^time=\S+ level=warn msg="rolled back"`, write("logfmt", true))
	assert.Regexp(t, `^{"time":"[^"]+","level":"warn","msg":"rolled back","scope":"a b","g":{"container":"web"}}\n$`, write("json", true))
	assert.Regexp(t, `^\d\d:\d\d:\d\d WARN  rolled back  scope="a b" g.container=web\n$`, write("pretty", false))
	assert.Contains(t, write("auto", true), "\x1b[33mWARN \x1b[0m rolled back")
}

func TestProgressIsOneLineThatLogLinesGoAbove(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newProgress(&out)
	observe := func(e watchtower.Event) { p.Observe(context.Background(), e) } //nolint:forbidigo // nothing waits
	pulled := func(layer, status string, current, total int64) {
		observe(watchtower.PullProgressed{Reference: "app:1", Progress: lifecycle.PullProgress{Layer: layer, Status: status, Current: current, Total: total}})
	}
	observe(watchtower.PullStarted{Reference: "app:1"})
	pulled("1", "Pulling from app", 0, 0)
	pulled("aa", "Downloading", 500_000, 2_000_000)
	pulled("bb", "Already exists", 0, 0)
	assert.Equal(t, "pulling app:1 1/2 layers 500 kB/2.0 MB", p.line())
	_, err := p.Write([]byte("a log line\n"))
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(out.String(), "\r\x1b[Ka log line\npulling app:1 1/2 layers 500 kB/2.0 MB"), "%q", out.String())
	observe(watchtower.PullEnded{Reference: "app:1"})
	observe(watchtower.StepStarted{Step: lifecycle.Step{Container: "web", Action: "stop"}})
	observe(watchtower.StepStarted{Step: lifecycle.Step{Container: "db", Action: "verify"}})
	assert.Equal(t, "db: verify | web: stop", p.line())
	observe(watchtower.UpdateEnded{Entry: watchtower.Entry{Container: lifecycle.Container{Name: "db"}}})
	observe(watchtower.PassEnded{})
	assert.Empty(t, p.line())
	assert.True(t, strings.HasSuffix(out.String(), "\r\x1b[K"), "nothing is left on the terminal")
}

func TestTableAndJSON(t *testing.T) {
	t.Parallel()
	r := &watchtower.Report{Kind: watchtower.PassCheck, Entries: []watchtower.Entry{
		{Container: lifecycle.Container{Name: "db", Image: "postgres:17"}, Status: watchtower.StatusSkipped, Reason: "pinned to a digest"},
		{Container: lifecycle.Container{Name: "web", Image: "nginx"}, Status: watchtower.StatusStale, Latest: "sha256:1"},
	}}
	var out bytes.Buffer
	require.NoError(t, printTable(&out, r))
	assert.Equal(t, `CONTAINER  IMAGE        STATUS   WHY
db         postgres:17  skipped  pinned to a digest
web        nginx        stale    would be replaced: now at sha256:1

stale=1 scanned=1 updated=0 failed=0 skipped=1 rolled_back=0
`, out.String())
	r.Plan.Groups = []watchtower.PlannedGroup{{Members: []watchtower.PlannedMember{
		{Name: "web", Cause: "it moved", To: &watchtower.PlannedImage{}}, {Name: "side", Cause: "it lives in the network of web"},
	}}}
	out.Reset()
	require.NoError(t, printTable(&out, r))
	assert.Contains(t, out.String(), `
An update would:
replace web: it moved
  with it restart side: it lives in the network of web

stale=1`)
	out.Reset()
	require.NoError(t, printJSON(&out, r))
	assert.Contains(t, out.String(), `"status": "stale"`)
}

func TestAMissingNameIsToldOnce(t *testing.T) {
	t.Parallel()
	names, err := filter.Names("web", "wbe")
	require.NoError(t, err)
	var told []string
	w := &nameWarner{names: names, told: map[string]bool{}, warn: func(name string) { told = append(told, name) }}
	for range 3 {
		w.Observe(context.Background(), watchtower.PassEnded{Report: &watchtower.Report{ //nolint:forbidigo // nothing waits
			Entries: []watchtower.Entry{{Container: lifecycle.Container{Name: "web"}}},
		}})
	}
	assert.Equal(t, []string{"wbe"}, told)
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"30", "1m30s", "-1", "9223372036854775807", " 5 ", "0x10"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s settings
		if setStopTimeout(&s, text) == nil && *s.stopTimeout < 0 {
			t.Errorf("%q is %v", text, *s.stopTimeout)
		}
		if setInterval(&s, text) == nil && s.interval < time.Second {
			t.Errorf("%q is %v", text, s.interval)
		}
	})
}
