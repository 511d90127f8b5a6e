package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/watchtower-go/watchtower"
)

// printTable writes the reports for people, with a column for the engine where it has a
// name.
func printTable(w io.Writer, reports []*watchtower.Report) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	versions := slices.ContainsFunc(reports, func(r *watchtower.Report) bool {
		return slices.ContainsFunc(r.Entries, func(e watchtower.Entry) bool { return e.From.Version != "" })
	})
	named := slices.ContainsFunc(reports, func(r *watchtower.Report) bool { return r.Engine != "" })
	row := func(engine, name, image, version, status, why string) error {
		if named {
			name = engine + "\t" + name
		}
		if versions {
			image += "\t" + version
		}
		_, err := fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", name, image, status, why)
		return err
	}
	if err := row("ENGINE", "CONTAINER", "IMAGE", "VERSION", "STATUS", "WHY"); err != nil {
		return err
	}
	for _, r := range reports {
		for _, e := range r.Entries {
			if err := row(r.Engine, calledIn(e.Container), e.Container.Image, e.From.Version, string(e.Status), why(e)); err != nil {
				return err
			}
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, r := range reports {
		if len(r.Plan.Groups) > 0 {
			if _, err := fmt.Fprintf(w, "\n%s would:\n%s", onEngine(r, "An update"), r.Plan); err != nil {
				return err
			}
		}
	}
	for _, r := range reports {
		if _, err := fmt.Fprintf(w, "\n%s\n", r.Summary()); err != nil {
			return err
		}
	}
	return nil
}

// onEngine says on which engine something is, where that has a name.
func onEngine(r *watchtower.Report, what string) string {
	if r.Engine == "" {
		return what
	}
	return what + " on " + r.Engine
}

// called is a container's name, marked where it is that of a swarm's service, which may be
// the same as one of theirs.
func called(name string, service bool) string {
	if service {
		return name + " (service)"
	}
	return name
}

func calledIn(c watchtower.Container) string { return called(c.Name, c.Service != nil) }

func why(e watchtower.Entry) string {
	switch {
	case e.Err != nil:
		return inLine(e.Err)
	case e.Status == watchtower.StatusStale && e.Policy.Get("monitor-only").Value == "true":
		return e.Reason + ": " + next(e)
	case e.Status == watchtower.StatusStale:
		text := "would be replaced: " + next(e)
		if e.StaleMirror != "" {
			text += "; " + e.StaleMirror + ", which the engine pulls through, is stale"
		}
		return text
	case e.Status == watchtower.StatusHeld:
		return e.Reason + ": " + next(e)
	default:
		return e.Reason
	}
}

// shortDigest is how long a digest is shown: enough to tell it from others.
const shortDigest = len("sha256:") + 12

// next is what the container would move to: what that means, if its images tell.
func next(e watchtower.Entry) string {
	if change := e.Change().String(); change != "" {
		return change
	}
	return "now at " + e.Latest[:min(len(e.Latest), shortDigest)]
}

// inLine keeps an error that is several in one line.
func inLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func printJSON(w io.Writer, r *watchtower.Report) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
