package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/watchtower-go/watchtower"
)

// policyRow is one thing that holds for a container, and where it comes from: a
// label, a flag or variable, an option or a default. The note is what is wrong with it.
type policyRow struct{ name, value, from, note string }

// fromOption is where a row of the library's comes from that a setting gave.
const fromOption = string(watchtower.FromOption)

// printPolicy writes the rows under a heading. Of an option it tells which flag
// or variable gave it, if its name is the setting's.
func printPolicy(w io.Writer, heading string, rows []policyRow, s settings) error {
	if _, err := fmt.Fprintf(w, "\n%s\n", heading); err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		from := s.origin(row)
		if row.note != "" {
			from += " (" + row.note + ")"
		}
		if _, err := fmt.Fprintf(tw, "  %s\t%s\t%s\n", row.name, oneLine(row.value), from); err != nil {
			return err
		}
	}
	return tw.Flush()
}

func (s settings) origin(row policyRow) string {
	if row.from != fromOption {
		return row.from
	}
	for _, name := range settingsOf(row.name) {
		if source := s.from(name); source != "" {
			return source
		}
	}
	return string(watchtower.FromDefault)
}

// settingsOf are the settings a row may come from, the one that wins first.
func settingsOf(row string) []string {
	switch row {
	case "hook-uid":
		return []string{"lifecycle-uid"}
	case "hook-gid":
		return []string{"lifecycle-gid"}
	case "update-order":
		return []string{row, "rolling-restart"} // which asks for start-first
	default:
		return []string{row}
	}
}

// oneLine keeps a value in its place, and what a terminal would obey out of it: a
// label is whoever's who made the container or its image.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.Join(strings.Fields(text), " "))
}

// rowsOf are the library's rows. What its gates do where no label says anything, it
// does not know: that is the settings'.
func (s settings) rowsOf(p watchtower.Policy) []policyRow {
	rows := make([]policyRow, len(p))
	for i, v := range p {
		rows[i] = policyRow{v.Name, v.Value, string(v.From), v.Problem}
		if v.From == watchtower.FromLabel {
			rows[i].from = v.Label
		}
		if value := s.ofGates(v.Name); v.From == watchtower.FromDefault && value != "" {
			rows[i].value, rows[i].from = value, fromOption
		}
		if v.Problem != "" {
			rows[i].note = "label " + v.Label + ": " + v.Problem
		}
	}
	return rows
}

// ofGates is what the settings say of a row that is a gate's.
func (s settings) ofGates(row string) string {
	switch {
	case row == "update-window":
		return s.updateWindow
	case row == "cooldown-delay" && s.cooldown > 0:
		return s.cooldown.String()
	default:
		return ""
	}
}
