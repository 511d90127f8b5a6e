package notify

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestLongMessagesBecomeSeveral(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		room room
		text string
		want []string
	}{
		"no bound":                {room{}, "a\nb\n", []string{"a\nb\n"}},
		"nothing":                 {room{bytes: 4}, "", nil},
		"what fits":               {room{4, 2}, "a\nb\n", []string{"a\nb\n"}},
		"too many lines":          {room{9, 2}, "a\nb\nc\n", []string{"a\nb\n", "c\n"}},
		"too many bytes":          {room{bytes: 5}, "ab\ncd\nef", []string{"ab\n", "cd\nef"}},
		"a line that is too long": {room{bytes: 4}, "a\nabcdefghi\nb\n", []string{"a\n", "abcd", "efgh", "i\nb\n"}},
		"between characters":      {room{bytes: 4}, "aéé€", []string{"aé", "é", "€"}},
		"blank ones":              {room{bytes: 2}, "a\n\n\n\nb", []string{"a\n", "\nb"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, tt.room.fit(tt.text))
		})
	}
}

func FuzzRoom(f *testing.F) {
	f.Add("a\nbé\n", 4, 2)
	f.Fuzz(func(t *testing.T, text string, bytes, lines int) {
		if bytes < utf8.UTFMax || lines < 0 || !utf8.ValidString(text) {
			return
		}
		parts := room{bytes, lines}.fit(text)
		for _, part := range parts {
			if len(part) > bytes || lines > 0 && strings.Count(strings.TrimSuffix(part, "\n"), "\n") >= lines || !utf8.ValidString(part) {
				t.Errorf("%q does not fit", part)
			}
		}
		if want, got := strings.Fields(text), strings.Join(parts, ""); strings.Join(strings.Fields(got), "") != strings.Join(want, "") {
			t.Errorf("%q has become %q", text, parts)
		}
	})
}
