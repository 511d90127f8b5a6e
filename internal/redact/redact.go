// Package redact keeps secrets out of what is shown of a setting's or a label's value.
package redact

import "strings"

// Login takes the login out of a URL: "tcp://me:secret@host" becomes "tcp://***@host".
// It goes by the text: a value that is shown since it cannot be parsed may hold a
// login as well. What is no URL stays as it is.
func Login(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if i := strings.LastIndex(rest, "@"); ok && i >= 0 {
		return scheme + "://***" + rest[i:]
	}
	return text
}

// URL takes the query away, too, which may hold a token.
func URL(text string) string {
	text = Login(text)
	scheme, rest, ok := strings.Cut(text, "://")
	if before, _, asks := strings.Cut(rest, "?"); ok && asks {
		return scheme + "://" + before + "?***"
	}
	return text
}
