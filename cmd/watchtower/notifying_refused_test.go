package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// All that is wrong is told at the start, by setting, and without the secret.
func TestBadNotificationsAreRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "template")
	require.NoError(t, os.WriteFile(file, []byte("{{.Missing}}"), 0o600))
	for name, tt := range map[string]struct {
		env  []string
		want string
	}{
		"a service nobody knows": {
			[]string{"WATCHTOWER_NOTIFICATION_URL=logger:// pigeon://CANARY"},
			`watchtower: WATCHTOWER_NOTIFICATION_URL: URL 2: pigeon: unknown service: "pigeon"`,
		},
		"a service that is not there yet": {
			[]string{"WATCHTOWER_NOTIFICATION_URL=mqtt://u:CANARY@broker/topic"},
			"watchtower: WATCHTOWER_NOTIFICATION_URL: URL 1: mqtt is not in the shoutrrr of this release, v0.13.2",
		},
		"a template that cannot be read": {
			[]string{"WATCHTOWER_NOTIFICATION_TEMPLATE={{range .}}"},
			"watchtower: WATCHTOWER_NOTIFICATION_TEMPLATE: the template cannot be read: template: template:1: unexpected EOF",
		},
		"a template of what is not there": {
			[]string{"WATCHTOWER_NOTIFICATION_TEMPLATE={{.Report}}"},
			`watchtower: WATCHTOWER_NOTIFICATION_TEMPLATE: the template does not fit (without a report it is given the list of log lines): template: template:1:2: executing "template" at <.Report>: can't evaluate field Report in type []notify.Entry`,
		},
		"a template that has no end": {
			[]string{"WATCHTOWER_NOTIFICATION_TEMPLATE={{range 9999999999999}}" + strings.Repeat("again and ", 1000) + "{{end}}"},
			"watchtower: WATCHTOWER_NOTIFICATION_TEMPLATE: the template does not fit (without a report it is given the list of log lines): its text has more than 1048576 bytes",
		},
		"a built-in one for reports": {
			[]string{"WATCHTOWER_NOTIFICATION_TEMPLATE=default"},
			`watchtower: WATCHTOWER_NOTIFICATION_TEMPLATE: the built-in template default does not fit (without a report it is given the list of log lines): template: template:1:7: executing "template" at <.Report>: can't evaluate field Report in type []notify.Entry`,
		},
		"a template's file": {
			[]string{"WATCHTOWER_NOTIFICATION_TEMPLATE_FILE=/nowhere", "WATCHTOWER_NOTIFICATION_TEMPLATE={{.}}"},
			"watchtower: WATCHTOWER_NOTIFICATION_TEMPLATE_FILE: open /nowhere: no such file or directory",
		},
		"what is in it": {
			[]string{"WATCHTOWER_NOTIFICATION_TEMPLATE_FILE=" + file, "WATCHTOWER_NOTIFICATION_REPORT=1"},
			`watchtower: WATCHTOWER_NOTIFICATION_TEMPLATE_FILE: the template does not fit: template: template:1:2: executing "template" at <.Missing>: can't evaluate field Missing in type *notify.Data`,
		},
		"what is missing": {
			[]string{"WATCHTOWER_NOTIFICATIONS=email gotify", "WATCHTOWER_NOTIFICATION_EMAIL_SERVER=s", "WATCHTOWER_NOTIFICATION_GOTIFY_TOKEN=CANARY"},
			"watchtower: WATCHTOWER_NOTIFICATIONS: email: want WATCHTOWER_NOTIFICATION_EMAIL_FROM, WATCHTOWER_NOTIFICATION_EMAIL_TO along with it\n" +
				"watchtower: WATCHTOWER_NOTIFICATIONS: gotify: want WATCHTOWER_NOTIFICATION_GOTIFY_URL along with it",
		},
		"a webhook of others": {
			[]string{"WATCHTOWER_NOTIFICATIONS=slack", "WATCHTOWER_NOTIFICATION_SLACK_HOOK_URL=https://example.com/CANARY"},
			"watchtower: WATCHTOWER_NOTIFICATION_SLACK_HOOK_URL: want a webhook that begins with https://hooks.slack.com/services/ or https://discord.com/api/webhooks/",
		},
		"a token that is none": {
			[]string{"WATCHTOWER_NOTIFICATIONS=gotify", "WATCHTOWER_NOTIFICATION_GOTIFY_URL=https://g.example", "WATCHTOWER_NOTIFICATION_GOTIFY_TOKEN=CANARY"},
			"watchtower: WATCHTOWER_NOTIFICATION_GOTIFY_TOKEN: URL 1: gotify: want the token of an application: 15 characters, the first an A",
		},
		"a workflow of Teams": {
			[]string{"WATCHTOWER_NOTIFICATIONS=msteams", "WATCHTOWER_NOTIFICATION_MSTEAMS_HOOK_URL=https://prod.example.com/workflows/CANARY"},
			"watchtower: WATCHTOWER_NOTIFICATION_MSTEAMS_HOOK_URL: want an incoming webhook, an old one renewed in Teams (https://NAME.webhook.office.com/webhookb2/…@…/IncomingWebhook/…/…/…); the address of a workflow is a URL of notifications as generic+https://…",
		},
		"a port with the name of the server": {
			[]string{"WATCHTOWER_NOTIFICATION_EMAIL_SERVER=mail.example.com:587"},
			`watchtower: WATCHTOWER_NOTIFICATION_EMAIL_SERVER: "mail.example.com:587": want the name or address of a server, without a port`,
		},
		"along with what else is wrong": {
			[]string{"WATCHTOWER_NOTIFICATION_URL=pigeon://CANARY", "WATCHTOWER_SCOPE=", "WATCHTOWER_POLL_INTERVAL=abc"},
			`watchtower: WATCHTOWER_POLL_INTERVAL: "abc": want a whole number of seconds or a duration (90s, 12h), at least 1 second` + "\n" +
				`watchtower: WATCHTOWER_NOTIFICATION_URL: URL 1: pigeon: unknown service: "pigeon"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, args := range [][]string{nil, {"-R"}, {"check", "-v"}, {"notify-upgrade"}} {
				var out, errs bytes.Buffer
				assert.Equal(t, exitFailed, run(args, &out, &errs, tt.env, func(*session) (fleet, error) {
					t.Error("something was opened")
					return nil, nil
				}))
				assert.Equal(t, tt.want+"\n", errs.String())
				assert.Empty(t, out.String())
			}
		})
	}
}

func TestSettingsOfAKindThatIsNotAskedForAreTold(t *testing.T) {
	t.Parallel()
	s, err := parse(t, map[string]string{
		"WATCHTOWER_NOTIFICATIONS": "email", "WATCHTOWER_NOTIFICATION_EMAIL_FROM": "a@example.com", "WATCHTOWER_NOTIFICATION_GOTIFY_URL": "http://g",
	}, "--notification-msteams-hook=CANARY", "--notification-slack-channel=ops")
	require.NoError(t, err)
	assert.Equal(t, []notice{
		{"--notification-msteams-hook", "no effect: msteams is not among WATCHTOWER_NOTIFICATIONS"},
		{"WATCHTOWER_NOTIFICATION_GOTIFY_URL", "no effect: gotify is not among WATCHTOWER_NOTIFICATIONS"},
	}, s.idleNotifications())
}
