package gate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// Candidate is one container and the image it could move to.
type Candidate struct {
	// At is when it is judged, by the watcher's clock.
	At time.Time
	// Container is what would be replaced.
	Container lifecycle.Container
	// Reference is whole, with its tag: "docker.io/library/nginx:1.27".
	Reference string
	// Platform is "os/arch" or "os/arch/variant", that of the running image.
	Platform string
	// Digest is what the registry says the reference points at: an index's or a
	// manifest's digest. It is what is pulled, and nothing else.
	Digest string
	// Manifest is the digest of the platform's manifest, and ImageID that of its
	// configuration; empty where the checker does not resolve them.
	Manifest, ImageID string
	// Current is what the running image says of itself; Next what the new one
	// does, nil where the checker cannot read it before a pull.
	Current, Next *Metadata
}

// Metadata is what an image says of itself. Whoever made the image wrote it.
type Metadata struct {
	// Created is when it says it was made; zero if it does not say, and for the
	// image that runs, of which engines' lists do not tell.
	Created time.Time
	// Labels are its labels.
	Labels map[string]string
	// Env are its variables, as "KEY=value".
	Env []string
}

// Verdict is what a gate says.
type Verdict string

// The verdicts.
const (
	// Accept lets the container move.
	Accept Verdict = "accept"
	// Hold leaves it where it is for now: it is judged again in every pass.
	Hold Verdict = "hold"
	// Reject leaves it where it is for as long as this digest is served.
	Reject Verdict = "reject"
)

// Decision is a verdict with its reason. The zero value accepts.
type Decision struct {
	// Verdict is the verdict; empty is Accept.
	Verdict Verdict
	// Until is when a hold ends by itself; zero if it waits for something else.
	Until time.Time
	// Due asks for a pass at Until, where none is scheduled before: for a hold that
	// ends at a time somebody chose, which passes might miss day after day. After
	// other holds the next pass is soon enough.
	Due bool
	// Reason is a few words for people: why it is held or rejected. Empty for
	// Accept.
	Reason string
}

// Accepted reports whether the container may move.
func (d Decision) Accepted() bool { return d.Verdict == Accept || d.Verdict == "" }

// Gate judges candidates.
type Gate interface {
	// Judge is called once for each candidate and pass, before anything is
	// pulled; also by a check, which changes nothing. It may ask registries. An
	// error means that it could not judge: the container stays where it is and
	// is reported as failed. A Gate is used by many goroutines at once. It returns
	// when ctx ends, at the latest: the pass waits for it.
	Judge(ctx context.Context, c Candidate) (Decision, error)
}

// Func adapts a function to Gate.
type Func func(ctx context.Context, c Candidate) (Decision, error)

// Judge calls f.
func (f Func) Judge(ctx context.Context, c Candidate) (Decision, error) { return f(ctx, c) }

type all []Gate

// All accepts what all of the gates accept; none of them accept everything. The
// first that rejects, or cannot judge, decides; otherwise a hold lasts for as long
// as the longest, with all reasons, and is due if one of them is.
func All(gates ...Gate) Gate { return all(gates) }

// Judge asks every gate, in order.
func (a all) Judge(ctx context.Context, c Candidate) (Decision, error) {
	out := Decision{Verdict: Accept}
	var reasons []string
	for _, g := range a {
		d, err := g.Judge(ctx, c)
		switch {
		case err != nil || d.Verdict == Reject:
			return d, err
		case !d.Accepted() && d.Verdict != Hold:
			return d, fmt.Errorf("gate: verdict %q: want accept, hold or reject", d.Verdict)
		case d.Accepted():
			continue
		case out.Accepted():
			out = d
		case out.Until.IsZero() || d.Until.IsZero():
			out.Until, out.Due = time.Time{}, false // one of them ends with no time
		default:
			if d.Until.After(out.Until) {
				out.Until = d.Until
			}
			out.Due = out.Due || d.Due
		}
		if d.Reason != "" {
			reasons = append(reasons, d.Reason)
		}
	}
	out.Reason = strings.Join(reasons, ", and ")
	return out, nil
}
