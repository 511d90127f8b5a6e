package notify

import (
	"cmp"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// hosted are the services whose URL has a host where the host is, or a word that says
// nothing; of others, such as discord://token@id, it is a part of the secret.
const hosted = " generic gotify smtp mattermost rocketchat matrix ntfy bark opsgenie zulip signal teams googlechat lark slack telegram join "

const (
	hidden = "***"
	// mostSaid bounds what is repeated of an answer.
	mostSaid = 300
)

// redactor keeps a service's secrets out of texts. shoutrrr's errors have its URL, the
// one it makes of that, and what the server answered, which may repeat either: every
// part of the URL is hidden, and what it is made of; of all URLs what is behind the
// host; and whatever is so long without a blank that it may be something encoded.
func redactor(u *url.URL) func(string) string {
	parts := []string{u.Fragment, u.Opaque}
	if u.User != nil {
		password, _ := u.User.Password()
		parts = append(parts, u.User.Username(), password)
	}
	scheme, _, _ := strings.Cut(u.Scheme, "+")
	if !strings.Contains(hosted, " "+scheme+" ") {
		parts = append(parts, u.Hostname())
	}
	parts = append(parts, strings.Split(u.Path, "/")...)
	for key, values := range u.Query() {
		if strings.HasPrefix(key, "@") || strings.HasPrefix(key, "$") {
			parts = append(parts, key[1:])
		}
		parts = append(parts, values...)
	}
	var old []string
	for _, part := range parts {
		quoted, _ := json.Marshal(part) //nolint:errchkjson // it is text
		forms := []string{part, url.QueryEscape(part), url.PathEscape(part), html.EscapeString(part), strings.Trim(string(quoted), `"`)}
		for _, form := range append(words.FindAllString(part, -1), forms...) {
			if len(form) >= shortest {
				old = append(old, form)
			}
		}
	}
	slices.SortFunc(old, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, text := range slices.Compact(old) {
		pairs = append(pairs, text, hidden)
	}
	replace := strings.NewReplacer(pairs...)
	return func(text string) string {
		text = opaque.ReplaceAllString(hideURLs(replace.Replace(text)), hidden)
		text = strings.Join(strings.Fields(text), " ")
		if len(text) > mostSaid {
			text = strings.ToValidUTF8(text[:mostSaid], "") + "…"
		}
		return text
	}
}

// hideURLs leaves of web addresses the host, and of others nothing.
func hideURLs(text string) string {
	return anyURL.ReplaceAllStringFunc(text, func(found string) string {
		if m := webURL.FindStringSubmatch(found); m != nil {
			return m[1] + m[2] + "/" + hidden
		}
		return hidden
	})
}

// shortest is what is worth hiding: less would leave no word whole.
const shortest = 3

var (
	words  = regexp.MustCompile(`[A-Za-z0-9_]{6,}`)
	webURL = regexp.MustCompile(`(?i)\b(https?://)(?:[^\s"'/@]*@)?([^\s"'/?#]*)[^\s"']*`)
	anyURL = regexp.MustCompile(`\b[A-Za-z][A-Za-z0-9+.-]*://[^\s"']*`)
	opaque = regexp.MustCompile(`[A-Za-z0-9+/=_-]{20,}`)
)
