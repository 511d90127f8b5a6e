package notify

import (
	"strings"
	"unicode/utf8"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/discord"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// room is how much one message may hold; zero is no bound.
type room struct{ bytes, lines int }

// rooms are those of services that refuse what is longer, by their names: what their
// documentation says, less what a message has beside its text. Teams has been seen to
// refuse half of what it says, and ntfy makes files of more, which not each server takes.
func rooms(name string) room {
	return map[string]room{
		"teams": {bytes: 10_000}, "ntfy": {bytes: 4096}, "googlechat": {bytes: 16_000}, "matrix": {bytes: 16_000},
		"lark": {bytes: 4096}, "wecom": {bytes: 4096}, "pushover": {bytes: 1024}, "zulip": {bytes: 10_000},
		"telegram": {bytes: telegramMost - 2*mostTitle}, // the title comes on top
	}[name]
}

// roomOf is the service's. Of more lines or text than Discord takes at once shoutrrr
// sends the last part several times, and the first never.
func roomOf(name string, service types.Service) room {
	if d, ok := service.(*discord.Service); ok && !d.Config.JSON {
		return room{bytes: discord.ChunkSize, lines: discord.ChunkCount}
	}
	return rooms(name)
}

// fit makes parts that fit of a text, at the ends of lines. A line that is too long for
// itself is cut.
func (r room) fit(text string) []string {
	if r == (room{}) {
		return []string{text}
	}
	var parts []string
	var part strings.Builder
	lines := 0
	end := func() {
		if strings.TrimSpace(part.String()) != "" {
			parts = append(parts, part.String())
		}
		part.Reset()
		lines = 0
	}
	for line := range strings.Lines(text) {
		for line != "" {
			piece := head(line, r.bytes)
			if part.Len()+len(piece) > r.bytes || r.lines > 0 && lines == r.lines {
				end()
			}
			part.WriteString(piece)
			lines++
			line = line[len(piece):]
		}
	}
	end()
	return parts
}

// head is the beginning of a text, of so many bytes at most, and of whole characters.
func head(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 1 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
