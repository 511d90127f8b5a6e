package watchtower

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever stands in a label, what is made of it can be shown.
func FuzzImageInfo(f *testing.F) {
	for _, seed := range []string{
		"1.2", "https://me:secret@example.com/x?y#z", "javascript:alert(1)", "\x1b[2J\u202e\xff", "2026-01-02T03:04:05+01:00",
		"9999-12-31T23:00:00-05:00", "https://example.com/\u202e", "HTTP://[::1]:80/%00", "https://a@b@c/", "https://x/'\"<>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		info := infoOf(func(string) string { return text }, time.Time{})
		_, err := json.Marshal(info)
		require.NoError(t, err)
		shown := Change{To: info}.String()
		assert.True(t, utf8.ValidString(shown))
		assert.Equal(t, -1, strings.IndexFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", shown)
		assert.LessOrEqual(t, len(info.Version), infoMost)
		assert.True(t, info.Created.IsZero() || info.Created.Year() >= infoSince)
		if info.Source == "" {
			return
		}
		assert.LessOrEqual(t, len(info.Source), sourceMost)
		u, err := url.Parse(info.Source)
		require.NoError(t, err)
		assert.Contains(t, []string{"http", "https"}, u.Scheme)
		assert.NotEmpty(t, u.Hostname())
		assert.Nil(t, u.User)
	})
}
