package notify

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/watchtower-go/watchtower/credentials"
)

// color is that of messages where there is one, as it has always been.
const color = "406170"

// Email is a service as the old settings tell of it.
type Email struct {
	From   string
	To     []string
	Server string
	Port   int
	// User is empty where no login is needed.
	User     string
	Password credentials.Secret
	// Plain sends without TLS, else there is if the server has it.
	Plain bool
}

// URL is shoutrrr's.
func (e Email) URL() credentials.Secret {
	query := url.Values{
		"fromaddress": {e.From}, "fromname": {"Watchtower"}, "toaddresses": {strings.Join(e.To, ",")},
		"subject": {Config{}.title()}, "usehtml": {"No"}, "clienthost": {"localhost"},
		"encryption": {"Auto"}, "usestarttls": {"Yes"}, "auth": {"None"},
	}
	if e.Plain {
		query.Set("encryption", "None")
		query.Set("usestarttls", "No")
	}
	u := url.URL{Scheme: "smtp", Host: net.JoinHostPort(strings.Trim(e.Server, "[]"), strconv.Itoa(e.Port)), Path: "/"}
	if e.User != "" {
		query.Set("auth", "Plain")
		u.User = url.UserPassword(e.User, e.Password.Reveal())
	}
	u.RawQuery = query.Encode()
	return credentials.NewSecret(u.String())
}

// SlackURL makes one of a webhook of Slack's, or of Discord's in Slack's form. The icon
// is an emoji (":whale:") or a URL; name and icon may be empty.
func SlackURL(hook credentials.Secret, name, icon string) (credentials.Secret, error) {
	const slack = "https://hooks.slack.com/services/"
	u, err := url.Parse(hook.Reveal())
	if err == nil && (u.Host == "discord.com" || u.Host == "discordapp.com") {
		return discordURL(u, name, icon)
	}
	token := strings.TrimPrefix(hook.Reveal(), slack) // the rest alone will do
	if strings.Contains(token, ":") || strings.Count(token, "/") != 2 {
		return credentials.Secret{}, errors.New("want a webhook that begins with " + slack + " or https://discord.com/api/webhooks/")
	}
	out := url.URL{Scheme: "slack", User: url.UserPassword("hook", strings.ReplaceAll(token, "/", "-")), Host: "webhook"}
	out.RawQuery = said(url.Values{"botname": {name}, "icon": {icon}, "color": {"#" + color}})
	return credentials.NewSecret(out.String()), nil
}

func discordURL(hook *url.URL, name, icon string) (credentials.Secret, error) {
	path := strings.Split(strings.Trim(hook.Path, "/"), "/") // api, maybe its version, webhooks, …
	if n := len(path); n < 5 || path[0] != "api" || path[n-4] != "webhooks" || path[n-1] != "slack" {
		return credentials.Secret{}, errors.New("want Discord's webhook to end with /slack: https://discord.com/api/webhooks/ID/TOKEN/slack")
	}
	if !strings.Contains(icon, "://") {
		icon = "" // it has no emojis for senders
	}
	out := url.URL{Scheme: "discord", User: url.User(path[len(path)-2]), Host: path[len(path)-3]}
	out.RawQuery = said(url.Values{"username": {name}, "avatar": {icon}, "color": {"0x" + color}, "splitlines": {"Yes"}})
	return credentials.NewSecret(out.String()), nil
}

// said leaves out what is empty.
func said(query url.Values) string {
	for key, values := range query {
		if values[0] == "" {
			delete(query, key)
		}
	}
	return query.Encode()
}

// TeamsURL makes one of an incoming webhook.
func TeamsURL(hook credentials.Secret) (credentials.Secret, error) {
	const parts = 6 // those that Teams made before 2025 lack the last
	u, err := url.Parse(hook.Reveal())
	if err != nil || u.Scheme != "https" || !strings.HasSuffix(u.Host, ".webhook.office.com") || strings.Count(u.Path, "/") < parts {
		return credentials.Secret{}, errors.New("want an incoming webhook, an old one renewed in Teams " +
			"(https://NAME.webhook.office.com/webhookb2/…@…/IncomingWebhook/…/…/…); " +
			"the address of a workflow is a URL of notifications as generic+https://…")
	}
	query := u.Query()
	query.Set("color", "#"+color)
	u.Scheme, u.RawQuery = "teams+https", query.Encode()
	return credentials.NewSecret(u.String()), nil
}

// GotifyURL makes one of a server's address; insecure does not verify its certificate.
func GotifyURL(server string, token credentials.Secret, insecure bool) (credentials.Secret, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return credentials.Secret{}, errors.New("want an http:// or https:// URL")
	}
	query := url.Values{}
	if u.Scheme == "http" {
		query.Set("disabletls", "Yes")
	} else if insecure {
		query.Set("insecureskipverify", "Yes")
	}
	out := url.URL{Scheme: "gotify", Host: u.Host, Path: strings.TrimRight(u.Path, "/") + "/" + token.Reveal(), RawQuery: query.Encode()}
	return credentials.NewSecret(out.String()), nil
}
