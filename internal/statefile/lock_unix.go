//go:build unix

package statefile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// A change takes milliseconds: who holds the lock for longer does not answer.
const (
	lockWithin = 5 * time.Second
	lockEvery  = 5 * time.Millisecond
)

// lock waits until no other process holds the file, which it makes.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(lockWithin); ; time.Sleep(lockEvery) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = f.Close() }, nil // which ends the lock
		case errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOSYS):
			return func() { _ = f.Close() }, nil // a file system without locks: as good as it gets
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) || time.Now().After(deadline):
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
	}
}
