package notify_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/notify"
	"github.com/watchtower-go/watchtower/credentials"
)

// The parts of these are secrets, each with the canary in it.
const canary = "CANARYX1"

func serviceURLs(local string) map[string]string {
	long := canary + strings.Repeat("A", 24)
	hex, uuid := strings.Repeat("ca", 16), "cacacaca-caca-caca-caca-cacacacacaca"
	return map[string]string{
		"gotify":     "gotify://" + local + "/sub/A" + canary + "abcdef?disabletls=Yes",
		"generic":    "generic+http://user:" + canary + "@" + local + "/" + canary + "?key=" + canary + "&@authorization=" + canary,
		"slack":      "slack://hook:" + canary + "A-" + canary + "B-" + long + "@webhook",
		"discord":    "discord://" + canary + "@" + canary + "2",
		"teams":      "teams+https://org.webhook.office.com/webhookb2/" + uuid + "@" + uuid + "/IncomingWebhook/" + hex + "/" + uuid + "/" + canary,
		"telegram":   "telegram://123456789:" + canary + strings.Repeat("a", 27) + "@telegram?chats=@channel",
		"pushover":   "pushover://shoutrrr:" + canary + "@" + canary + "U/",
		"pushbullet": "pushbullet://o." + canary + strings.Repeat("b", 24),
		"ntfy":       "ntfy://user:" + canary + "@" + local + "/" + canary + "?scheme=http",
		"mattermost": "mattermost://" + local + "/" + canary + "?disabletls=yes",
		"rocketchat": "rocketchat://" + local + "/" + canary + "/" + canary + "B",
		"ifttt":      "ifttt://" + canary + "/?events=event",
		"join":       "join://shoutrrr:" + canary + "@join/?devices=device",
		"zulip":      "zulip://bot:" + canary + "@" + local + "/?stream=stream",
		"opsgenie":   "opsgenie://" + local + "/" + canary,
		"googlechat": "googlechat://chat.googleapis.com/v1/spaces/space/messages?key=" + canary + "&token=" + canary,
		"bark":       "bark://:" + canary + "@" + local + "/?scheme=http",
		"matrix":     "matrix://user:" + canary + "@" + local + "/?disabletls=yes",
		"smtp":       "smtp://user:" + canary + "@" + local + "/?from=a@example.com&to=b@example.com",
	}
}

// redirected sends all that Go's own client would send elsewhere to the receiver here.
func redirected(t *testing.T, handler http.HandlerFunc) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	transport, ok := http.DefaultTransport.(*http.Transport)
	require.True(t, ok)
	dial, config := transport.DialContext, transport.TLSClientConfig
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		transport.DialContext, transport.TLSClientConfig = dial, config
	})
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // a receiver of the test's own
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "127.0.0.1:") {
			return dial(ctx, network, address)
		}
		return dial(ctx, network, server.Listener.Addr().String())
	}
}

// Whatever goes wrong, the log says which service and why, and holds no secret, even if
// the receiver repeats everything.
func TestSecretsStayOutOfTheLog(t *testing.T) { // not in parallel: it changes how Go's own client dials
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":"%s","errorDescription":"%[1]s","status":"invalid","message":"%[1]s %s"}`, r.URL, r.Header)
		_, _ = w.Write(body)
	}
	redirected(t, echo)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	refuses := l.Addr().String()
	echoes := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(echoes.Close)
	type run struct {
		name     string
		notifier *notify.Notifier
		logged   *bytes.Buffer
	}
	var runs []run
	for where, local := range map[string]string{"that refuses": refuses, "that repeats": strings.TrimPrefix(echoes.URL, "http://")} {
		for name, url := range serviceURLs(local) {
			if name == "smtp" && where == "that repeats" {
				continue // it would wait for a greeting
			}
			var logged bytes.Buffer
			n, err := notify.New(notify.Config{
				Services: to(url), Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			require.NoError(t, err)
			n.Started(time.Now(), "begun")
			runs = append(runs, run{name, n, &logged})
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var group sync.WaitGroup
	for _, r := range runs {
		group.Go(func() { r.notifier.Close(ctx) })
	}
	group.Wait()
	for _, r := range runs {
		assert.Contains(t, r.logged.String(), "a notification could not be delivered", r.name)
		assert.Contains(t, r.logged.String(), "service="+r.name)
		assert.NotContains(t, r.logged.String(), canary)
		assert.NotContains(t, r.logged.String(), "cacaca")
		line, _, _ := strings.Cut(r.logged.String(), "\n")
		t.Log(line)
	}
}

// The services that have one address for everybody, as their receivers see it.
func TestWebhooksOfOthers(t *testing.T) { // not in parallel: it changes how Go's own client dials
	got := make(chan received, 10)
	redirected(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- received{at: r.Method + " https://" + r.Host + r.URL.Path, body: string(body)}
		switch r.Host {
		case "discord.com":
			w.WriteHeader(http.StatusNoContent)
		case "api.telegram.org":
			_, _ = io.WriteString(w, `{"ok":true}`)
		}
	})
	uuid := "cacacaca-caca-caca-caca-cacacacacaca"
	teams := "https://org.webhook.office.com/webhookb2/" + uuid + "@" + uuid + "/IncomingWebhook/" + strings.Repeat("ca", 16) + "/" + uuid + "/extra"
	legacy := func(url credentials.Secret, err error) string {
		require.NoError(t, err)
		return url.Reveal()
	}
	for name, tt := range map[string]struct{ url, at, has string }{
		"slack": {
			legacy(notify.SlackURL(credentials.NewSecret("https://hooks.slack.com/services/T12345678/B12345678/abcdefghijklmnopqrstuvwx"), "bot", ":whale:")),
			"POST https://hooks.slack.com/services/T12345678/B12345678/abcdefghijklmnopqrstuvwx",
			`"text":"Watchtower updates on host","username":"bot","attachments":[{"text":"begun","color":"#406170"}],"icon_emoji":":whale:"`,
		},
		"discord": {
			legacy(notify.SlackURL(credentials.NewSecret("https://discordapp.com/api/webhooks/1234/token/slack"), "bot", "https://example.com/icon.png")),
			"POST https://discord.com/api/webhooks/1234/token",
			`"username":"bot","avatar_url":"https://example.com/icon.png"`,
		},
		"telegram": {
			"telegram://123456789:abcdefghijklmnopqrstuvwxyzabcdefghi@telegram?chats=-100123:7",
			"POST https://api.telegram.org/bot123456789:abcdefghijklmnopqrstuvwxyzabcdefghi/sendMessage",
			`"text": "\u003cb\u003eWatchtower updates on host\u003c/b\u003e\nbegun\n",
"chat_id": "-100123",
"message_thread_id": 7,
"parse_mode": "HTML"`,
		},
		"teams": {
			legacy(notify.TeamsURL(credentials.NewSecret(teams))), "POST " + teams,
			`"title":"Watchtower updates on host"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var logged bytes.Buffer
			n, err := notify.New(notify.Config{Services: to(tt.url), Host: "host", Logger: slog.New(slog.NewTextHandler(&logged, nil))})
			require.NoError(t, err)
			n.Started(at, "begun")
			closed(t, n)
			require.Empty(t, logged.String())
			m := <-got
			t.Logf("%s\n%s", m.at, m.body)
			assert.Equal(t, tt.at, m.at)
			assert.Contains(t, m.body, tt.has)
		})
	}
}

// Discord takes ten lines at a time, Telegram some thousand characters. No line is lost,
// and none comes twice.
func TestALongReportArrivesWhole(t *testing.T) { // not in parallel: it changes how Go's own client dials
	got := make(chan received, 10)
	redirected(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- received{body: string(body)}
		if r.Host == "api.telegram.org" {
			_, _ = io.WriteString(w, `{"ok":true}`)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	var lines []string
	for i := range 25 {
		lines = append(lines, fmt.Sprintf("line-%02d", i))
	}
	for url, parts := range map[string]int{
		"discord://token@1234": 3, "discord://token@1234?splitlines=no": 3,
		"telegram://123456789:abcdefghijklmnopqrstuvwxyzabcdefghi@telegram?chats=@me": 2,
	} {
		text := lines
		if strings.HasPrefix(url, "telegram") {
			text = make([]string, len(lines))
			for i := range lines {
				text[i] = lines[i] + strings.Repeat(" and on", 30)
			}
		}
		n, err := notify.New(notify.Config{Services: to(url), Host: "host"})
		require.NoError(t, err)
		n.Started(at, text...)
		closed(t, n)
		var arrived []string
		messages := all(got)
		for _, m := range messages {
			arrived = append(arrived, regexp.MustCompile(`line-\d\d`).FindAllString(m.body, -1)...)
		}
		assert.Equal(t, lines, arrived, url)
		assert.Len(t, messages, parts, url)
	}
}

// What one receiver is refused is tried again for that one; a server that hangs up without
// a word has what it took.
func TestAMailComesOnce(t *testing.T) {
	t.Parallel()
	mail, mails := mailReceiver(t)
	for from, tos := range map[string]string{"wt@example.com": "a@example.com,nobody@example.com,b@example.com", "rude@example.com": "c@example.com"} {
		var logged bytes.Buffer
		n, err := notify.New(notify.Config{
			Services: to("smtp://" + mail + "/?from=" + from + "&to=" + tos), Logger: slog.New(slog.NewTextHandler(&logged, nil)),
		})
		require.NoError(t, err)
		n.Started(at, "begun")
		closed(t, n)
		assert.Equal(t, strings.Count(tos, "nobody"), strings.Count(logged.String(), "could not be delivered"), logged.String())
		var got []string
		for _, m := range all(mails) {
			got = append(got, strings.Fields(m.at)[3])
		}
		slices.Sort(got)
		want := []string{"TO:<a@example.com>", "TO:<b@example.com>"}
		if from == "rude@example.com" {
			want = []string{"TO:<c@example.com>"}
		}
		assert.Equal(t, want, got, from)
	}
}

// A server that is down when the program begins is one that does not take a message.
func TestNoServiceIsAskedAtTheStart(t *testing.T) {
	t.Parallel()
	web, asked := webReceiver(t, http.StatusServiceUnavailable)
	for name, url := range serviceURLs(web) {
		_, err := notify.New(notify.Config{Services: to(url)})
		require.NoError(t, err, name)
	}
	assert.Empty(t, asked)
}

// What the old settings are made into, as it arrives.
func TestLegacyServices(t *testing.T) {
	t.Parallel()
	web, posts := webReceiver(t, 200)
	mail, mails := mailReceiver(t)
	host, port, err := net.SplitHostPort(mail)
	require.NoError(t, err)
	gotify, err := notify.GotifyURL("http://"+web+"/sub/", credentials.NewSecret("Aabcdefghijklmn"), true)
	require.NoError(t, err)
	number := 0
	_, err = fmt.Sscan(port, &number)
	require.NoError(t, err)
	n, err := notify.New(notify.Config{Host: "host", Tag: "für", Services: to(gotify.Reveal(), notify.Email{
		From: "wt+a@example.com", To: []string{"a+b@example.com", "c@example.com"}, Server: host, Port: number,
		User: "me", Password: credentials.NewSecret("p@ss/word?"), Plain: true,
	}.URL().Reveal())})
	require.NoError(t, err)
	n.Started(at, "begun")
	closed(t, n)
	got := all(posts)
	require.Len(t, got, 1)
	assert.Equal(t, "POST /sub/message?token=Aabcdefghijklmn", got[0].at)
	assert.JSONEq(t, `{"message":"begun\n","title":"[für] Watchtower updates on host","priority":0,"extras":null}`, got[0].body)
	letters := all(mails)
	require.Len(t, letters, 2)
	slices.SortFunc(letters, func(a, b received) int { return strings.Compare(a.at, b.at) })
	assert.Equal(t, "AUTH PLAIN MAIL FROM:<wt+a@example.com> RCPT TO:<a+b@example.com>", letters[0].at)
	assert.Equal(t, "AUTH PLAIN MAIL FROM:<wt+a@example.com> RCPT TO:<c@example.com>", letters[1].at)
	assert.Contains(t, letters[0].body, "From: Watchtower <wt+a@example.com>")
	assert.Contains(t, letters[0].body, "To: a+b@example.com")
	assert.Contains(t, letters[0].body, "Subject: =?utf-8?q?[f=C3=BCr]_Watchtower_updates_on_host?=")
	t.Logf("%s\n%s", letters[0].at, letters[0].body)
}

func TestWhatCannotBeSentToIsKnownAtTheStart(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"mqtt://" + canary + "@broker/topic":                          "mqtt is not in the shoutrrr of this release, v0.13.2",
		"mqtts://" + canary + "@broker/topic":                         "mqtts is not in the shoutrrr of this release, v0.13.2",
		"twilio://" + canary + ":" + canary + "@1/2":                  "twilio is not in the shoutrrr of this release, v0.13.2",
		"gotfy://host/" + canary:                                      `gotfy: unknown service: "gotfy"`,
		"gotify://host/" + canary:                                     "gotify: want the token of an application: 15 characters, the first an A",
		"slack://" + canary:                                           "slack: ",
		"smtp://user:" + canary + "@host/?to=a@example.com":           "smtp: fromAddress missing from config URL",
		"smtp://host/?from=a@b.example&to=c@d.example&auth=" + canary: "smtp: ",
		"discord://" + canary:                                         "discord: ",
		"generic://host/%ZZ" + canary:                                 "not a URL with a scheme",
		"slack+https://host/" + canary:                                "slack: there is no slack+",
		"teams+https://example.com/" + canary:                         "teams: ",
		"telegram://" + canary + "@telegram?chats=@a":                 "telegram: ",
		"matrix://user:" + canary + "@host/?" + canary + "=1":         "matrix: ",
		"matrix://user:" + canary + "@host/?rooms=":                   "matrix: the service's library panicked",
	} {
		_, err := notify.New(notify.Config{Services: append(to("logger://"), to(url)...)})
		require.Error(t, err, url)
		assert.Contains(t, err.Error(), "WATCHTOWER_NOTIFICATION_URL: URL 2: "+want)
		assert.NotContains(t, err.Error(), canary)
		t.Log(err)
	}
}
