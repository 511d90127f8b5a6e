package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"golang.org/x/term"
)

// The colours of what went well, what did not, and neither. All are of one length, for
// the sake of tables.
const (
	colorGood = "\x1b[32m"
	colorWarn = "\x1b[33m"
	colorBad  = "\x1b[31m"
	colorNone = "\x1b[39m"
	colorEnd  = "\x1b[0m"
)

// screen is the lower end of a terminal, where lines are written over.
type screen struct {
	out   io.Writer
	size  func() (columns, rows int)
	color bool
	shown []int // how wide the lines are that are there
}

// line is one of them: what it is about, and what of that.
type line struct{ name, text, color string }

// draw puts text above the lines, and new lines in the place of those that are there,
// all at once, so that nothing flickers.
func (s *screen) draw(above string, lines []line) error {
	var b strings.Builder
	if rows := s.rows(); rows > 1 {
		fmt.Fprintf(&b, "\x1b[%dA", rows-1)
	}
	if len(s.shown) > 0 {
		b.WriteString("\r\x1b[J")
	}
	b.WriteString(above)
	text := s.fit(lines)
	b.WriteString(strings.Join(text, "\n"))
	s.shown = s.shown[:0]
	for _, line := range text {
		s.shown = append(s.shown, len(coloring.ReplaceAllString(line, "")))
	}
	if b.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(s.out, b.String())
	return err
}

var coloring = regexp.MustCompile(`\x1b\[[0-9]+m`)

// rows is how many rows the lines take that are there: a terminal that was made narrower
// meanwhile has wrapped them.
func (s *screen) rows() int {
	columns, _ := s.size()
	rows := 0
	for _, width := range s.shown {
		rows += max(1, (width+columns-1)/max(columns, 1))
	}
	return rows
}

// narrowest is the terminal, in columns, that still has room for lines.
const narrowest = 20

// fit makes lines that do not wrap, and no more of them than there is room for: what
// leaves the screen can't be written over.
func (s *screen) fit(lines []line) []string {
	columns, rows := s.size()
	if columns < narrowest {
		return nil
	}
	columns, rows = columns-1, max(rows, 2)-1
	more := 0
	if len(lines) > rows {
		more = len(lines) - rows + 1
		lines = lines[:rows-1]
	}
	widest := 0
	for _, l := range lines {
		widest = max(widest, len(l.name))
	}
	widest = min(widest, columns/2)
	out := make([]string, len(lines), len(lines)+1)
	for i, l := range lines {
		if l.text == "" {
			out[i] = fit(l.name, columns)
			continue
		}
		text := fit(l.text, columns-widest-2)
		if s.color && l.color != "" {
			text = l.color + text + colorEnd
		}
		out[i] = fmt.Sprintf("%-*s  %s", widest, fit(l.name, widest), text)
	}
	if more > 0 {
		out = append(out, fit(fmt.Sprintf("and %d more", more), columns))
	}
	return out
}

// terminal tells whether w is one on which lines can be written over.
func (p *program) terminal(w io.Writer) bool { return isTerminal(w) && p.env["TERM"] != "dumb" }

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// sizeOf asks a terminal for its size, anew each time: it may change.
func sizeOf(w io.Writer) func() (columns, rows int) {
	return func() (int, int) {
		if f, ok := w.(*os.File); ok {
			if columns, rows, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 && rows > 0 {
				return columns, rows
			}
		}
		return 80, 24
	}
}
