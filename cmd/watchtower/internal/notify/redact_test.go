package notify

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatIsHiddenOfAText(t *testing.T) {
	t.Parallel()
	encoded := base64.StdEncoding.EncodeToString([]byte("user:s3cr et/pass"))
	for name, tt := range map[string]struct{ url, text, want string }{
		"nothing":                     {"gotify://host/Atoken", "dial tcp 127.0.0.1:80: connection refused", "dial tcp 127.0.0.1:80: connection refused"},
		"the URL":                     {"gotify://host/Atoken", `at "gotify://host/Atoken?x=1": no`, `at "***": no`},
		"a URL made of it":            {"gotify://host/Atoken", `Post "https://host/message?token=Atoken": no`, `Post "https://host/***": no`},
		"a login in one":              {"generic://host/", "http://me:other@proxy:3128/x refused", "http://proxy:3128/*** refused"},
		"a password":                  {"smtp://user:s3cr%20et%2Fpass@host/", "535 s3cr et/pass s3cr+et%2Fpass user", "535 *** *** ***"},
		"one that was escaped":        {"smtp://user:a%3Cb%26c@host/", `{"no": "a\u003cb\u0026c"} <p>a&lt;b&amp;c</p>`, `{"no": "***"} <p>***</p>`},
		"one that was encoded":        {"smtp://user:s3cr%20et%2Fpass@host/", "535 authentication failed: " + encoded, "535 authentication failed: ***"},
		"a part with other seams":     {"slack://hook:T12345678-B12345678-abcdef@webhook", "invalid T12345678/B12345678", "invalid ***/***"},
		"a value, a header and a key": {"generic://host/?key=value1&@x-token=value2&$extra=value3", "x-token value1 value2 value3 extra", "*** *** *** *** ***"},
		"a host that is a secret":     {"discord://token@1234567", "no 1234567", "no ***"},
		"a host that is one":          {"ntfy://mail.example.com/topic", "lookup mail.example.com: no topic", "lookup mail.example.com: no ***"},
		"a host that is a word":       {"telegram://1:token@telegram?chats=@me", "lookup api.telegram.org: no token", "lookup api.telegram.org: no ***"},
		"line breaks":                 {"generic://host/", "a\r\nb\tc", "a b c"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(tt.url)
			require.NoError(t, err)
			assert.Equal(t, tt.want, redactor(u)(tt.text))
		})
	}
	u, err := url.Parse("generic://host/")
	require.NoError(t, err)
	long := redactor(u)(strings.Repeat("é ", 1000))
	assert.LessOrEqual(t, len(long), mostSaid+len("…"))
	assert.True(t, utf8.ValidString(long))
}

func FuzzRedactor(f *testing.F) {
	f.Add("smtp://user:password@host/?to=a", "535 password")
	f.Fuzz(func(t *testing.T, raw, text string) {
		u, err := url.Parse(raw)
		if err != nil || u.User == nil {
			return
		}
		password, ok := u.User.Password()
		if !ok || len(password) < shortest || strings.Contains(hidden, password) || strings.ContainsAny(password, " \t\r\n") {
			return
		}
		if said := redactor(u)(text + " " + password); strings.Contains(strings.ReplaceAll(said, hidden, " "), password) {
			t.Errorf("%q holds %q", said, password)
		}
	})
}
