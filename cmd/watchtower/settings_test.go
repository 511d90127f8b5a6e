package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
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

// Each setting by variable and by flag, and what comes of it.
func TestEverySettingHasAVariableAndAFlag(t *testing.T) {
	t.Parallel()
	type field = func(settings) any
	tests := map[string]struct {
		value string // of the variable
		args  []string
		field field
		want  any
	}{
		"host":                   {"tcp://h:1", []string{"-H", "tcp://h:1"}, func(s settings) any { return s.host }, "tcp://h:1"},
		"tlsverify":              {"1", []string{"-v"}, func(s settings) any { return s.tlsVerify }, true},
		"cert-path":              {"/certs", []string{"--cert-path=/certs"}, func(s settings) any { return s.certPath }, "/certs"},
		"api-version":            {"1.41", []string{"-a", "1.41"}, func(s settings) any { return s.apiVersion }, "1.41"},
		"interval":               {"300", []string{"-i", "5m"}, func(s settings) any { return s.interval }, 5 * time.Minute},
		"schedule":               {`"0 4 * * *"`, []string{"-s", "0 4 * * *"}, func(s settings) any { return s.schedule }, "0 4 * * *"},
		"jitter":                 {"90", []string{"--jitter=1m30s"}, func(s settings) any { return s.jitter }, 90 * time.Second},
		"update-window":          {"02:00-05:00 UTC", []string{"--update-window", "02:00-05:00 UTC"}, func(s settings) any { return s.updateWindow }, "02:00-05:00 UTC"},
		"run-once":               {"true", []string{"-R"}, func(s settings) any { return s.runOnce }, true},
		"update-on-start":        {"T", []string{"--update-on-start"}, func(s settings) any { return s.updateOnStart }, true},
		"health-check":           {"", []string{"--health-check"}, func(s settings) any { return s.healthCheck }, true},
		"porcelain":              {"V1", []string{"-P", "v1"}, func(s settings) any { return s.porcelain }, "v1"},
		"monitor-only":           {"1", []string{"-m"}, func(s settings) any { return s.monitorOnly }, true},
		"no-pull":                {"1", []string{"--no-pull"}, func(s settings) any { return s.noPull }, true},
		"no-restart":             {"1", []string{"--no-restart"}, func(s settings) any { return s.noRestart }, true},
		"cleanup":                {"1", []string{"-c"}, func(s settings) any { return s.cleanup }, true},
		"remove-volumes":         {"1", []string{"--remove-volumes"}, func(s settings) any { return s.removeVolumes }, true},
		"rolling-restart":        {"TRUE", []string{"--rolling-restart"}, func(s settings) any { return s.rolling }, true},
		"stop-timeout":           {"30", []string{"-t", "30s"}, func(s settings) any { return s.stopTimeout }, new(30 * time.Second)},
		"update-order":           {" Start-First", []string{"--update-order=start-first"}, func(s settings) any { return s.order }, "start-first"},
		"cooldown-delay":         {"1w12h", []string{"--cooldown-delay=7.5d"}, func(s settings) any { return s.cooldown }, 180 * time.Hour},
		"label-take-precedence":  {"1", []string{"--label-take-precedence"}, func(s settings) any { return s.labelPrecedence }, true},
		"state-dir":              {"/state", []string{"--state-dir", "/state"}, func(s settings) any { return s.stateDir }, "/state"},
		"stable-time":            {"10", []string{"--stable-time=10s"}, func(s settings) any { return s.stableTime }, 10 * time.Second},
		"probe":                  {" tcp://:5432 ", []string{"--probe=tcp://:5432"}, func(s settings) any { return s.probe.String() }, "tcp://:5432"},
		"probe-timeout":          {"90", []string{"--probe-timeout=1m30s"}, func(s settings) any { return s.probeTimeout }, 90 * time.Second},
		"enable-lifecycle-hooks": {"1", []string{"--enable-lifecycle-hooks"}, func(s settings) any { return s.hooks }, true},
		"lifecycle-uid":          {" 1000 ", []string{"--lifecycle-uid", "1000"}, func(s settings) any { return s.hookUID }, 1000},
		"lifecycle-gid":          {"2147483647", []string{"--lifecycle-gid=2147483647"}, func(s settings) any { return s.hookGID }, 1<<31 - 1},
		"label-enable":           {"t", []string{"-e"}, func(s settings) any { return s.labelEnable }, true},
		"scope":                  {"a", []string{"--scope", "a"}, func(s settings) any { return s.scope }, "a"},
		"include-stopped":        {"1", []string{"-S"}, func(s settings) any { return s.includeStopped }, true},
		"include-restarting":     {"1", []string{"--include-restarting"}, func(s settings) any { return s.includeRestarting }, true},
		"revive-stopped":         {"1", []string{"--revive-stopped"}, func(s settings) any { return s.revive }, true},
		"disable-containers":     {"a, /b\n c.*,", []string{"-x", "a,/b", "-x", "c.*"}, func(s settings) any { return s.disabled }, []string{"a", "/b", "c.*"}},
		"monitor-image-names":    {"a:1 b", []string{"--monitor-image-names=a:1,b"}, func(s settings) any { return s.onlyImages }, []string{"a:1", "b"}},
		"skip-image-names":       {"a|b", []string{"--skip-image-names", "a|b"}, func(s settings) any { return s.skipImages }, []string{"a|b"}},
		"enable-containers-by-label": {
			"a=b c, d=",
			[]string{"--enable-containers-by-label=a=b c", "--enable-containers-by-label", "d="},
			func(s settings) any { return s.enableLabels },
			[]string{"a=b c", "d="},
		},
		"disable-containers-by-label":               {"a=b=c", []string{"--disable-containers-by-label", "a=b=c"}, func(s settings) any { return s.disableLabels }, []string{"a=b=c"}},
		"log-level":                                 {"error", []string{"--log-level=ERROR"}, func(s settings) any { return s.level() }, slog.LevelError},
		"debug":                                     {"1", []string{"-d"}, func(s settings) any { return s.level() }, slog.LevelDebug},
		"trace":                                     {"1", []string{"--trace"}, func(s settings) any { return s.level() }, levelTrace},
		"log-format":                                {"json", []string{"-l", "JSON"}, func(s settings) any { return s.format }, "json"},
		"no-color":                                  {"anything", []string{"--no-color"}, func(s settings) any { return s.noColor }, true},
		"CLICOLOR":                                  {"0", nil, func(s settings) any { return s.noColor }, true},
		"CLICOLOR_FORCE":                            {"1", nil, func(s settings) any { return s.forceColor }, true},
		"no-startup-message":                        {"1", []string{"--no-startup-message"}, func(s settings) any { return s.quietStart }, true},
		"http-api-update":                           {"0", []string{"--http-api-update=false"}, func(s settings) any { return s.given["http-api-update"] != "" }, true},
		"http-api-metrics":                          {"0", []string{"--http-api-metrics=false"}, func(s settings) any { return s.given["http-api-metrics"] != "" }, true},
		"http-api-containers":                       {"0", []string{"--http-api-containers=false"}, func(s settings) any { return s.given["http-api-containers"] != "" }, true},
		"http-api-endpoints":                        {"Health,swagger", []string{"--http-api-endpoints", "Health swagger"}, func(s settings) any { return s.api.endpoints }, []string{"health", "swagger"}},
		"http-api-token":                            {"t", []string{"--http-api-token", "t"}, func(s settings) any { return s.api.token.Reveal() }, "t"},
		"http-api-events-token":                     {"t", []string{"--http-api-events-token", "t"}, func(s settings) any { return s.api.eventsToken.Reveal() }, "t"},
		"http-api-periodic-polls":                   {"1", []string{"--http-api-periodic-polls"}, func(s settings) any { return s.api.periodicPolls }, true},
		"http-api-host":                             {"::1", []string{"--http-api-host=::1"}, func(s settings) any { return s.api.host }, "::1"},
		"http-api-port":                             {"80", []string{"--http-api-port=80"}, func(s settings) any { return s.api.port }, 80},
		"http-api-rate-limit":                       {"9", []string{"--http-api-rate-limit=9"}, func(s settings) any { return s.api.rateLimit }, 9},
		"http-api-tls-cert":                         {"", nil, nil, nil}, // goes with the next one: see TestWhatDoesNotGoTogether
		"http-api-tls-key":                          {"", nil, nil, nil},
		"http-api-trusted-proxies":                  {"10.0.0.0/8 ::1", []string{"--http-api-trusted-proxies=10.0.0.0/8,::1"}, func(s settings) any { return s.api.trustedProxies }, []string{"10.0.0.0/8", "::1"}},
		"http-api-proxy-header":                     {"X", []string{"--http-api-proxy-header=X"}, func(s settings) any { return s.api.proxyHeader }, "X"},
		"http-api-cors-origins":                     {"*", []string{"--http-api-cors-origins=*"}, func(s settings) any { return s.api.origins }, []string{"*"}},
		"http-api-check-timeout":                    {"90", []string{"--http-api-check-timeout=90s"}, func(s settings) any { return s.api.checkTimeout }, 90 * time.Second},
		"http-api-update-timeout":                   {"1.5", []string{"--http-api-update-timeout=1500ms"}, func(s settings) any { return s.api.updateTimeout }, 1500 * time.Millisecond},
		"notification-url":                          {"a://b,c,d://e", []string{"--notification-url", "a://b,c", "--notification-url=d://e"}, func(s settings) any { return revealed(s.notify.urls) }, []string{"a://b,c", "d://e"}},
		"notifications-level":                       {"warn", []string{"--notifications-level=WARNING"}, func(s settings) any { return s.notify.level }, slog.LevelWarn},
		"notifications-delay":                       {"3", []string{"--notifications-delay=3"}, func(s settings) any { return s.notify.delay }, 3},
		"notifications-hostname":                    {"h", []string{"--notifications-hostname=h"}, func(s settings) any { return s.notify.hostname }, "h"},
		"notification-template":                     {"{{.}}", []string{"--notification-template={{.}}"}, func(s settings) any { return s.notify.template }, "{{.}}"},
		"notification-template-file":                {"/t", []string{"--notification-template-file=/t"}, func(s settings) any { return s.notify.templateFile }, "/t"},
		"notification-report":                       {"1", []string{"--notification-report"}, func(s settings) any { return s.notify.report }, true},
		"notification-title-tag":                    {"t", []string{"--notification-title-tag=t"}, func(s settings) any { return s.notify.titleTag }, "t"},
		"notification-skip-title":                   {"1", []string{"--notification-skip-title"}, func(s settings) any { return s.notify.skipTitle }, true},
		"notification-log-stdout":                   {"1", []string{"--notification-log-stdout"}, func(s settings) any { return s.notify.stdout }, true},
		"notification-split-by-container":           {"1", []string{"--notification-split-by-container"}, func(s settings) any { return s.notify.split }, true},
		"notifications":                             {"email,slack msteams", []string{"-n", "email", "-n", "slack,msteams"}, func(s settings) any { return s.notify.types }, []string{"email", "slack", "msteams"}},
		"notification-email-from":                   {"f", []string{"--notification-email-from=f"}, func(s settings) any { return s.notify.emailFrom }, "f"},
		"notification-email-to":                     {"a,b", []string{"--notification-email-to=a,b"}, func(s settings) any { return s.notify.emailTo }, "a,b"},
		"notification-email-server":                 {"s", []string{"--notification-email-server=s"}, func(s settings) any { return s.notify.emailServer }, "s"},
		"notification-email-server-port":            {"587", []string{"--notification-email-server-port=587"}, func(s settings) any { return s.notify.emailPort }, 587},
		"notification-email-server-user":            {"u", []string{"--notification-email-server-user=u"}, func(s settings) any { return s.notify.emailUser }, "u"},
		"notification-email-server-password":        {"p", []string{"--notification-email-server-password=p"}, func(s settings) any { return s.notify.emailPassword.Reveal() }, "p"},
		"notification-email-server-tls-skip-verify": {"1", []string{"--notification-email-server-tls-skip-verify"}, func(s settings) any { return s.notify.emailSkipTLS }, true},
		"notification-email-delay":                  {"3", []string{"--notification-email-delay=3"}, func(s settings) any { return s.notify.emailDelay }, 3},
		"notification-email-subjecttag":             {"t", []string{"--notification-email-subjecttag=t"}, func(s settings) any { return s.notify.emailTag }, "t"},
		"notification-slack-hook-url":               {"https://s", []string{"--notification-slack-hook-url=https://s"}, func(s settings) any { return s.notify.slackHook.Reveal() }, "https://s"},
		"notification-slack-identifier":             {"i", []string{"--notification-slack-identifier=i"}, func(s settings) any { return s.notify.slackName }, "i"},
		"notification-slack-channel":                {"c", []string{"--notification-slack-channel=c"}, func(s settings) any { return s.notify.slackChannel }, "c"},
		"notification-slack-icon-emoji":             {"e", []string{"--notification-slack-icon-emoji=e"}, func(s settings) any { return s.notify.slackEmoji }, "e"},
		"notification-slack-icon-url":               {"u", []string{"--notification-slack-icon-url=u"}, func(s settings) any { return s.notify.slackIcon }, "u"},
		"notification-msteams-hook":                 {"https://t", []string{"--notification-msteams-hook=https://t"}, func(s settings) any { return s.notify.teamsHook.Reveal() }, "https://t"},
		"notification-msteams-data":                 {"1", []string{"--notification-msteams-data"}, func(s settings) any { return s.notify.teamsData }, true},
		"notification-gotify-url":                   {"http://g", []string{"--notification-gotify-url=http://g"}, func(s settings) any { return s.notify.gotifyURL }, "http://g"},
		"notification-gotify-token":                 {"t", []string{"--notification-gotify-token=t"}, func(s settings) any { return s.notify.gotifyToken.Reveal() }, "t"},
		"notification-gotify-tls-skip-verify":       {"1", []string{"--notification-gotify-tls-skip-verify"}, func(s settings) any { return s.notify.gotifySkipTLS }, true},
	}
	for _, row := range table(&settings{}) {
		if row.set == nil {
			continue // read by others or by nobody
		}
		tt, ok := tests[row.name()]
		delete(tests, row.name())
		if !assert.True(t, ok, "%s is tested", row.name()) || tt.field == nil {
			continue
		}
		if tt.value != "" {
			s, err := parse(t, map[string]string{row.env: tt.value})
			require.NoError(t, err)
			assert.Equal(t, tt.want, tt.field(s), row.env)
			assert.Equal(t, row.env, s.from(row.name()))
		}
		if tt.args != nil {
			s, err := parse(t, nil, tt.args...)
			require.NoError(t, err)
			assert.Equal(t, tt.want, tt.field(s), "%v", tt.args)
			assert.Equal(t, "--"+row.flag, s.from(row.name()))
		}
		if row.env == "NO_COLOR" {
			continue // which has a meaning of its own
		}
		none, err := parse(t, map[string]string{row.env: ""})
		require.NoError(t, err)
		assert.NotEqual(t, tt.want, tt.field(none), "an empty %s is none", row.env)
	}
	assert.Empty(t, tests, "are no settings")
}

func revealed(secrets []credentials.Secret) []string {
	var out []string
	for _, s := range secrets {
		out = append(out, s.Reveal())
	}
	return out
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
	assert.Equal(t, settings{logLevel: slog.LevelInfo, format: "auto", interval: 24 * time.Hour, given: map[string]string{}, names: []string{}}, s)
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
		{"WATCHTOWER_UPDATE_WINDOW", "at night"},
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
	} {
		_, err := parse(t, map[string]string{bad.env: bad.value})
		require.Error(t, err, "%+v", bad)
		assert.Contains(t, err.Error(), bad.env+`: "`+bad.value+`": want `)
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

func TestOwnContainer(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("0123456789abcdef", 4)
	for name, tt := range map[string]struct{ mounts, groups, want string }{
		"mounts":            {"600 590 254:1 /var/lib/docker/containers/" + id + "/hostname /etc/hostname rw - ext4 /dev/vda1 rw\n", "0::/\n", id},
		"rootless mounts":   {"600 590 0:1 /home/u/.local/share/docker/containers/" + id + "/resolv.conf /etc/resolv.conf rw\n", "", id},
		"control group":     {"", "12:pids:/docker/" + id + "\n", id},
		"systemd group":     {"", "0::/system.slice/docker-" + id + ".scope\n", id},
		"no container":      {"25 1 254:1 / / rw - ext4 /dev/vda1 rw\n", "0::/user.slice\n", ""},
		"another's mounts":  {"25 1 254:1 /containers/" + id + "/mounts/shm /shm rw\n", "0::/\n", ""},
		"an ID too short":   {"25 1 254:1 /containers/0123/hostname /etc/hostname rw\n", "1:x:/docker/0123\n", ""},
		"an ID in capitals": {"", "1:x:/docker/" + strings.ToUpper(id) + "\n", ""},
	} {
		assert.Equal(t, tt.want, containerID(tt.mounts, tt.groups), name)
	}
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
	for _, seed := range []string{"30", "1m30s", "-1", "9223372036854775807", " 5 ", "0x10", "1w12h", "1.5M"} {
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
		if d, err := parseCooldown(text); err == nil && d < 0 {
			t.Errorf("%q is %v", text, d)
		}
	})
}
