package enginehost

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Small starts one more engine, whose images and containers have so many bytes of
// disk. It ends with the test. Only one at a time can be had, and of its networks
// only "none" and "host": two engines in one network name space would undo each
// other's rules.
func Small(t testing.TB, size int64) *Disk {
	t.Helper()
	dir := besideDir(t)
	disk := &Disk{path: filepath.Join(dir, "data")}
	require.NoError(t, os.Mkdir(disk.path, 0o700))
	require.NoError(t, syscall.Mount("tmpfs", disk.path, "tmpfs", 0, fmt.Sprintf("size=%d", size)))
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk.path, syscall.MNT_DETACH)) })
	disk.Host = beside(t, dir, "small", "192.0.2.1/28")
	return disk
}

// Disk is an engine with a disk that can be filled.
type Disk struct {
	*Host

	path string
}

// Fill leaves nothing of the disk, until it is called off.
func (d *Disk) Fill(t testing.TB) (empty func()) {
	t.Helper()
	name := filepath.Join(d.path, "filling")
	f, err := os.Create(name)
	require.NoError(t, err)
	for block := make([]byte, 1<<12); err == nil; {
		_, err = f.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, f.Close())
	return func() { require.NoError(t, os.Remove(name)) }
}

// Free is how many bytes are left.
func (d *Disk) Free(t testing.TB) int64 {
	t.Helper()
	var s syscall.Statfs_t
	require.NoError(t, syscall.Statfs(d.path, &s))
	return int64(s.Bavail) * s.Bsize
}
