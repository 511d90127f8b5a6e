package main

import (
	"io"
	"strings"
	"unicode"
)

// plain is text that does nothing to a terminal but stand there, in one line: of what
// others chose, a name, a reference, an engine's words, nothing else is shown.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		default:
			return unicode.ReplacementChar
		}
	}, text)
}

// plainLines is plain for a text of several lines.
func plainLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = plain(lines[i])
	}
	return strings.Join(lines, "\n")
}

// fit cuts text to so many columns. What is not ASCII may take more of them than one,
// and is not worth finding out.
func fit(text string, columns int) string {
	text = strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return '?'
		}
		return r
	}, plain(text))
	switch {
	case len(text) <= columns:
		return text
	case columns <= 3:
		return text[:max(columns, 0)]
	default:
		return text[:columns-3] + "..."
	}
}

// plainWriter writes lines that are plain, each whatever it is made of.
type plainWriter struct{ out io.Writer }

func (p plainWriter) Write(text []byte) (int, error) {
	if _, err := io.WriteString(p.out, plainLines(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}
