package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/watchtower-go/watchtower"
)

// auditOf writes what is done into the file that is set; no observer if none is, or if
// nothing will be done. A file that cannot be written is known before anything is done.
func auditOf(se *session) ([]watchtower.Observer, error) {
	path := se.settings.auditLog
	if path == "" || se.looks {
		return nil, nil
	}
	file := appended(path)
	if _, err := file.Write(nil); err != nil {
		return nil, fmt.Errorf("%s: %q: want a file that can be written: %w", se.settings.from("audit-log"), path, err)
	}
	return []watchtower.Observer{watchtower.Audit(file, func(err error) { se.logger.Error("the audit lacks a line", "err", err) })}, nil
}

// appended is a file by its path, which is opened for each line: it may be moved away
// meanwhile, and begins anew. Nobody else may read it. A pipe that nobody reads is an
// error, and no wait.
type appended string

func (path appended) Write(line []byte) (int, error) {
	f, err := os.OpenFile(string(path), os.O_APPEND|os.O_CREATE|os.O_WRONLY|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := f.Write(line)
	return n, errors.Join(err, f.Close())
}
