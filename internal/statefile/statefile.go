// Package statefile keeps a map in a file that outlives the process: written whole
// or not at all, with a version, and set aside if it is not what was written. Several
// processes may have the same file.
package statefile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
)

// version is that of the frame around a value. A file of another one is not
// understood, and set aside like a damaged one: what is kept is a convenience.
const version = 1

// most bounds what is read: far more than any of the values take.
const most = 16 << 20

// Map is a map from text that is kept in a file. It is safe for use by many
// goroutines. The zero value is one in memory only, until Open.
type Map[T any] struct {
	path string // empty: in memory only
	warn func(error)

	mu    sync.Mutex
	value map[string]T
	seen  fs.FileInfo // of the file that value was read from
}

// frame is what stands in the file.
type frame struct {
	Version int             `json:"version"`
	Value   json.RawMessage `json:"value"`
}

// Open reads the map, empty if there is no file yet, and writes it back, so that a
// directory that cannot be written is known now. A file that is damaged, now or later,
// is renamed to NAME.damaged and told to warn, which may be nil.
func (m *Map[T]) Open(dir, name string, warn func(error)) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%q: want a directory that is there", dir)
	}
	m.path, m.warn = filepath.Join(dir, name), warn
	if err := m.Look(func(map[string]T) {}); err != nil {
		return fmt.Errorf("%q: want a directory whose files can be read: %w", dir, err)
	}
	if err := m.Change(func(map[string]T) {}); err != nil {
		return fmt.Errorf("%q: want a directory that can be written: %w", dir, err)
	}
	return nil
}

// Look hands over the map as it stands in the file now, to be read only until f
// returns. An error means that it could not be read.
func (m *Map[T]) Look(f func(map[string]T)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.read()
	if err == nil {
		f(m.value)
	}
	return err
}

// Change hands over a copy of the map as it stands in the file now, and keeps what f
// makes of it. No other process changes it meanwhile. After an error nothing is
// changed.
func (m *Map[T]) Change(f func(map[string]T)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.path != "" {
		unlock, err := lock(m.path + ".lock")
		if err != nil {
			return err
		}
		defer unlock()
	}
	if err := m.read(); err != nil {
		return err
	}
	changed := maps.Clone(m.value)
	if changed == nil {
		changed = map[string]T{}
	}
	f(changed)
	if m.path != "" {
		if err := write(m.path, changed); err != nil {
			return err
		}
		m.seen, _ = os.Stat(m.path) // nobody else has written: the lock is held
	}
	m.value = changed
	return nil
}

// read brings the map up to what the file holds. The caller holds the mutex.
func (m *Map[T]) read() error {
	if m.path == "" {
		return nil
	}
	info, err := os.Stat(m.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m.value, m.seen = nil, nil
		return nil
	case err != nil:
		return err
	case m.seen != nil && os.SameFile(info, m.seen) && info.ModTime().Equal(m.seen.ModTime()) && info.Size() == m.seen.Size():
		return nil
	}
	value, err := load[map[string]T](m.path, info)
	var unreadable *fs.PathError
	switch {
	case errors.As(err, &unreadable):
		return err
	case err != nil:
		aside := m.path + ".damaged"
		if err := os.Rename(m.path, aside); err != nil {
			return err
		}
		if m.warn != nil {
			m.warn(fmt.Errorf("%s is not what was written there (%w): begun anew, set aside as %s", m.path, err, aside))
		}
		m.value, m.seen = nil, nil
		return nil
	}
	m.value, m.seen = value, info
	return nil
}

// load returns a value only if all of it could be read.
func load[T any](path string, info fs.FileInfo) (value T, err error) {
	switch {
	case !info.Mode().IsRegular():
		return value, errors.New("no regular file")
	case info.Size() > most:
		return value, fmt.Errorf("more than %d bytes", most)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return value, err
	}
	var fr frame
	if err := json.Unmarshal(data, &fr); err != nil {
		return value, err
	}
	if fr.Version != version {
		return value, fmt.Errorf("its version is %d, not %d", fr.Version, version)
	}
	if len(fr.Value) == 0 || string(fr.Value) == "null" {
		return value, errors.New("it holds no value")
	}
	return value, json.Unmarshal(fr.Value, &value)
}

// write keeps the value. The file is written beside the old one and takes its
// place in one step, so that a crash leaves one or the other.
func write(path string, v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(frame{version, value}, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(append(data, '\n'))
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
