package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
