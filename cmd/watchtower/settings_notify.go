package main

import (
	"log/slog"
	"math"
	"net"
	"net/url"
	"strings"

	"github.com/watchtower-go/watchtower/credentials"
)

// notifySettings are those of notifications.
type notifySettings struct {
	urls                      []credentials.Secret
	level                     slog.Level
	delay                     int // seconds
	hostname                  string
	template, templateFile    string
	report, skipTitle, stdout bool
	titleTag                  string
	split                     bool
	types                     []string
	emailFrom, emailServer    string
	emailTo                   []string
	emailPort                 int
	emailUser                 string
	emailPassword             credentials.Secret
	emailSkipTLS              bool
	emailDelay                int // seconds
	emailTag                  string
	slackHook                 credentials.Secret
	slackName, slackChannel   string
	slackEmoji, slackIcon     string
	teamsHook                 credentials.Secret
	teamsData                 bool
	gotifyURL                 string
	gotifyToken               credentials.Secret
	gotifySkipTLS             bool
}

const wantSeconds = "a whole number of seconds, 0 or more"

func notifyRows(s *settings) []setting {
	n := &s.notify
	return withVariables([]setting{
		{flag: "notification-url", target: urls(&n.urls), has: originFork, usage: "where to send them: shoutrrr's URLs, or files with one on each line"},
		{flag: "notifications-level", target: level(&n.level), def: "info", has: originFork, usage: "the least level of what is sent; error: reports are sent of what failed alone"},
		{flag: "notifications-delay", target: number(&n.delay, wantSeconds, 0, math.MaxInt32), def: "0", has: originFork, usage: "seconds to wait before each"},
		{flag: "notifications-hostname", target: text(&n.hostname), def: "the system's", has: originFork, usage: "name of this host in them"},
		{flag: "notification-template", target: text(&n.template), has: originFork, usage: "their text, as a Go template or the name of a built-in one: default-legacy; with a report default, json.v1, porcelain.v1.summary-no-log or porcelain.json"},
		{flag: "notification-template-file", target: text(&n.templateFile), has: fork, usage: "file that holds the template"},
		{flag: "notification-report", target: toggle(&n.report), has: originFork, usage: "give the template the report of the pass, not the log"},
		{flag: "notification-title-tag", target: text(&n.titleTag), has: originFork, usage: "[tag] in front of the title"},
		{flag: "notification-skip-title", target: toggle(&n.skipTitle), has: originFork, usage: "send no title"},
		{flag: "notification-log-stdout", target: toggle(&n.stdout), has: originFork, usage: "logger:// writes to standard output"},
		{flag: "notification-split-by-container", target: toggle(&n.split), has: fork, usage: "one for each container"},
	})
}

func legacyRows(s *settings) []setting {
	n := &s.notify
	return withVariables([]setting{
		{
			flag: "notifications", short: "n", target: choices(&n.types, "email", "slack", "msteams", "gotify", "shoutrrr"), has: originFork,
			usage: "kinds of notification: email, slack, msteams, gotify",
		},
		{flag: "notification-email-from", target: valid(&n.emailFrom, "an address (watchtower@example.com)", mailAddress), has: originFork, usage: "sender"},
		{flag: "notification-email-to", target: list(&n.emailTo, "addresses (ops@example.com), split by commas or white space", mailAddress), has: originFork, usage: "receivers"},
		{flag: "notification-email-server", target: valid(&n.emailServer, "the name or address of a server, without a port", serverName), has: originFork, usage: "SMTP server"},
		{flag: "notification-email-server-port", target: number(&n.emailPort, "a port from 1 to 65535", 1, 65535), def: "25", has: originFork, usage: "its port"},
		{flag: "notification-email-server-user", target: text(&n.emailUser), has: originFork, usage: "login there"},
		{flag: "notification-email-server-password", target: secret(&n.emailPassword), has: originFork, usage: "its password"},
		{flag: "notification-email-server-tls-skip-verify", target: toggle(&n.emailSkipTLS), has: originFork, usage: "send without TLS"},
		{flag: "notification-email-delay", target: number(&n.emailDelay, wantSeconds, 0, math.MaxInt32), def: "0", has: originFork, usage: "seconds to wait before each"},
		{flag: "notification-email-subjecttag", target: text(&n.emailTag), has: originFork, usage: "[tag] in front of the subject"},
		{flag: "notification-slack-hook-url", target: secret(&n.slackHook), has: originFork, usage: "Slack's webhook, or Discord's with /slack at its end"},
		{flag: "notification-slack-identifier", target: text(&n.slackName), def: "watchtower", has: originFork, usage: "name of the sender there"},
		{flag: "notification-slack-channel", target: text(&n.slackChannel), has: originFork, usage: "channel", status: ignored, note: "a webhook belongs to one: choose it where the webhook is made"},
		{flag: "notification-slack-icon-emoji", target: text(&n.slackEmoji), has: originFork, usage: "emoji of the sender"},
		{flag: "notification-slack-icon-url", target: text(&n.slackIcon), has: originFork, usage: "icon of the sender"},
		{
			flag: "notification-msteams-hook", env: "WATCHTOWER_NOTIFICATION_MSTEAMS_HOOK_URL", target: secret(&n.teamsHook), has: originFork,
			usage: "Teams' webhook",
		},
		{
			flag: "notification-msteams-data", env: "WATCHTOWER_NOTIFICATION_MSTEAMS_USE_LOG_DATA", target: toggle(&n.teamsData), has: original,
			usage: "send the data of log lines", status: ignored, note: "neither predecessor did; a template can, by .Data",
		},
		{
			flag: "notification-gotify-url", has: originFork, usage: "Gotify's server",
			target: valid(&n.gotifyURL, "an http:// or https:// URL", func(text string) error {
				u, err := url.Parse(text)
				if err == nil && u.Scheme != "http" && u.Scheme != "https" {
					err = errValue
				}
				return err
			}),
		},
		{flag: "notification-gotify-token", target: secret(&n.gotifyToken), has: originFork, usage: "token of the application there"},
		{flag: "notification-gotify-tls-skip-verify", target: toggle(&n.gotifySkipTLS), has: originFork, usage: "do not verify its certificate"},
	})
}

// mailAddress accepts what a server may take for one: it knows users of its own, too.
func mailAddress(text string) error {
	if strings.TrimSpace(text) == "" || strings.ContainsAny(text, " \t\r\n,;<>") {
		return errValue
	}
	return nil
}

// serverName accepts what can stand in a URL in front of a port.
func serverName(text string) error {
	if strings.ContainsAny(text, " \t\r\n/?#@%") || strings.Contains(text, ":") && net.ParseIP(strings.Trim(text, "[]")) == nil {
		return errValue
	}
	return nil
}

// urls are secrets: they hold the tokens of services.
func urls(field *[]credentials.Secret) target {
	return target{kindURLs, "URLs with a scheme, or paths of files with one on each line", func(text string) error {
		*field = append(*field, credentials.NewSecret(text))
		if scheme, _, ok := strings.Cut(text, "://"); !ok || scheme == "" {
			return errValue
		}
		return nil
	}}
}
