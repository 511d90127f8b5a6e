package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
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

// Two variables are not ours: their values mean what Docker says, and that one is there.
func TestVariablesOfOthersKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{"1": true, "yes": true, "0": false, "false": false, "": false} {
		s, err := parse(t, map[string]string{"DOCKER_TLS_VERIFY": value})
		require.NoError(t, err)
		assert.Equal(t, want, s.tlsVerify, value)
	}
	for value, want := range map[string]bool{"1": true, "0": true, "false": true, "": true} {
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
	assert.Equal(t, settings{logLevel: slog.LevelInfo, format: "auto", interval: 24 * time.Hour, includeRestarting: true, given: map[string]string{}, names: []string{}}, s)
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
		{"WATCHTOWER_JITTER", "-1"},
		{"WATCHTOWER_PORCELAIN", "v2"},
		{"WATCHTOWER_DISABLE_CONTAINERS", "web, db("},
		{"WATCHTOWER_MONITOR_IMAGE_NAMES", "[a"},
		{"WATCHTOWER_SKIP_IMAGE_NAMES", "a *"},
		{"WATCHTOWER_ENABLE_CONTAINERS_BY_LABEL", "a=b,c"},
		{"WATCHTOWER_DISABLE_CONTAINERS_BY_LABEL", " =b"},
		{"WATCHTOWER_DISABLE_CONTAINERS_BY_LABEL", strings.Repeat("a=b,", 101)},
		{"WATCHTOWER_DISABLE_CONTAINERS_BY_LABEL", "a=" + strings.Repeat("b", 4095)},
		{"WATCHTOWER_COOLDOWN_DELAY", "-1d"},
		{"WATCHTOWER_COOLDOWN_DELAY", "7"},
		{"WATCHTOWER_COOLDOWN_DELAY", "3y"},
		{"WATCHTOWER_COOLDOWN_DELAY", "1d2"},
		{"WATCHTOWER_COOLDOWN_DELAY", "99999w"},
		{"WATCHTOWER_COOLDOWN_DELAY", "15000w15000w"},
		{"WATCHTOWER_LIFECYCLE_UID", "-1"},
		{"WATCHTOWER_LIFECYCLE_GID", "2147483648"},
		{"WATCHTOWER_LIFECYCLE_GID", "root"},
		{"WATCHTOWER_HTTP_API_ENDPOINTS", "update,upgrade"},
		{"WATCHTOWER_HTTP_API_HOST", "localhost"},
		{"WATCHTOWER_HTTP_API_PORT", "0"},
		{"WATCHTOWER_HTTP_API_TRUSTED_PROXIES", "10.0.0.0/33"},
		{"WATCHTOWER_NOTIFICATIONS", "email,pigeon"},
		{"WATCHTOWER_NOTIFICATIONS_LEVEL", "loud"},
		{"WATCHTOWER_NOTIFICATIONS_DELAY", "3s"},
		{"WATCHTOWER_NOTIFICATION_GOTIFY_URL", "gotify.example"},
		{"WATCHTOWER_NOTIFICATION_EMAIL_FROM", "Watchtower <wt@example.com>"},
		{"WATCHTOWER_NOTIFICATION_EMAIL_TO", "a@example.com, Ops <b@example.com>"},
		{"WATCHTOWER_NOTIFICATION_EMAIL_TO", "a@example.com;b@example.com"},
	} {
		_, err := parse(t, map[string]string{bad.env: bad.value})
		require.Error(t, err, "%+v", bad)
		assert.True(t, strings.HasPrefix(err.Error(), bad.env+`: "`+bad.value+`": want `), err)
	}
	// Of what has a grammar, what is wrong in it is told.
	for _, bad := range []struct{ env, value, want string }{
		{"WATCHTOWER_SCHEDULE", "TZ=Mars/Base 0 4 * * *", `cron "TZ=Mars/Base 0 4 * * *": zone "Mars/Base": want `},
		{"WATCHTOWER_SCHEDULE", "@every 0s", `cron "@every 0s": @every "0s": want `},
		{"WATCHTOWER_SCHEDULE", `"0 4 30 2 *"`, `cron "0 4 30 2 *": day of the month "30" never comes in month "2": want `},
		{"WATCHTOWER_UPDATE_WINDOW", "at night", `gate: window "at night": "night" is no zone: want `},
		{"WATCHTOWER_UPDATE_WINDOW", "Mon", `gate: window "Mon": it names no hours: want `},
	} {
		_, err := parse(t, map[string]string{bad.env: bad.value})
		require.ErrorContains(t, err, bad.env+": "+bad.want)
	}
	_, err := parse(t, map[string]string{"WATCHTOWER_CLEANUP": "x", "WATCHTOWER_TIMEOUT": "y"}, "--log-level", "z")
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 3)
	_, err = parse(t, map[string]string{"WATCHTOWER_PROBE": "http://user:canary@:8080/"})
	require.ErrorContains(t, err, `WATCHTOWER_PROBE: "http://***@:8080/": want exec:COMMAND`)
}

// A list of nothing but what splits it is no list: it is refused, wherever there is one.
func TestAListOfNothingIsRefused(t *testing.T) {
	t.Parallel()
	for _, row := range table(&settings{}) {
		if row.status != used || !row.kind.many() && row.kind != kindSecret && row.flag != "notification-email-from" {
			continue
		}
		for _, value := range []string{",", " ", " , ,\t"} {
			if row.kind == kindSecret && value != " " {
				continue
			}
			_, err := parse(t, map[string]string{row.env: value})
			require.Error(t, err, "%s: %q", row.env, value)
			assert.True(t, strings.HasPrefix(err.Error(), row.env+": "+strconv.Quote(row.shown(value))+": want "), err)
		}
	}
	for _, more := range []string{"web,", " web , ,", "web"} {
		s, err := parse(t, map[string]string{"WATCHTOWER_DISABLE_CONTAINERS": more})
		require.NoError(t, err)
		assert.Equal(t, []string{"web"}, s.disabled)
	}
	_, err := parse(t, nil, "-x", "")
	require.NoError(t, err, "an empty one is none")
	path := filepath.Join(t.TempDir(), "urls")
	require.NoError(t, os.WriteFile(path, []byte("# none\n"), 0o600))
	_, err = parse(t, map[string]string{"WATCHTOWER_NOTIFICATION_URL_FILE": path})
	require.ErrorContains(t, err, "WATCHTOWER_NOTIFICATION_URL_FILE: read "+path+": no URL in it")
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
	assert.Equal(t, []string{"WATCHTOWER_CLEANUP_FILE", "WATCHTOWER_SCHEDULES"}, unknown(map[string]string{
		"WATCHTOWER_SCHEDULES": "0 4 * * *", "WATCHTOWER_CLEANUP": "1", "WATCHTOWER_EMPTY": "", "OTHER": "1",
		"WATCHTOWER_HTTP_API_TOKEN_FILE": "/x", "WATCHTOWER_CLEANUP_FILE": "x",
	}))
}

func TestHelpShowsEverySettingAndNoValue(t *testing.T) {
	t.Parallel()
	var env []string
	for _, row := range table(&settings{}) {
		if row.env != "" {
			env = append(env, row.env+"=canary")
		}
	}
	var out, errs bytes.Buffer
	assert.Equal(t, exitOK, run([]string{"--help"}, &out, &errs, env, open))
	for _, row := range table(&settings{}) {
		if row.flag != "" {
			assert.Contains(t, out.String(), "--"+row.flag)
		}
		switch {
		case row.status != used:
		case row.flag == "":
			assert.Contains(t, out.String(), row.env)
		case row.env != "":
			assert.Contains(t, out.String(), "["+row.env+"]")
		}
	}
	assert.NotContains(t, out.String(), "canary")
	assert.NotContains(t, out.String(), "[=")
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

func TestTableAndJSON(t *testing.T) {
	t.Parallel()
	r := &watchtower.Report{Kind: watchtower.PassCheck, Entries: []watchtower.Entry{
		{Container: lifecycle.Container{Name: "db", Image: "postgres:17"}, Status: watchtower.StatusSkipped, Reason: "pinned to a digest"},
		{Container: lifecycle.Container{Name: "web", Image: "nginx"}, Status: watchtower.StatusStale, Latest: "sha256:1"},
	}}
	var out bytes.Buffer
	require.NoError(t, printTable(&out, []*watchtower.Report{r}))
	assert.Equal(t, `CONTAINER  IMAGE        STATUS   WHY
db         postgres:17  skipped  pinned to a digest
web        nginx        stale    would be replaced: now at sha256:1

stale=1 scanned=1 updated=0 failed=0 skipped=1 rolled_back=0
`, out.String())
	r.Plan.Groups = []watchtower.PlannedGroup{{Members: []watchtower.PlannedMember{
		{Name: "web", Cause: "it moved", To: &watchtower.PlannedImage{}}, {Name: "side", Cause: "it lives in the network of web"},
	}}}
	out.Reset()
	require.NoError(t, printTable(&out, []*watchtower.Report{r}))
	assert.Contains(t, out.String(), `
An update would:
replace web: it moved
  with it restart side: it lives in the network of web

stale=1`)
	out.Reset()
	require.NoError(t, printJSON(&out, r))
	assert.Contains(t, out.String(), `"status": "stale"`)
}

func TestTheTableShowsVersionsWhereImagesTell(t *testing.T) {
	t.Parallel()
	old := watchtower.ImageInfo{Version: "1.4.2"}
	next := watchtower.ImageInfo{Version: "1.5.0", Source: "https://example.com/app"}
	r := &watchtower.Report{Kind: watchtower.PassCheck, Entries: []watchtower.Entry{
		{Container: lifecycle.Container{Name: "api", Image: "app"}, Status: watchtower.StatusHeld, Reason: "cooling down", From: old, To: next},
		{Container: lifecycle.Container{Name: "db", Image: "postgres"}, Status: watchtower.StatusStale, Latest: "sha256:0123456789abcdef0123456789abcdef"},
		{Container: lifecycle.Container{Name: "new", Image: "app"}, Status: watchtower.StatusFresh, From: next},
		{Container: lifecycle.Container{Name: "web", Image: "app"}, Status: watchtower.StatusStale, From: old, To: next},
	}}
	var out bytes.Buffer
	require.NoError(t, printTable(&out, []*watchtower.Report{r}))
	assert.Equal(t, `CONTAINER  IMAGE     VERSION  STATUS  WHY
api        app       1.4.2    held    cooling down: 1.4.2 -> 1.5.0 (https://example.com/app)
db         postgres           stale   would be replaced: now at sha256:0123456789ab
new        app       1.5.0    fresh   `+`
web        app       1.4.2    stale   would be replaced: 1.4.2 -> 1.5.0 (https://example.com/app)

stale=2 scanned=4 updated=0 failed=0 skipped=0 rolled_back=0 held=1
`, out.String())
}

func TestAMissingNameIsToldOnce(t *testing.T) {
	t.Parallel()
	names, err := filter.Names("web", "wbe")
	require.NoError(t, err)
	var told []string
	w := newNameWarner(names, 1, func(name string) { told = append(told, name) })
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
		if optional(&s.stopTimeout).set(text) == nil && *s.stopTimeout < 0 {
			t.Errorf("%q is %v", text, *s.stopTimeout)
		}
		if duration(&s.interval, "", time.Second).set(text) == nil && s.interval < time.Second {
			t.Errorf("%q is %v", text, s.interval)
		}
	})
}
