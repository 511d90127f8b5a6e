package watchtower

import (
	"cmp"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// ImageInfo is what an image says of itself, in labels of the OCI image
// specification (org.opencontainers.image.*) or, where it has none of these, of Label
// Schema (org.label-schema.*), which it may have from the image it was built on. It is
// for people to read, and can be shown: it holds no control characters. The zero value
// says nothing.
type ImageInfo struct {
	// Version is that of the software, at most 100 bytes.
	Version string `json:"version,omitempty"`
	// Revision is that of its source, mostly a commit, at most 100 bytes.
	Revision string `json:"revision,omitempty"`
	// Source leads to the source: http or https, without user and password, at most
	// 500 bytes. Another address is none.
	Source string `json:"source,omitempty"`
	// Created is when it was made, by its label or its configuration. Zero for a time
	// before 2000, by which reproducible builds say nothing, and for one after 9999, which
	// JSON has no words for.
	Created time.Time `json:"created,omitzero"`
}

const (
	infoMost    = 100
	sourceMost  = 500
	infoSince   = 2000
	infoUntil   = 9999
	labelPrefix = "org.opencontainers.image."
	schema      = "org.label-schema."
)

// infoOf reads an image's labels. It was created then, if no label says so.
func infoOf(label func(key string) string, created time.Time) ImageInfo {
	said := func(key, older string) string { return cmp.Or(label(labelPrefix+key), label(schema+older)) }
	info := ImageInfo{
		Version:  printable(said("version", "version")),
		Revision: printable(said("revision", "vcs-ref")),
		Source:   cmp.Or(link(label(labelPrefix+"source")), link(label(schema+"vcs-url"))),
		Created:  created,
	}
	if at, err := time.Parse(time.RFC3339, said("created", "build-date")); err == nil {
		info.Created = at
	}
	info.Created = info.Created.UTC().Truncate(time.Second)
	if year := info.Created.Year(); year < infoSince || year > infoUntil {
		info.Created = time.Time{}
	}
	return info
}

// printable is a label's text without what a terminal may take for a command, or a
// reader for something else: control characters, those that turn the direction of
// writing and the like.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text[:min(len(text), infoMost)])
	return strings.TrimSpace(text)
}

// link is an address that can be shown and followed; empty if it is none.
func link(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return ""
	}
	u.User = nil
	out := u.String()
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"'<>\\`", r) }
	if len(out) > sourceMost || strings.ContainsFunc(out, odd) {
		return ""
	}
	return out
}

// runs is what is known of the image that a container runs, for nothing: the lists
// tell. Where they have no labels of the image, those of its container do, which were
// merged from it.
func (inv *inventory) runs(c lifecycle.Container) ImageInfo {
	image := inv.images[c.ImageID]
	labels := image.Labels
	if labels == nil {
		labels = c.Labels
	}
	return infoOf(func(key string) string { return labels[key] }, image.Created)
}

// infoIn is what an image says by its defaults.
func infoIn(defaults lifecycle.Document, created time.Time) ImageInfo {
	return infoOf(defaults.Object("Labels").Text, created)
}

// Change is what moving from one image to another means for people, as far as the two
// tell. The zero value says nothing.
type Change struct {
	From ImageInfo `json:"from,omitzero"`
	To   ImageInfo `json:"to,omitzero"`
}

// Change is from what the container ran to what it was or would be moved to.
func (e Entry) Change() Change { return Change{e.From, e.To} }

// why is why the container is in the plan, and what that means, if its images tell.
func (m PlannedMember) why() string {
	if change := m.Change.String(); change != "" {
		return m.Cause + ": " + change
	}
	return m.Cause
}

// shortRevision is how many digits of a commit tell it from others.
const shortRevision = 12

// String is like "1.4.2 -> 1.5.0 (https://example.com/app)". Where the version stays,
// it has the revisions behind it, else the days of creation, as far as they differ.
// Empty if nothing is known of the image that is moved to.
func (c Change) String() string {
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.DateOnly)
	}
	var parts []string
	differ := func(name, from, to string) bool {
		if to == "" || from == to {
			return false
		}
		parts = append(parts, name+cmp.Or(from, "unknown")+" -> "+to)
		return true
	}
	if !differ("", c.From.Version, c.To.Version) {
		if c.To.Version != "" {
			parts = append(parts, c.To.Version)
		}
		_ = differ("revision ", shortHex(c.From.Revision), shortHex(c.To.Revision)) ||
			differ("created ", day(c.From.Created), day(c.To.Created))
	}
	if c.To.Source != "" {
		parts = append(parts, "("+c.To.Source+")")
	}
	return strings.Join(parts, " ")
}

// shortHex shortens a commit.
func shortHex(revision string) string {
	if strings.Trim(revision, "0123456789abcdef") != "" {
		return revision
	}
	return revision[:min(len(revision), shortRevision)]
}
