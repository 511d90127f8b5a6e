package notify

import (
	"slices"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower"
)

// Data is what templates of reports are given.
type Data struct {
	Title, Host string
	// Engine is the name of the engine that it is about; empty where there is but one.
	Engine string
	// Entries are those of the pass, as templates of the log are given them.
	Entries []Entry
	// Report is nil in what is not of a pass, the message at the start.
	Report *Report
}

// Entry is a line about one fact. Templates of the log are given a list of them.
type Entry struct {
	// Message is the fact in words.
	Message string
	// Level is debug, info, warning or error.
	Level string
	Time  time.Time
	// Data are what the fact is about: "container", "image" and others.
	Data map[string]any
}

// ID is a container's or an image's.
type ID string

// ShortID returns its first twelve digits.
func (id ID) ShortID() string {
	const digits = 12
	text := string(id)
	if _, hex, ok := strings.Cut(text, ":"); ok {
		text = hex
	}
	return text[:min(len(text), digits)]
}

// Container is what templates see of one.
type Container struct {
	ID ID
	// Name is without a slash.
	Name, ImageName string
	// LatestImageID is the current one's where no other is known.
	CurrentImageID, LatestImageID ID
	// State is Fresh, Stale, Updated, Restarted, Skipped or Failed.
	State string
	// Error is why it failed or was skipped, in one line.
	Error string

	// What templates of others do not know:

	// Service is the mode of a swarm's service ("replicated"); empty for a container.
	Service string
	// TaskOf is the service whose task the container is; empty for all others.
	TaskOf string
	// Reason is why it is stale, held, restarted or skipped.
	Reason string
	// Digest is what its reference points at now, where that was asked.
	Digest ID
	// Change is what moving to the new image means, as far as the images tell:
	// "1.4.2 -> 1.5.0 (https://example.com/app)". OldVersion, NewVersion and Source, of
	// the new one, are its parts.
	Change, OldVersion, NewVersion, Source string
	// NewImageName is where a tag policy moves it; empty if that stays.
	NewImageName   string
	NewContainerID ID
	IsMonitorOnly  bool
	// RolledBack: it failed, and the old container serves again.
	RolledBack bool
	// Recovered: it had failed, as was told, and is fresh again.
	Recovered bool
	Downtime  time.Duration

	held, outOfDate bool
}

// Report is a pass. Its lists are sorted by the containers' IDs; those of one that is
// nil are empty.
type Report struct{ containers []Container }

// newReport leaves out the containers that are not meant; nil means all.
func newReport(r *watchtower.Report, meant func(watchtower.Container) bool) *Report {
	out := &Report{}
	for _, e := range r.Entries {
		if meant == nil || meant(e.Container) {
			out.containers = append(out.containers, containerOf(e))
		}
	}
	slices.SortFunc(out.containers, func(a, b Container) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out
}

// The states.
const (
	fresh     = "Fresh"
	stale     = "Stale"
	updated   = "Updated"
	restarted = "Restarted"
	skipped   = "Skipped"
	failed    = "Failed"
)

// containerOf says it in the few words there have always been: what is held is stale,
// and what was rolled back has failed.
func containerOf(e watchtower.Entry) Container {
	c := Container{
		ID: ID(e.Container.ID), Name: e.Container.Name, Service: string(e.Container.ServiceMode()), TaskOf: e.TaskOf, ImageName: e.Container.Image,
		CurrentImageID: ID(e.Container.ImageID), LatestImageID: ID(e.NewImageID),
		Reason: e.Reason, Digest: ID(e.Latest), NewImageName: e.NewReference, NewContainerID: ID(e.NewContainerID),
		IsMonitorOnly: e.Policy.Get("monitor-only").Value == "true", Downtime: e.Downtime,
		Change: e.Change().String(), OldVersion: e.From.Version, NewVersion: e.To.Version, Source: e.To.Source,
		outOfDate: e.OutOfDate,
	}
	if c.LatestImageID == "" {
		c.LatestImageID = c.CurrentImageID
	}
	switch e.Status {
	case watchtower.StatusFresh:
		c.State = fresh
	case watchtower.StatusUpdated:
		c.State = updated
	case watchtower.StatusRestarted:
		c.State = restarted
	case watchtower.StatusStale:
		c.State = stale
	case watchtower.StatusHeld:
		c.State, c.held = stale, true
	case watchtower.StatusSkipped:
		c.State, c.Error = skipped, e.Reason
	case watchtower.StatusRolledBack:
		c.State, c.RolledBack = failed, true
	default:
		c.State = failed
	}
	if e.Err != nil {
		c.Error = strings.ReplaceAll(e.Err.Error(), "\n", "; ")
	}
	return c
}

// key is what it goes by.
func (c Container) key() string { return keyFor(c.Name, c.Service != "") }

func (r *Report) in(states ...string) []Container {
	var out []Container
	if r == nil {
		return out
	}
	for _, c := range r.containers {
		if slices.Contains(states, c.State) {
			out = append(out, c)
		}
	}
	return out
}

// All returns every container.
func (r *Report) All() []Container {
	return r.in(fresh, stale, updated, restarted, skipped, failed)
}

// Scanned returns all but the skipped.
func (r *Report) Scanned() []Container { return r.in(fresh, stale, updated, restarted, failed) }

// Updated returns those that were replaced.
func (r *Report) Updated() []Container { return r.in(updated) }

// Restarted returns those that had to follow another.
func (r *Report) Restarted() []Container { return r.in(restarted) }

// Failed returns those that failed or were rolled back.
func (r *Report) Failed() []Container { return r.in(failed) }

// Skipped returns those that were left alone.
func (r *Report) Skipped() []Container { return r.in(skipped) }

// Stale returns those for which something newer is there, and that stay.
func (r *Report) Stale() []Container { return r.in(stale) }

// Fresh returns those that are up to date.
func (r *Report) Fresh() []Container { return r.in(fresh) }

// Recovered returns those that are up to date again, after they failed.
func (r *Report) Recovered() []Container {
	return slices.DeleteFunc(r.Fresh(), func(c Container) bool { return !c.Recovered })
}
