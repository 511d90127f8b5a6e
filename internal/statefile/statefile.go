// Package statefile keeps one value in a file that outlives the process: written
// whole or not at all, with a version, and set aside if it is not what was written.
package statefile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// version is that of the frame around a value. A file of another one is not
// understood, and set aside like a damaged one: what is kept is a convenience.
const version = 1

// most bounds what is read: far more than any of the values take.
const most = 16 << 20

// File is where a value is kept. Its owner sees to it that one goroutine writes at
// a time.
type File struct{ path string }

// frame is what stands in the file.
type frame struct {
	Version int             `json:"version"`
	Value   json.RawMessage `json:"value"`
}

// Open reads the value, empty if there is no file yet, and writes it back, so that
// a directory that cannot be written is known now. A file that is damaged is
// renamed to NAME.damaged and told to warn, which may be nil.
func Open[T any](dir, name string, empty T, warn func(error)) (*File, T, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, empty, fmt.Errorf("%q: want a directory that is there", dir)
	}
	f := &File{path: filepath.Join(dir, name)}
	value, err := read(f.path, empty)
	var unreadable *fs.PathError
	switch {
	case errors.As(err, &unreadable):
		return nil, empty, fmt.Errorf("%q: want a directory whose files can be read: %w", dir, err)
	case err != nil:
		aside := f.path + ".damaged"
		if err := os.Rename(f.path, aside); err != nil {
			return nil, empty, err
		}
		if warn != nil {
			warn(fmt.Errorf("%s is not what was written there (%w): begun anew, set aside as %s", f.path, err, aside))
		}
	}
	if err := f.Write(value); err != nil {
		return nil, empty, fmt.Errorf("%q: want a directory that can be written: %w", dir, err)
	}
	return f, value, nil
}

// read returns a value only if all of it could be read.
func read[T any](path string, empty T) (T, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return empty, nil
	case err != nil:
		return empty, err
	case !info.Mode().IsRegular():
		return empty, errors.New("no regular file")
	case info.Size() > most:
		return empty, fmt.Errorf("more than %d bytes", most)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return empty, err
	}
	var fr frame
	if err := json.Unmarshal(data, &fr); err != nil {
		return empty, err
	}
	if fr.Version != version {
		return empty, fmt.Errorf("its version is %d, not %d", fr.Version, version)
	}
	if len(fr.Value) == 0 || string(fr.Value) == "null" {
		return empty, errors.New("it holds no value")
	}
	var value T
	if err := json.Unmarshal(fr.Value, &value); err != nil {
		return empty, err
	}
	return value, nil
}

// Write keeps the value. The file is written beside the old one and takes its
// place in one step, so that a crash leaves one or the other.
func (f *File) Write(v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(frame{version, value}, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+".*") // 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(append(data, '\n'))
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
