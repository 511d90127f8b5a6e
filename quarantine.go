package watchtower

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/internal/statefile"
)

const (
	// quarantineFile is the name in the state directory.
	quarantineFile = "failed-digests.json"
	// quarantineMost bounds what is kept: far more than the containers of one
	// engine.
	quarantineMost = 10_000
)

// failedDigest is a digest that failed on a container, and when.
type failedDigest struct {
	Digest string    `json:"digest"`
	At     time.Time `json:"at"`
}

// quarantine remembers what failed, by the container's name: the same is not
// tried again until the registry serves something else. With a file it outlives
// the process.
type quarantine struct {
	file *statefile.File // nil: in memory only

	mu     sync.Mutex
	failed map[string]failedDigest
}

// openQuarantine reads what an earlier process remembered. A file that is damaged
// is set aside, told of and begun anew: what it held is a failed try at most.
func openQuarantine(dir string, warn func(error)) (*quarantine, error) {
	if dir == "" {
		return &quarantine{failed: map[string]failedDigest{}}, nil
	}
	file, failed, err := statefile.Open(dir, quarantineFile, map[string]failedDigest{}, warn)
	if err != nil {
		return nil, errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("watchtower: WithStateDirectory: %w", err))
	}
	return &quarantine{file: file, failed: failed}, nil
}

// of returns what failed on the container last.
func (q *quarantine) of(name string) failedDigest {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.failed[name]
}

// add remembers a failure.
func (q *quarantine) add(name, digest string, at time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.failed) >= quarantineMost {
		clear(q.failed)
	}
	q.failed[name] = failedDigest{digest, at.UTC().Truncate(time.Second)}
	return q.save()
}

// forget drops what failed on a container that has moved on.
func (q *quarantine) forget(name string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.failed[name]; !ok {
		return nil
	}
	delete(q.failed, name)
	return q.save()
}

// save keeps it all. The caller holds the lock.
func (q *quarantine) save() error {
	if q.file == nil {
		return nil
	}
	return q.file.Write(q.failed)
}

// WithStateDirectory names a directory that outlives the process. What is kept
// there is which digest failed on which container, so that a restarted Tower
// does not try it again. It must exist and be writable. Default: none, that is
// remembered in memory only.
func WithStateDirectory(dir string) Option {
	return func(c *config) error {
		if dir == "" {
			return errclass.With(errdefs.ErrInvalidArgument, errors.New("watchtower: WithStateDirectory: want a directory"))
		}
		c.stateDirectory = dir
		return nil
	}
}
