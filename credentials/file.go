package credentials

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
)

// maxConfig bounds a config file: a thousand logins are a tenth of it.
const maxConfig = 4 << 20

// ConfigFile is a Store on a Docker config.json. It reads the file again when
// its time, size or inode changed, also behind a symbolic link, so that a later
// `docker login` is seen. It is safe for use by many goroutines.
type ConfigFile struct {
	paths   []string // the first that exists counts
	report  func(error)
	helpers *helpers

	mu      sync.Mutex
	seen    os.FileInfo // of the file the content is from; nil if there is none
	path    string
	content *config
	trouble string // what was reported last, so that it is said once
}

// FileOption sets one thing of a ConfigFile.
type FileOption func(*ConfigFile)

// WithReport sets who is told, once each time, that the file has become
// unreadable or malformed, or is a mount that shows a file since replaced, and
// that its last good content stays in force. Default: nobody.
func WithReport(report func(error)) FileOption {
	return func(f *ConfigFile) {
		if report != nil {
			f.report = report
		}
	}
}

// WithHelperTimeout bounds the run of a helper the file names. Default, also for
// 0 and less: DefaultHelperTimeout.
func WithHelperTimeout(d time.Duration) FileOption {
	return func(f *ConfigFile) { f.helpers = newHelpers(d) }
}

// File reads the config.json at the path. A file that is not there is no error:
// it may come. One that is malformed, is a directory or cannot be reached is, of
// class InvalidArgument; one that may not be read, of class PermissionDenied. An
// entry that is malformed is an error of class InvalidArgument for those who ask
// for it, and no trouble for the others. Helpers are asked as by Helper.
func File(path string, opts ...FileOption) (*ConfigFile, error) {
	return firstOf([]string{path}, opts)
}

func firstOf(paths []string, opts []FileOption) (*ConfigFile, error) {
	f := &ConfigFile{paths: paths, report: func(error) {}, helpers: newHelpers(DefaultHelperTimeout)}
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
	content := f.content
	if err == nil && content != nil && unlinked(f.seen) {
		err = &Error{Op: "read", Source: f.path, Err: invalid("a mount of a file that was replaced since, which shows " +
			"the old one: mount the directory that holds config.json instead")}
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	news := text != "" && text != f.trouble
	f.trouble = text
	f.mu.Unlock()
	if content == nil {
		return Credential{}, err
	}
	if news {
		f.report(err)
	}
	return content.find(ctx, host, f.helpers)
}

// String is the file's path: of those that are looked for the one that is there,
// or all if none is.
func (f *ConfigFile) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.content == nil {
		return strings.Join(f.paths, ", ") + " (not there)"
	}
	return f.path
}

// refresh reads the file if it is another one than last time. An error leaves
// the last good content.
func (f *ConfigFile) refresh() error {
	path, info, err := f.look()
	switch {
	case err != nil:
		return unreadable(path, err)
	case info == nil:
		f.seen, f.content = nil, nil
		return nil
	case info.IsDir():
		return &Error{Op: "read", Source: path, Err: invalid("a directory: the engine makes one where a file that does " +
			"not exist is mounted; mount the directory that holds config.json instead")}
	case f.content != nil && f.path == path && unchanged(f.seen, info):
		f.seen = info
		return nil
	}
	data, info, err := readFile(path, maxConfig)
	if err != nil {
		return unreadable(path, err)
	}
	content, err := parseConfig(path, data)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(data)) == 0 && f.content.holds() {
		return &Error{Op: "read", Source: path, Err: invalid("empty, as a file is that is being written")}
	}
	f.seen, f.path, f.content = info, path, content
	return nil
}

func (f *ConfigFile) look() (path string, info os.FileInfo, err error) {
	for _, path = range f.paths {
		info, err = os.Stat(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return path, info, err
		}
	}
	return "", nil, nil
}

// settled is how old a file must be for its time to tell it from another: file
// systems count in steps, of two seconds at worst, and a write may follow within
// one.
const settled = 2 * time.Second

func unchanged(seen, now os.FileInfo) bool {
	return os.SameFile(seen, now) && seen.Size() == now.Size() && seen.ModTime().Equal(now.ModTime()) &&
		time.Since(now.ModTime()) > settled
}
