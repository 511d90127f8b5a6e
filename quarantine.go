package watchtower

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
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
// tried again until the registry serves something else. With a path it outlives
// the process.
type quarantine struct {
	path string // empty: in memory only

	mu     sync.Mutex
	failed map[string]failedDigest
}

// openQuarantine reads what an earlier process remembered. A file that cannot be
// read as such is told of and begun anew: what it held is a failed try at most.
func openQuarantine(dir string, warn func(error)) (*quarantine, error) {
	q := &quarantine{failed: map[string]failedDigest{}}
	if dir == "" {
		return q, nil
	}
	q.path = filepath.Join(dir, quarantineFile)
	data, err := os.ReadFile(q.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, invalid("WithStateDirectory", dir, fmt.Sprintf("a directory that can be read (%v)", err))
	default:
		if err := json.Unmarshal(data, &q.failed); err != nil || q.failed == nil {
			q.failed = map[string]failedDigest{}
			warn(fmt.Errorf("%s is not what was written there and is begun anew", q.path))
		}
	}
	if err := q.save(); err != nil {
		return nil, invalid("WithStateDirectory", dir, fmt.Sprintf("a directory that can be written (%v)", err))
	}
	return q, nil
}

// of returns what failed on the container last.
func (q *quarantine) of(name string) failedDigest {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.failed[name]
}

// add remembers a failure.
func (q *quarantine) add(name, digest string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.failed) >= quarantineMost {
		clear(q.failed)
	}
	q.failed[name] = failedDigest{digest, time.Now().UTC().Truncate(time.Second)}
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

// save writes the file beside the old one and renames it, so that a crash leaves
// one or the other.
func (q *quarantine) save() error {
	if q.path == "" {
		return nil
	}
	data, err := json.MarshalIndent(q.failed, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(q.path), quarantineFile+".*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), q.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
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
