package gate

import (
	"fmt"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/internal/statefile"
)

// Memory knows when this host first saw what a reference points at: the one
// image it leads to now, for each reference and platform. It is safe for use by many
// goroutines.
type Memory struct{ known statefile.Map[sight] }

// sight is an image and when it was first seen under a reference.
type sight struct {
	Image string    `json:"image"`
	First time.Time `json:"first_seen"`
}

// memoryMost bounds what is kept: far more than the references of one engine.
const memoryMost = 10_000

// OpenMemory reads the memory that is kept in the directory, in the file
// first-seen.json; what is not there yet begins empty. Other processes may have the
// same. A file that is damaged is set aside as first-seen.json.damaged, told to warn
// (which may be nil) and begun anew. A directory that is not there or cannot be
// written is an error of class InvalidArgument.
func OpenMemory(dir string, warn func(error)) (*Memory, error) {
	m := &Memory{}
	if err := m.known.Open(dir, "first-seen.json", warn); err != nil {
		return nil, errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("gate: OpenMemory: %w", err))
	}
	return m, nil
}

// clockless is the year before which a machine does not know what time it is: one
// that has no battery for its clock begins in 1970.
const clockless = 2000

// FirstSeen returns when the image was first seen under the key, a reference and a
// platform: now, if another stood there before, or if that was before the machine knew
// the time. Its error is of class Unavailable: what is first seen now could not be kept.
func (m *Memory) FirstSeen(key, image string, now time.Time) (time.Time, error) {
	var first time.Time
	recall := func(known map[string]sight) (seen bool) {
		s, seen := known[key]
		first = s.First
		return seen && s.Image == image && !first.After(now) && first.Year() >= clockless
	}
	seen := false
	err := m.known.Look(func(known map[string]sight) { seen = recall(known) })
	if err == nil && !seen {
		err = m.known.Change(func(known map[string]sight) {
			if recall(known) {
				return
			}
			if len(known) >= memoryMost {
				clear(known)
			}
			first = now.UTC().Truncate(time.Second)
			known[key] = sight{image, first}
		})
	}
	if err != nil {
		return now, errclass.With(errdefs.ErrUnavailable, fmt.Errorf("gate: remember %s: %w", key, err))
	}
	return first, nil
}
