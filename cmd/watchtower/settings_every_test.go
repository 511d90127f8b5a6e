package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
)

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
		"REPO_HOST":              {}, // judged here, read by credentials
		"host":                   {"tcp://h:1", []string{"-H", "tcp://h:1"}, func(s settings) any { return s.host }, "tcp://h:1"},
		"hosts":                  {"a=tcp://h:1", []string{"--hosts=a=tcp://h:1"}, func(s settings) any { return s.hosts }, []namedHost{{"a", "tcp://h:1"}}},
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
		"audit-log":              {"/audit", []string{"--audit-log", "/audit"}, func(s settings) any { return s.auditLog }, "/audit"},
		"json":                   {"", []string{"--json"}, func(s settings) any { return s.json }, true},
		"monitor-only":           {"1", []string{"-m"}, func(s settings) any { return s.monitorOnly }, true},
		"no-pull":                {"1", []string{"--no-pull"}, func(s settings) any { return s.noPull }, true},
		"no-restart":             {"1", []string{"--no-restart"}, func(s settings) any { return s.noRestart }, true},
		"cleanup":                {"1", []string{"-c"}, func(s settings) any { return s.cleanup }, true},
		"remove-volumes":         {"1", []string{"--remove-volumes"}, func(s settings) any { return s.removeVolumes }, true},
		"rolling-restart":        {"TRUE", []string{"--rolling-restart"}, func(s settings) any { return s.rolling }, true},
		"stop-timeout":           {"30", []string{"-t", "30s"}, func(s settings) any { return s.stopTimeout }, new(30 * time.Second)},
		"swarm-rollback":         {"true", []string{"--swarm-rollback"}, func(s settings) any { return s.swarmRollback }, true},
		"swarm":                  {" Only", []string{"--swarm=only"}, func(s settings) any { return s.swarm }, "only"},
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
		"include-paused":         {"1", []string{"--include-paused"}, func(s settings) any { return s.includePaused }, true},
		"include-restarting":     {"0", []string{"--include-restarting=false"}, func(s settings) any { return s.includeRestarting }, false},
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
		"http-api-webhook-secret":                   {"s", []string{"--http-api-webhook-secret", "s"}, func(s settings) any { return s.api.webhookSecret.Reveal() }, "s"},
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
		"notification-email-to":                     {"a,b", []string{"--notification-email-to=a,b"}, func(s settings) any { return s.notify.emailTo }, []string{"a", "b"}},
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
