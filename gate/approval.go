package gate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/internal/statefile"
)

// Approvals are digests that somebody said yes to. They are a Gate that holds all
// others: a new digest needs a new yes. It is safe for use by many goroutines; the
// zero value has none, in memory.
type Approvals struct {
	file *statefile.File // nil: in memory only

	mu  sync.Mutex
	yes map[string]bool // by digest
}

// OpenApprovals reads the approvals that an earlier process kept in the directory,
// in the file approved.json. What is damaged or cannot be written is treated as by
// OpenMemory.
func OpenApprovals(dir string, warn func(error)) (*Approvals, error) {
	file, yes, err := statefile.Open(dir, "approved.json", map[string]bool{}, warn)
	if err != nil {
		return nil, errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("gate: OpenApprovals: %w", err))
	}
	return &Approvals{file: file, yes: yes}, nil
}

// Approve says yes to exactly this digest, "sha256:…": that of an index, a manifest
// or a configuration, as an Entry and a Plan show it. A text that is none is an
// error of class InvalidArgument; one of class Unavailable means that the yes
// could not be kept, and does not count.
func (a *Approvals) Approve(d string) error {
	if err := digest.Digest(d).Validate(); err != nil {
		return errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("gate: approve %q: want a digest: sha256:…", d))
	}
	return a.change(func(yes map[string]bool) { yes[d] = true })
}

// Withdraw takes a yes back. Errors are those of Approve.
func (a *Approvals) Withdraw(d string) error {
	return a.change(func(yes map[string]bool) { delete(yes, d) })
}

func (a *Approvals) change(f func(yes map[string]bool)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	changed := maps.Clone(a.yes)
	if changed == nil {
		changed = map[string]bool{}
	}
	f(changed)
	if a.file != nil {
		if err := a.file.Write(changed); err != nil {
			return errclass.With(errdefs.ErrUnavailable, fmt.Errorf("gate: keep approvals: %w", err))
		}
	}
	a.yes = changed
	return nil
}

// List returns what was said yes to, sorted.
func (a *Approvals) List() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.yes))
}

var _ Gate = (*Approvals)(nil)

// Judge holds what nobody said yes to.
func (a *Approvals) Judge(_ context.Context, c Candidate) (Decision, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range []string{c.Digest, c.Manifest, c.ImageID} {
		if d != "" && a.yes[d] {
			return Decision{Verdict: Accept}, nil
		}
	}
	return Decision{Verdict: Hold, Reason: "waits for somebody to approve " + c.Digest}, nil
}
