package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/watchtower-go/watchtower"
)

// passTable is how a pass ended, for people at a terminal: a row for each container
// that was looked at. Those left alone are only counted, by the log's last line.
func passTable(r *watchtower.Report, color bool) string {
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	cell := func(text, code string) string {
		if !color {
			return text
		}
		return code + text + colorEnd
	}
	_, _ = fmt.Fprintf(tw, "CONTAINER\tIMAGE\t%s\tWHY\n", cell("STATUS", colorNone))
	for _, e := range r.Entries {
		if e.Status != watchtower.StatusSkipped {
			_, _ = fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", plain(calledIn(e.Container)), plain(e.Container.Image),
				cell(string(e.Status), statusColor(e.Status)), plain(outcome(e)))
		}
	}
	_ = tw.Flush() // into memory
	if r.Scanned() == 0 {
		return ""
	}
	return "\n" + b.String() + "\n"
}

// outcome is why, and what it cost.
func outcome(e watchtower.Entry) string {
	text := strings.TrimPrefix(why(e), "watchtower: ")
	if e.Status == watchtower.StatusStale {
		text = e.Reason + ": " + next(e) // this was the pass that would have replaced it
	}
	if change := e.Change().String(); e.Status == watchtower.StatusUpdated && change != "" {
		text = strings.TrimSuffix(change+"; "+text, "; ")
	}
	if e.Downtime > 0 {
		if text != "" {
			text += "; "
		}
		text += fmt.Sprintf("down for %v", e.Downtime.Round(time.Millisecond))
	}
	return text
}

func statusColor(s watchtower.Status) string {
	switch s {
	case watchtower.StatusUpdated, watchtower.StatusRestarted:
		return colorGood
	case watchtower.StatusRolledBack, watchtower.StatusFailed:
		return colorBad
	case watchtower.StatusStale, watchtower.StatusHeld:
		return colorWarn
	default:
		return colorNone
	}
}
