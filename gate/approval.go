package gate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/internal/statefile"
)

// Approvals are digests that somebody said yes to. They are a Gate that holds all
// others: a new digest needs a new yes. It is safe for use by many goroutines; the
// zero value has none, in memory.
type Approvals struct{ yes statefile.Map[approval] }

// approval is what is kept of a yes to a digest.
type approval struct {
	At time.Time `json:"at"`
}

// OpenApprovals reads the approvals that are kept in the directory, in the file
// approved.json. Other processes may have the same: what one says yes to, or takes
// back, all of them go by at once. What is damaged or cannot be written is treated as
// by OpenMemory.
func OpenApprovals(dir string, warn func(error)) (*Approvals, error) {
	a := &Approvals{}
	if err := a.yes.Open(dir, "approved.json", warn); err != nil {
		return nil, errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("gate: OpenApprovals: %w", err))
	}
	return a, nil
}

// Approve says yes to exactly this digest, "sha256:…": that of an index, a manifest
// or a configuration, as an Entry and a Plan show it. A text that is none is an
// error of class InvalidArgument; one of class Unavailable means that the yes
// could not be kept, and does not count.
func (a *Approvals) Approve(d string) error {
	if err := digest.Digest(d).Validate(); err != nil {
		return errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("gate: approve %q: want a digest: sha256:…", d))
	}
	return a.change(func(yes map[string]approval) { yes[d] = approval{time.Now().UTC().Truncate(time.Second)} })
}

// Withdraw takes a yes back. Errors are those of Approve.
func (a *Approvals) Withdraw(d string) error {
	return a.change(func(yes map[string]approval) { delete(yes, d) })
}

func (a *Approvals) change(f func(yes map[string]approval)) error {
	if err := a.yes.Change(f); err != nil {
		return errclass.With(errdefs.ErrUnavailable, fmt.Errorf("gate: keep approvals: %w", err))
	}
	return nil
}

// List returns what was said yes to, sorted. Its error, of class Unavailable, is that
// of a file that cannot be read.
func (a *Approvals) List() (digests []string, err error) {
	err = a.look(func(yes map[string]approval) { digests = slices.Sorted(maps.Keys(yes)) })
	return digests, err
}

var _ Gate = (*Approvals)(nil)

// Judge holds what nobody said yes to. Its error is List's.
func (a *Approvals) Judge(_ context.Context, c Candidate) (Decision, error) {
	decision := Decision{Verdict: Hold, Reason: "waits for somebody to approve " + c.Digest}
	err := a.look(func(yes map[string]approval) {
		for _, d := range []string{c.Digest, c.Manifest, c.ImageID} {
			if _, approved := yes[d]; approved {
				decision = Decision{Verdict: Accept}
			}
		}
	})
	return decision, err
}

func (a *Approvals) look(f func(yes map[string]approval)) error {
	if err := a.yes.Look(f); err != nil {
		return errclass.With(errdefs.ErrUnavailable, fmt.Errorf("gate: read approvals: %w", err))
	}
	return nil
}
