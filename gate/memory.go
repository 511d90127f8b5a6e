package gate

import (
	"fmt"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/internal/statefile"
)

// Memory knows when this host first saw what a reference points at: the one
// image it leads to now, for each reference and platform. It is safe for use by many
// goroutines.
type Memory struct {
	file *statefile.File // nil: in memory only

	mu    sync.Mutex
	known map[string]sight
}

// sight is an image and when it was first seen under a reference.
type sight struct {
	Image string    `json:"image"`
	First time.Time `json:"first_seen"`
}

// memoryMost bounds what is kept: far more than the references of one engine.
const memoryMost = 10_000

func newMemory() *Memory { return &Memory{known: map[string]sight{}} }

// OpenMemory reads the memory that an earlier process kept in the directory, in
// the file first-seen.json; what is not there yet begins empty. A file that is
// damaged is set aside as first-seen.json.damaged, told to warn (which may be nil)
// and begun anew. A directory that is not there or cannot be written is an error
// of class InvalidArgument.
func OpenMemory(dir string, warn func(error)) (*Memory, error) {
	file, known, err := statefile.Open(dir, "first-seen.json", map[string]sight{}, warn)
	if err != nil {
		return nil, errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("gate: OpenMemory: %w", err))
	}
	return &Memory{file: file, known: known}, nil
}

// FirstSeen returns when the image was first seen under the key, a reference and a
// platform: now, if another stood there before. Its error is of class Unavailable: what is first
// seen now could not be kept.
func (m *Memory) FirstSeen(key, image string, now time.Time) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, seen := m.known[key]
	if s := before; seen && s.Image == image && !s.First.After(now) {
		return s.First, nil
	}
	if len(m.known) >= memoryMost {
		clear(m.known)
	}
	now = now.UTC().Truncate(time.Second)
	m.known[key] = sight{image, now}
	if m.file == nil {
		return now, nil
	}
	if err := m.file.Write(m.known); err != nil {
		// So that the next try is one, too.
		delete(m.known, key)
		if seen {
			m.known[key] = before
		}
		return now, errclass.With(errdefs.ErrUnavailable, fmt.Errorf("gate: remember %s: %w", key, err))
	}
	return now, nil
}
