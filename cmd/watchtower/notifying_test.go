package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// urlsOf are where the settings send to.
func urlsOf(t *testing.T, env map[string]string, args ...string) []string {
	t.Helper()
	s, err := parse(t, env, args...)
	require.NoError(t, err)
	cfg, err := s.notifications()
	require.NoError(t, err)
	var out []string
	for _, service := range cfg.Services {
		assert.NotEmpty(t, service.Setting)
		out = append(out, service.URL.Reveal())
	}
	return out
}

// Every old setting, and the URL it becomes.
func TestOldNotificationsBecomeURLs(t *testing.T) {
	t.Parallel()
	email := map[string]string{
		"WATCHTOWER_NOTIFICATIONS": "email", "WATCHTOWER_NOTIFICATION_EMAIL_FROM": "wt@example.com",
		"WATCHTOWER_NOTIFICATION_EMAIL_TO": "a@example.com, b@example.com", "WATCHTOWER_NOTIFICATION_EMAIL_SERVER": "mail.example.com",
	}
	slack := map[string]string{
		"WATCHTOWER_NOTIFICATIONS":               "slack",
		"WATCHTOWER_NOTIFICATION_SLACK_HOOK_URL": "https://hooks.slack.com/services/T12345678/B12345678/abcdefghijklmnopqrstuvwx",
	}
	const team = "org.webhook.office.com/webhookb2/11111111-4444-4444-8444-cccccccccccc@22222222-4444-4444-8444-cccccccccccc/" +
		"IncomingWebhook/33333333012222222222333333333344/44444444-4444-4444-8444-cccccccccccc/extra"
	for name, tt := range map[string]struct {
		env, more map[string]string
		want      string
	}{
		"email": {email, nil, "smtp://mail.example.com:25/?auth=None&clienthost=localhost&encryption=Auto&fromaddress=wt%40example.com" +
			"&fromname=Watchtower&subject=Watchtower+updates&toaddresses=a%40example.com%2Cb%40example.com&usehtml=No&usestarttls=Yes"},
		"email with all there is": {
			email, map[string]string{
				"WATCHTOWER_NOTIFICATION_EMAIL_SERVER_PORT": "587", "WATCHTOWER_NOTIFICATION_EMAIL_SERVER_USER": "me",
				"WATCHTOWER_NOTIFICATION_EMAIL_SERVER_PASSWORD": "p@ss", "WATCHTOWER_NOTIFICATION_EMAIL_SERVER_TLS_SKIP_VERIFY": "true",
			}, "smtp://me:p%40ss@mail.example.com:587/?auth=Plain&clienthost=localhost&encryption=None&fromaddress=wt%40example.com" +
				"&fromname=Watchtower&subject=Watchtower+updates&toaddresses=a%40example.com%2Cb%40example.com&usehtml=No&usestarttls=No",
		},
		"slack": {slack, nil, "slack://hook:T12345678-B12345678-abcdefghijklmnopqrstuvwx@webhook?botname=watchtower&color=%23406170"},
		"slack with an emoji": {
			slack,
			map[string]string{"WATCHTOWER_NOTIFICATION_SLACK_IDENTIFIER": "bot", "WATCHTOWER_NOTIFICATION_SLACK_ICON_EMOJI": ":whale:"},
			"slack://hook:T12345678-B12345678-abcdefghijklmnopqrstuvwx@webhook?botname=bot&color=%23406170&icon=%3Awhale%3A",
		},
		"slack with an icon, which wins": {
			slack,
			map[string]string{"WATCHTOWER_NOTIFICATION_SLACK_ICON_URL": "https://example.com/i.png", "WATCHTOWER_NOTIFICATION_SLACK_ICON_EMOJI": ":whale:"},
			"slack://hook:T12345678-B12345678-abcdefghijklmnopqrstuvwx@webhook?botname=watchtower&color=%23406170&icon=https%3A%2F%2Fexample.com%2Fi.png",
		},
		"discord in slack's form": {
			slack,
			map[string]string{"WATCHTOWER_NOTIFICATION_SLACK_HOOK_URL": "https://discord.com/api/webhooks/1234/token/slack"},
			"discord://token@1234?color=0x406170&splitlines=Yes&username=watchtower",
		},
		"discord with the version of its API": {
			slack,
			map[string]string{"WATCHTOWER_NOTIFICATION_SLACK_HOOK_URL": "https://discord.com/api/v10/webhooks/1234/token/slack"},
			"discord://token@1234?color=0x406170&splitlines=Yes&username=watchtower",
		},
		"slack's token alone": {
			slack,
			map[string]string{"WATCHTOWER_NOTIFICATION_SLACK_HOOK_URL": "T12345678/B12345678/abcdefghijklmnopqrstuvwx"},
			"slack://hook:T12345678-B12345678-abcdefghijklmnopqrstuvwx@webhook?botname=watchtower&color=%23406170",
		},
		"email to an address": {
			email,
			map[string]string{"WATCHTOWER_NOTIFICATION_EMAIL_SERVER": "::1"},
			"smtp://[::1]:25/?auth=None&clienthost=localhost&encryption=Auto&fromaddress=wt%40example.com" +
				"&fromname=Watchtower&subject=Watchtower+updates&toaddresses=a%40example.com%2Cb%40example.com&usehtml=No&usestarttls=Yes",
		},
		"msteams": {
			map[string]string{"WATCHTOWER_NOTIFICATIONS": "msteams", "WATCHTOWER_NOTIFICATION_MSTEAMS_HOOK_URL": "https://" + team},
			nil,
			"teams+https://" + team + "?color=%23406170",
		},
		"gotify": {
			map[string]string{
				"WATCHTOWER_NOTIFICATIONS": "gotify", "WATCHTOWER_NOTIFICATION_GOTIFY_URL": "https://g.example/sub/",
				"WATCHTOWER_NOTIFICATION_GOTIFY_TOKEN": "Aabcdefghijklmn",
			}, nil, "gotify://g.example/sub/Aabcdefghijklmn",
		},
		"gotify without TLS": {
			map[string]string{
				"WATCHTOWER_NOTIFICATIONS": "gotify", "WATCHTOWER_NOTIFICATION_GOTIFY_URL": "http://g.example",
				"WATCHTOWER_NOTIFICATION_GOTIFY_TOKEN": "Aabcdefghijklmn", "WATCHTOWER_NOTIFICATION_GOTIFY_TLS_SKIP_VERIFY": "1",
			}, nil, "gotify://g.example/Aabcdefghijklmn?disabletls=Yes",
		},
		"gotify that is not verified": {
			map[string]string{
				"WATCHTOWER_NOTIFICATIONS": "gotify", "WATCHTOWER_NOTIFICATION_GOTIFY_URL": "https://g.example",
				"WATCHTOWER_NOTIFICATION_GOTIFY_TOKEN": "Aabcdefghijklmn", "WATCHTOWER_NOTIFICATION_GOTIFY_TLS_SKIP_VERIFY": "1",
			}, nil, "gotify://g.example/Aabcdefghijklmn?insecureskipverify=Yes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{}
			for _, more := range []map[string]string{tt.env, tt.more} {
				for key, value := range more {
					env[key] = value
				}
			}
			assert.Equal(t, []string{tt.want}, urlsOf(t, env))
			env["WATCHTOWER_NOTIFICATION_URL"] = "logger://"
			assert.Equal(t, []string{"logger://", tt.want}, urlsOf(t, env), "beside what is new")
		})
	}
	assert.Empty(t, urlsOf(t, map[string]string{"WATCHTOWER_NOTIFICATIONS": "shoutrrr"}))
	s, err := parse(t, email, "--notification-email-delay=3", "--notifications-delay=5", "--notification-email-subjecttag=tag")
	require.NoError(t, err)
	cfg, err := s.notifications()
	require.NoError(t, err)
	assert.Equal(t, 3*time.Second, cfg.Delay, "the old one wins")
	assert.Equal(t, "tag", cfg.Tag)
	s, err = parse(t, email, "--notification-email-subjecttag=tag", "--notification-title-tag=other")
	require.NoError(t, err)
	cfg, err = s.notifications()
	require.NoError(t, err)
	assert.Equal(t, "other", cfg.Tag, "the new one wins")
}

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
			[]string{"WATCHTOWER_NOTIFICATION_TEMPLATE={{range 9999999999999}}again and {{end}}"},
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

// receiver keeps the bodies of what it is sent.
func receiver(t *testing.T) (url string, got <-chan string) {
	t.Helper()
	all := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		all <- string(body)
	}))
	t.Cleanup(server.Close)
	return "generic+" + server.URL + "/CANARY", all
}

// telling makes a fake that tells the session's observers of a pass.
func telling(f *fake, kept *session, report *watchtower.Report) opener {
	f.during = func(ctx context.Context) {
		for _, o := range kept.observers {
			o.Observe(ctx, watchtower.PassStarted{Kind: report.Kind})
			for _, e := range report.Entries {
				o.Observe(ctx, watchtower.UpdateEnded{Entry: e})
			}
			o.Observe(ctx, watchtower.PassEnded{Kind: report.Kind, Report: report})
		}
	}
	return f.with(kept)
}

// The end of the program waits for what is to be told, and nothing shows the secret.
func TestASinglePassTellsBeforeItEnds(t *testing.T) {
	t.Parallel()
	url, got := receiver(t)
	report := reportOf(watchtower.StatusUpdated, nil)
	report.Entries[0].Container.State = lifecycle.StateRunning
	for name, tt := range map[string]struct {
		args []string
		want []string
	}{
		"lines": {nil, []string{"Containers: all\n", "Updated web (nginx):"}},
		"a report": {
			[]string{"--notification-report", "--no-startup-message", "--trace"},
			[]string{"1 Scanned, 1 Updated, 0 Failed\n- web (nginx): "},
		},
		"a log for programs, beside what is": {
			[]string{"--notification-url=logger://", "--notification-log-stdout", "--json", "--no-startup-message"}, nil,
		},
		"nobody is told of a check": {[]string{"check", "-v"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			var kept session
			f := &fake{report: report}
			env := []string{"WATCHTOWER_NOTIFICATION_URL=" + url, "WATCHTOWER_RUN_ONCE=1"}
			assert.Equal(t, exitOK, run(tt.args, &out, &errs, env, telling(f, &kept, report)), errs.String())
			require.Len(t, got, len(tt.want), errs.String())
			for _, want := range tt.want {
				assert.Contains(t, <-got, want)
			}
			assert.NotContains(t, out.String()+errs.String(), "CANARY")
			assert.True(t, !slices.Contains(tt.args, "--json") || json.Valid(out.Bytes()), out.String())
		})
	}
}

// A receiver that never answers costs the pass nothing, and the end no more than its bound.
func TestAReceiverThatHangsDelaysNoPass(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	var errs bytes.Buffer
	var kept session
	report := reportOf(watchtower.StatusRolledBack, errors.New("unhealthy"))
	f := &fake{report: report}
	opened := telling(f, &kept, report)
	tell := f.during
	var took time.Duration
	ended, end := context.WithCancel(t.Context())
	f.during = func(context.Context) {
		began := time.Now()
		for range 10 {
			tell(ended)
		}
		took = time.Since(began)
	}
	p := &program{values: map[string]*value{}, env: map[string]string{"WATCHTOWER_NOTIFICATION_URL": "generic+" + server.URL}, stdout: io.Discard, stderr: &errs, open: opened}
	root := p.command()
	var whole time.Duration
	root.RunE = func(cmd *cobra.Command, names []string) error {
		return p.main(cmd, names, func(ctx context.Context, se session) error {
			_, err := se.towers[0].Update(ctx)
			began := time.Now()
			time.AfterFunc(100*time.Millisecond, end) // while it waits already
			se.farewell(ended)
			whole = time.Since(began)
			return err
		})
	}
	root.SetArgs(nil)
	require.NoError(t, root.Execute())
	t.Logf("ten passes took %v, the end %v", took, whole)
	assert.Less(t, took, time.Second)
	assert.Less(t, whole, flushHurry+2*time.Second)
	assert.Contains(t, errs.String(), "the program ends before all notifications are delivered")
}

func TestNotifyUpgrade(t *testing.T) {
	t.Chdir(t.TempDir())
	var out syncBuffer
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- offer(ctx, &out, "WATCHTOWER_NOTIFICATION_URL=a://CANARY b://c\n", time.Minute) }()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "docker cp ") }, 10*time.Second, time.Millisecond)
	files, err := filepath.Glob("watchtower-notification-urls-*")
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	assert.Equal(t, "WATCHTOWER_NOTIFICATION_URL=a://CANARY b://c\n", string(text))
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	assert.Contains(t, out.String(), files[0])
	assert.NotContains(t, out.String(), "CANARY")
	cancel()
	require.NoError(t, <-done)
	assert.NoFileExists(t, files[0])
}

// Whoever prints what the program holds sees no secret.
func TestADumpShowsNoSecretOfNotifications(t *testing.T) {
	t.Parallel()
	s, err := parse(t, map[string]string{
		"WATCHTOWER_NOTIFICATIONS": "email", "WATCHTOWER_NOTIFICATION_EMAIL_FROM": "a@example.com", "WATCHTOWER_NOTIFICATION_EMAIL_TO": "b@example.com",
		"WATCHTOWER_NOTIFICATION_EMAIL_SERVER": "mail", "WATCHTOWER_NOTIFICATION_EMAIL_SERVER_USER": "me",
		"WATCHTOWER_NOTIFICATION_EMAIL_SERVER_PASSWORD": "CANARY", "WATCHTOWER_NOTIFICATION_URL": "generic://host/CANARY",
		"WATCHTOWER_NOTIFICATION_SLACK_HOOK_URL": "https://hooks.slack.com/CANARY", "WATCHTOWER_NOTIFICATION_MSTEAMS_HOOK_URL": "CANARY",
		"WATCHTOWER_NOTIFICATION_GOTIFY_TOKEN": "CANARY",
	})
	require.NoError(t, err)
	cfg, err := s.notifications()
	require.NoError(t, err)
	require.Len(t, cfg.Services, 2)
	se := session{settings: s, logger: slog.New(slog.DiscardHandler)}
	require.NoError(t, notifying(&se, cfg))
	require.NotNil(t, se.notifiers)
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, held := range []any{s, s.notify, cfg, cfg.Services[0], se} {
			assert.NotContains(t, fmt.Sprintf(format, held), "CANARY", "%s of %T", format, held)
		}
	}
}
