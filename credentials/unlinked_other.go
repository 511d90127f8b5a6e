//go:build !unix

package credentials

import "os"

// unlinked is never so where a mount cannot outlive a file's name.
func unlinked(os.FileInfo) bool { return false }
