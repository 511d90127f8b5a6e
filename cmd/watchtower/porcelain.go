package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/watchtower-go/watchtower"
)

// porcelain prints the result of each pass in a form that scripts read, whatever
// becomes of the log: the containers that were meant, by ID.
type porcelain struct {
	out    io.Writer
	form   string // v1 or json
	meant  func(watchtower.Container) bool
	logger *slog.Logger
}

// porcelainContainer is one of them.
type porcelainContainer struct {
	Name     string `json:"name"`
	Image    string `json:"image"`
	ImageID  string `json:"image_id"`
	LatestID string `json:"latest_image_id"`
	State    string `json:"state"`
	Newer    bool   `json:"update_available"`
	Error    string `json:"error,omitempty"`
}

// Observe prints what a pass that may change something ended with.
func (p *porcelain) Observe(_ context.Context, e watchtower.Event) {
	end, ok := e.(watchtower.PassEnded)
	if !ok || end.Kind != watchtower.PassUpdate || end.Report == nil {
		return
	}
	if err := p.print(end.Report); err != nil {
		p.logger.Error("the result could not be printed", "err", err)
	}
}

func (p *porcelain) print(r *watchtower.Report) error {
	entries := slices.DeleteFunc(slices.Clone(r.Entries), func(e watchtower.Entry) bool { return !p.meant(e.Container) })
	slices.SortFunc(entries, func(a, b watchtower.Entry) int { return strings.Compare(a.Container.ID, b.Container.ID) })
	containers := make([]porcelainContainer, len(entries))
	for i, e := range entries {
		containers[i] = porcelainOf(e)
	}
	if p.form == "json" {
		return json.NewEncoder(p.out).Encode(map[string]any{"containers": containers})
	}
	var b strings.Builder
	for _, c := range containers {
		fmt.Fprintf(&b, "%s (%s): %s", c.Name, c.Image, c.State)
		if c.Error != "" {
			fmt.Fprintf(&b, " Error: %s", c.Error)
		}
		b.WriteString("\n")
	}
	if len(containers) == 0 {
		b.WriteString("no containers matched filter\n")
	}
	_, err := io.WriteString(p.out, b.String())
	return err
}

// porcelainOf says it in the few words there have always been: what is held is
// stale, and what was rolled back has failed.
func porcelainOf(e watchtower.Entry) porcelainContainer {
	c := porcelainContainer{Name: e.Container.Name, Image: e.Container.Image, ImageID: e.Container.ImageID, LatestID: e.NewImageID}
	if c.LatestID == "" {
		c.LatestID = e.Container.ImageID
	}
	switch e.Status {
	case watchtower.StatusFresh:
		c.State = "Fresh"
	case watchtower.StatusUpdated:
		c.State = "Updated"
	case watchtower.StatusRestarted:
		c.State = "Restarted"
	case watchtower.StatusStale, watchtower.StatusHeld:
		c.State, c.Newer = "Stale", true
	case watchtower.StatusSkipped:
		c.State, c.Error = "Skipped", e.Reason
	case watchtower.StatusRolledBack:
		c.State, c.Newer = "Failed", true
	default:
		c.State = "Failed"
	}
	if e.Err != nil {
		c.Error = inLine(e.Err)
	}
	return c
}
