package credentials

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// maxConfig bounds a config file.
const maxConfig = 4 << 20

// ConfigFile is a Store on a Docker config.json. It reads the file again when
// its time, size or inode changed, also behind a symbolic link, so that a later
// `docker login` is seen. It is safe for use by many goroutines.
type ConfigFile struct {
	paths  []string // the first that exists counts
	report func(error)

	mu      sync.Mutex
	seen    os.FileInfo // of the file the content is from; nil if there is none
	path    string
	content *config
	trouble string // what was reported last, so that it is said once
}

// FileOption sets one thing of a ConfigFile.
type FileOption func(*ConfigFile)

// WithReport sets who is told, once, that the file has become unreadable or
// malformed and that its last good content stays in force. Default: nobody.
func WithReport(report func(error)) FileOption {
	return func(f *ConfigFile) {
		if report != nil {
			f.report = report
		}
	}
}

// File reads the config.json at the path. A file that is not there is no error:
// it may come. One that cannot be read, is malformed or is a directory is, of
// class InvalidArgument.
func File(path string, opts ...FileOption) (*ConfigFile, error) {
	return firstOf([]string{path}, opts)
}

// FromEnv reads Docker's config.json where the environment says it is: at
// $DOCKER_CONFIG/config.json, else at /config.json, else at
// ~/.docker/config.json. Without DOCKER_CONFIG the first of the two that exists
// counts, looked for again on each use. Registries it has no entry for are
// looked up in RepoFromEnv. Errors are those of File.
func FromEnv(opts ...FileOption) (Store, error) {
	var paths []string
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		paths = append(paths, filepath.Join(dir, "config.json"))
	}
	paths = append(paths, "/config.json")
	if home, err := os.UserHomeDir(); err == nil {
		paths = append(paths, filepath.Join(home, ".docker", "config.json"))
	}
	file, err := firstOf(paths, opts)
	if err != nil {
		return nil, err
	}
	return Chain(file, RepoFromEnv()), nil
}

func firstOf(paths []string, opts []FileOption) (*ConfigFile, error) {
	f := &ConfigFile{paths: paths, report: func(error) {}}
	for _, opt := range opts {
		if opt != nil {
			opt(f)
		}
	}
	if err := f.refresh(); err != nil {
		return nil, err
	}
	return f, nil
}

// Credential finds the registry's login.
func (f *ConfigFile) Credential(ctx context.Context, host string) (Credential, error) {
	f.mu.Lock()
	err := f.refresh()
	text := ""
	if err != nil {
		text = err.Error()
	}
	news := text != f.trouble && text != ""
	f.trouble = text
	content := f.content
	f.mu.Unlock()
	if news {
		f.report(err)
	}
	if content == nil {
		return Credential{}, err
	}
	return content.find(ctx, host)
}

// refresh reads the file if it is another one than last time. An error leaves
// the last good content.
func (f *ConfigFile) refresh() error {
	path, info, err := f.look()
	switch {
	case err != nil:
		return err
	case info == nil:
		f.seen, f.content = nil, nil
		return nil
	case info.IsDir():
		return invalid(path, "", "a directory: the engine makes one where a file that does not exist is mounted; "+
			"mount the directory that holds config.json instead")
	case f.content != nil && f.path == path && unchanged(f.seen, info):
		return nil
	}
	if info.Size() > maxConfig {
		return invalid(path, "", "larger than %d bytes", maxConfig)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return invalid(path, "", "%w", plain(err))
	}
	content, err := parseConfig(path, data)
	if err != nil {
		return err
	}
	f.seen, f.path, f.content = info, path, content
	return nil
}

func (f *ConfigFile) look() (string, os.FileInfo, error) {
	for _, path := range f.paths {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return path, nil, invalid(path, "", "%w", plain(err))
		}
		return path, info, nil
	}
	return "", nil, nil
}

// settled is how old a file must be for its time to tell it from another: file
// systems count in steps, and a write may follow within one.
const settled = 2 * time.Second

func unchanged(seen, now os.FileInfo) bool {
	return seen != nil && os.SameFile(seen, now) && seen.Size() == now.Size() && seen.ModTime().Equal(now.ModTime()) &&
		time.Since(now.ModTime()) > settled
}

// plain is a file error without the path, which the message has already.
func plain(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
