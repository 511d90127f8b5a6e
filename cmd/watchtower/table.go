package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/watchtower-go/watchtower"
)

// printTable writes the report for people.
func printTable(w io.Writer, r *watchtower.Report) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(tw, "CONTAINER\tIMAGE\tSTATUS\tWHY"); err != nil {
		return err
	}
	for _, e := range r.Entries {
		if _, err := fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", e.Container.Name, e.Container.Image, e.Status, why(e)); err != nil {
			return err
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if len(r.Plan.Groups) > 0 {
		if _, err := fmt.Fprintf(w, "\nAn update would:\n%s", r.Plan); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n", r.Summary())
	return err
}

func why(e watchtower.Entry) string {
	switch {
	case e.Err != nil:
		return inLine(e.Err)
	case e.Status == watchtower.StatusStale && e.Policy.Get("monitor-only").Value == "true":
		return e.Reason + ": now at " + e.Latest
	case e.Status == watchtower.StatusStale:
		text := "would be replaced: now at " + e.Latest
		if e.StaleMirror != "" {
			text += "; " + e.StaleMirror + ", which the engine pulls through, is stale"
		}
		return text
	default:
		return e.Reason
	}
}

// inLine keeps an error that is several in one line.
func inLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func printJSON(w io.Writer, r *watchtower.Report) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
