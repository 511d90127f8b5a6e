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
	failed statefile.Map[failedDigest]

	mu      sync.Mutex
	unsaved map[string]failedDigest // on a disk that was full
}

// openQuarantine reads what an earlier process remembered. A file that is damaged
// is set aside, told of and begun anew: what it held is a failed try at most.
func openQuarantine(dir string, warn func(error)) (*quarantine, error) {
	q := &quarantine{}
	if dir == "" {
		return q, nil
	}
	if err := q.failed.Open(dir, quarantineFile, warn); err != nil {
		return nil, errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("watchtower: WithStateDirectory: %w", err))
	}
	return q, nil
}

// of returns what failed on the container last. What cannot be read any more is
// nothing: it costs one more try.
func (q *quarantine) of(name string) (last failedDigest) {
	_ = q.failed.Look(func(failed map[string]failedDigest) { last = failed[name] })
	q.mu.Lock()
	defer q.mu.Unlock()
	if unsaved, ok := q.unsaved[name]; ok {
		last = unsaved
	}
	return last
}

// against is the reason to leave the container where it is, if it is this digest that
// failed on it.
func (q *quarantine) against(name, digest string) string {
	failed := q.of(name)
	if failed.Digest != digest {
		failed = q.of(versionKey(name, digest))
	}
	if failed.Digest == "" || failed.Digest != digest {
		return ""
	}
	return fmt.Sprintf("this digest failed on %s: %s", failed.At.Format(time.RFC3339), failed.Digest)
}

// add remembers a failure, if only for this process: after an error it is not in the
// file.
func (q *quarantine) add(name, digest string, at time.Time) error {
	failure := failedDigest{digest, at.UTC().Truncate(time.Second)}
	err := q.failed.Change(func(failed map[string]failedDigest) {
		if len(failed) >= quarantineMost {
			clear(failed)
		}
		failed[name] = failure
	})
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.unsaved, name)
	if err != nil {
		if q.unsaved == nil {
			q.unsaved = map[string]failedDigest{}
		}
		q.unsaved[name] = failure
	}
	return err
}

// forget drops what failed on a container that has moved on.
func (q *quarantine) forget(name string) error {
	if q.of(name) == (failedDigest{}) {
		return nil
	}
	q.mu.Lock()
	delete(q.unsaved, name)
	q.mu.Unlock()
	return q.failed.Change(func(failed map[string]failedDigest) { delete(failed, name) })
}

// WithStateDirectory names a directory that outlives the process. What is kept
// there is which digest failed on which container, so that a restarted Tower
// does not try it again. It must exist and be writable, and is this engine's alone: it
// goes by the names of containers. Default: none, that is remembered in memory only.
func WithStateDirectory(dir string) Option {
	return func(c *config) error {
		if dir == "" {
			return errclass.With(errdefs.ErrInvalidArgument, errors.New("watchtower: WithStateDirectory: want a directory"))
		}
		c.stateDirectory = dir
		return nil
	}
}
