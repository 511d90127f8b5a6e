package enginehost

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const smallBridge = "small0"

// Small starts one more engine, whose images and containers have so many bytes of
// disk. It ends with the test. Only one at a time can be had, and of its networks
// only "none" and "host": two engines in one network name space would undo each
// other's rules.
func Small(t testing.TB, size int64) *Disk {
	t.Helper()
	if h := Engine(t); h.engine == nil {
		unproven(t, "the engine is not the tests' own: no other can be started beside it")
	}
	dir, err := os.MkdirTemp("", "wt") //nolint:usetesting // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	disk := &Disk{path: filepath.Join(dir, "data")}
	require.NoError(t, os.Mkdir(disk.path, 0o700))
	require.NoError(t, syscall.Mount("tmpfs", disk.path, "tmpfs", 0, fmt.Sprintf("size=%d", size)))
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk.path, syscall.MNT_DETACH)) })
	// One without a bridge would remove the other's.
	ip(t, "link", "add", smallBridge, "type", "bridge")
	t.Cleanup(func() { ip(t, "link", "del", smallBridge) })
	ip(t, "address", "add", "192.0.2.1/24", "dev", smallBridge)
	d := &daemon{dir: dir, address: "unix://" + filepath.Join(dir, "docker.sock"), flags: []string{
		"--bridge=" + smallBridge, "--iptables=false", "--ip-forward=false", "--ip-masq=false",
	}}
	require.NoError(t, d.start())
	t.Cleanup(d.stop)
	disk.Host, err = attach(d.address)
	require.NoError(t, err)
	disk.engine = d
	return disk
}

func ip(t testing.TB, args ...string) {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	require.NoError(t, err, "ip %v: %s", args, out)
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
