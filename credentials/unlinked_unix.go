//go:build unix

package credentials

import (
	"os"
	"syscall"
)

// unlinked reports whether the file has no name left. One that can still be
// reached by a path is the target of a mount: the file that was mounted has been
// replaced, and the mount goes on showing the old one.
func unlinked(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 0
}
