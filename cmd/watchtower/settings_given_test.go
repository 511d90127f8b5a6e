package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
)

// A schedule and an interval: which of them has been refused together always.
func TestWhatDoesNotGoTogether(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env  map[string]string
		args []string
		want string // empty: goes together
	}{
		"an interval and a schedule": {
			map[string]string{"WATCHTOWER_POLL_INTERVAL": "300", "WATCHTOWER_SCHEDULE": "@daily"},
			nil,
			"WATCHTOWER_POLL_INTERVAL and WATCHTOWER_SCHEDULE: want one of them",
		},
		"flags of both": {nil, []string{"-i", "300", "-s", "@daily"}, "--interval and --schedule: want one of them"},
		"the default's interval as a flag": {
			map[string]string{"WATCHTOWER_SCHEDULE": "@daily"},
			[]string{"--interval=86400"},
			"--interval and WATCHTOWER_SCHEDULE: want one of them",
		},
		"the default's interval as a variable": {
			map[string]string{"WATCHTOWER_SCHEDULE": "@daily", "WATCHTOWER_POLL_INTERVAL": "86400"}, nil, "",
		},
		"a flag's schedule and the default's interval": {map[string]string{"WATCHTOWER_POLL_INTERVAL": "24h"}, []string{"-s", "@daily"}, ""},
		"a schedule taken back":                        {map[string]string{"WATCHTOWER_SCHEDULE": "@daily"}, []string{"-i", "300", "--schedule="}, ""},
		"a schedule alone":                             {nil, []string{"-s", "@daily"}, ""},
		"rolling and watching only": {
			map[string]string{"WATCHTOWER_ROLLING_RESTART": "1"},
			[]string{"-m"},
			"WATCHTOWER_ROLLING_RESTART and --monitor-only: want one of them: what is only watched is not restarted",
		},
		"an endpoint without a token": {
			nil, []string{"--http-api-update"}, "--http-api-update: want a token along with it, in WATCHTOWER_HTTP_API_TOKEN",
		},
		"metrics without a token": {
			map[string]string{"WATCHTOWER_HTTP_API_METRICS": "true"},
			nil,
			"WATCHTOWER_HTTP_API_METRICS: want a token along with it, in WATCHTOWER_HTTP_API_TOKEN",
		},
		"an endpoint in a list": {
			map[string]string{"WATCHTOWER_HTTP_API_ENDPOINTS": "health,check"},
			nil,
			"WATCHTOWER_HTTP_API_ENDPOINTS: want a token along with it, in WATCHTOWER_HTTP_API_TOKEN",
		},
		"events": {
			map[string]string{"WATCHTOWER_HTTP_API_ENDPOINTS": "events", "WATCHTOWER_HTTP_API_TOKEN": "t"},
			nil,
			"WATCHTOWER_HTTP_API_ENDPOINTS: want a token for events along with it, in WATCHTOWER_HTTP_API_EVENTS_TOKEN",
		},
		"all and one": {
			map[string]string{
				"WATCHTOWER_HTTP_API_ENDPOINTS": "all update", "WATCHTOWER_HTTP_API_TOKEN": "t", "WATCHTOWER_HTTP_API_EVENTS_TOKEN": "t",
			},
			nil,
			`WATCHTOWER_HTTP_API_ENDPOINTS: want "all" alone`,
		},
		"webhooks": {
			map[string]string{"WATCHTOWER_HTTP_API_ENDPOINTS": "webhook"},
			nil,
			"WATCHTOWER_HTTP_API_ENDPOINTS: want a secret for webhooks along with it, in WATCHTOWER_HTTP_API_WEBHOOK_SECRET",
		},
		"webhooks with theirs": {map[string]string{"WATCHTOWER_HTTP_API_ENDPOINTS": "webhook", "WATCHTOWER_HTTP_API_WEBHOOK_SECRET": "s"}, nil, ""},
		"a site without a scheme": {
			map[string]string{"WATCHTOWER_HTTP_API_CORS_ORIGINS": "status.example"},
			nil,
			`WATCHTOWER_HTTP_API_CORS_ORIGINS: "status.example": want origins (https://status.example) or *`,
		},
		"what needs no token": {map[string]string{"WATCHTOWER_HTTP_API_ENDPOINTS": "health swagger"}, nil, ""},
		"tokens": {map[string]string{
			"WATCHTOWER_HTTP_API_ENDPOINTS": "ALL", "WATCHTOWER_HTTP_API_TOKEN": "t", "WATCHTOWER_HTTP_API_EVENTS_TOKEN": "t",
		}, nil, ""},
		"a certificate without a key": {
			map[string]string{"WATCHTOWER_HTTP_API_TLS_CERT": "/c"},
			nil,
			"WATCHTOWER_HTTP_API_TLS_CERT: want --http-api-tls-cert and --http-api-tls-key, or neither",
		},
		"both": {map[string]string{"WATCHTOWER_HTTP_API_TLS_CERT": "/c", "WATCHTOWER_HTTP_API_TLS_KEY": "/k"}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, tt.env, tt.args...)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"30": 30 * time.Second, "0": 0, "1.5": 1500 * time.Millisecond, "+7": 7 * time.Second, " 30s ": 30 * time.Second, "500ms": 500 * time.Millisecond,
	} {
		s, err := parse(t, map[string]string{"WATCHTOWER_TIMEOUT": text})
		require.NoError(t, err)
		assert.Equal(t, want, *s.stopTimeout, text)
	}
	for text, want := range map[string]time.Duration{
		"0": 0, "1d": 24 * time.Hour, "1M": 30 * 24 * time.Hour, "1m": time.Minute, "1w12h": 180 * time.Hour, "0.5d": 12 * time.Hour, "1h30m10s": 5410 * time.Second,
	} {
		s, err := parse(t, map[string]string{"WATCHTOWER_COOLDOWN_DELAY": text})
		require.NoError(t, err)
		assert.Equal(t, want, s.cooldown, text)
	}
}

// What does nothing here is told once each, by what gave it, and nothing else.
func TestWhatHasNoEffectIsTold(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env, args []string
		want      []string // without its level
	}{
		"not in this release": {
			nil,
			[]string{"--cpu-copy-mode", "none"},
			[]string{`msg="not in this release: containers are created with all their limits, and no engine but Docker is tested" setting=--cpu-copy-mode`},
		},
		"of no use": {
			[]string{"WATCHTOWER_REGISTRY_TLS_SKIP=1", "WATCHTOWER_USE_COMPOSE_DEPENDS_ON=0", "WATCHTOWER_NOTIFICATION_SLACK_CHANNEL=ops"},
			[]string{"--notification-msteams-data", "--warn-on-head-failure", "never"},
			[]string{
				`msg="ignored: Compose's depends_on is always heeded: it gives the order, and restarts only what says restart: true" setting=WATCHTOWER_USE_COMPOSE_DEPENDS_ON`,
				`msg="ignored: a registry that refuses HEAD is asked by GET, and nothing is pulled for it: there is nothing to warn of" setting=--warn-on-head-failure`,
				`msg="ignored: list the registry under the engine's insecure-registries, or put its authority into /etc/docker/certs.d" setting=WATCHTOWER_REGISTRY_TLS_SKIP`,
				`msg="ignored: a webhook belongs to one: choose it where the webhook is made" setting=WATCHTOWER_NOTIFICATION_SLACK_CHANNEL`,
				`msg="ignored: neither predecessor did; a template can, by .Data" setting=--notification-msteams-data`,
			},
		},
		"what the default is": {[]string{
			"WATCHTOWER_REGISTRY_TLS_SKIP=false", "WATCHTOWER_REGISTRY_TLS_MIN_VERSION=tls1.2", "WATCHTOWER_NOTIFICATION_REPORT=0",
			"WATCHTOWER_HTTP_API_PORT=8080", "WATCHTOWER_USE_COMPOSE_DEPENDS_ON=T",
		}, nil, nil},
		"too little": {
			[]string{"WATCHTOWER_REVIVE_STOPPED=1", "WATCHTOWER_COOLDOWN_DELAY=1h"},
			nil,
			[]string{
				`msg="each single pass begins the wait anew, and nothing new is ever used: want a state-dir along with it" setting=WATCHTOWER_COOLDOWN_DELAY`,
				`msg="what is stopped is not watched: want include-stopped along with it" setting=WATCHTOWER_REVIVE_STOPPED`,
			},
		},
		"enough": {[]string{
			"WATCHTOWER_REVIVE_STOPPED=1", "WATCHTOWER_INCLUDE_STOPPED=1", "WATCHTOWER_COOLDOWN_DELAY=1h", "WATCHTOWER_STATE_DIR=/var/lib/w",
		}, nil, nil},
		"variables of others": {[]string{"HOSTNAME=canary", "CONTAINER=podman", "CLICOLOR=1"}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			f := &fake{report: &watchtower.Report{}}
			require.Equal(t, exitOK, run(append([]string{"-R"}, tt.args...), &out, &errs, tt.env, f.with(&session{})), errs.String())
			var got []string
			for line := range strings.Lines(errs.String()) {
				_, rest, _ := strings.Cut(strings.TrimSpace(line), " level=warn ")
				got = append(got, rest)
			}
			assert.Equal(t, tt.want, got)
			assert.NotContains(t, errs.String(), "canary")
		})
	}
}

func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "secret")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	token := func(s settings) []string { return []string{s.api.token.Reveal()} }
	urls := func(s settings) []string { return revealed(s.notify.urls) }
	one := file("  canary\n")
	lines := file("# mine\nlogger://canary?a=1,2\n\n  smtp://b  \n")
	for name, tt := range map[string]struct {
		env  map[string]string
		args []string
		got  func(settings) []string
		want []string
	}{
		"a variable that names one": {map[string]string{"WATCHTOWER_HTTP_API_TOKEN_FILE": one}, nil, token, []string{"canary"}},
		"a value that is a path":    {map[string]string{"WATCHTOWER_HTTP_API_TOKEN": one}, nil, token, []string{"canary"}},
		"a flag's":                  {nil, []string{"--http-api-token", one}, token, []string{"canary"}},
		"a flag wins":               {map[string]string{"WATCHTOWER_HTTP_API_TOKEN_FILE": "/nowhere"}, []string{"--http-api-token", "flag"}, token, []string{"flag"}},
		"no path":                   {map[string]string{"WATCHTOWER_HTTP_API_TOKEN": "/nowhere/at/all"}, nil, token, []string{"/nowhere/at/all"}},
		"no path, with a colon":     {map[string]string{"WATCHTOWER_HTTP_API_TOKEN": one + ":x"}, nil, token, []string{one + ":x"}},
		"longer than a path can be": {map[string]string{"WATCHTOWER_HTTP_API_TOKEN": strings.Repeat("x", 5000)}, nil, token, []string{strings.Repeat("x", 5000)}},
		"URLs, a line each":         {map[string]string{"WATCHTOWER_NOTIFICATION_URL_FILE": lines}, nil, urls, []string{"logger://canary?a=1,2", "smtp://b"}},
		"URLs, some from a file":    {map[string]string{"WATCHTOWER_NOTIFICATION_URL": "a://x,y " + lines + ",c://z"}, nil, urls, []string{"a://x,y", "logger://canary?a=1,2", "smtp://b", "c://z"}},
		"URLs of flags":             {nil, []string{"--notification-url", lines, "--notification-url=a://x y,b"}, urls, []string{"logger://canary?a=1,2", "smtp://b", "a://x y,b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := parse(t, tt.env, tt.args...)
			require.NoError(t, err)
			assert.Equal(t, tt.want, tt.got(s))
		})
	}
	directory := t.TempDir()
	empty, long := file(" \n"), file(strings.Repeat("x", maxSecret+1))
	for name, tt := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"both":             {map[string]string{"WATCHTOWER_HTTP_API_TOKEN": "canary", "WATCHTOWER_HTTP_API_TOKEN_FILE": one}, nil, "WATCHTOWER_HTTP_API_TOKEN and WATCHTOWER_HTTP_API_TOKEN_FILE are both set: want one of them"},
		"nothing there":    {map[string]string{"WATCHTOWER_HTTP_API_TOKEN_FILE": "/nowhere"}, nil, "WATCHTOWER_HTTP_API_TOKEN_FILE: open /nowhere: no such file or directory"},
		"a directory":      {nil, []string{"--http-api-token", directory}, "--http-api-token: read " + directory + ": is a directory"},
		"an empty file":    {map[string]string{"WATCHTOWER_NOTIFICATION_GOTIFY_TOKEN": empty}, nil, "WATCHTOWER_NOTIFICATION_GOTIFY_TOKEN: read " + empty + ": empty"},
		"one without end":  {map[string]string{"WATCHTOWER_NOTIFICATION_GOTIFY_TOKEN_FILE": long}, nil, "WATCHTOWER_NOTIFICATION_GOTIFY_TOKEN_FILE: read " + long + ": more than 65536 bytes"},
		"a URL without":    {map[string]string{"WATCHTOWER_NOTIFICATION_URL": "canary@host"}, nil, `WATCHTOWER_NOTIFICATION_URL: "***": want URLs with a scheme, or paths of files with one on each line`},
		"one of a file's":  {map[string]string{"WATCHTOWER_NOTIFICATION_URL_FILE": one}, nil, `WATCHTOWER_NOTIFICATION_URL_FILE: "***": want URLs with a scheme, or paths of files with one on each line`},
		"a token in a URL": {map[string]string{"WATCHTOWER_NOTIFICATION_GOTIFY_URL": "ftp://host/message?token=canary"}, nil, `WATCHTOWER_NOTIFICATION_GOTIFY_URL: "ftp://host/message?***": want an http:// or https:// URL`},
		"a login in a URL": {map[string]string{"WATCHTOWER_NOTIFICATION_GOTIFY_URL": "ftp://me:canary@host"}, nil, `WATCHTOWER_NOTIFICATION_GOTIFY_URL: "ftp://***@host": want an http:// or https:// URL`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, tt.env, tt.args...)
			require.EqualError(t, err, tt.want)
		})
	}
}

// Every secret has the variable that names a file, and a value that is a path.
func TestEverySecretMayStandInAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte("a://canary"), 0o600))
	secrets := 0
	for _, row := range table(&settings{}) {
		if !row.secret() {
			continue
		}
		secrets++
		direct, err := parse(t, map[string]string{row.env: "a://canary"})
		require.NoError(t, err)
		for _, variable := range []string{row.env, row.env + "_FILE"} {
			s, err := parse(t, map[string]string{variable: path})
			require.NoError(t, err)
			assert.Equal(t, variable, s.from(row.name()))
			assert.Equal(t, direct.api, s.api, variable)
			assert.Equal(t, direct.notify, s.notify, variable)
		}
		_, err = parse(t, map[string]string{row.env: "x://y", row.env + "_FILE": path})
		require.ErrorContains(t, err, "are both set", row.env)
		assert.NotContains(t, err.Error(), "x://y")
	}
	assert.Equal(t, 8, secrets)
}
