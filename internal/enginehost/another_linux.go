package enginehost

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Another starts one more engine, the number from 1 to 14 telling it from others that
// run at the same time, with further flags of dockerd's. It ends with the test, and may
// be killed. Of its networks only "none" and "host" can be had: two engines in one
// network name space would undo each other's rules.
func Another(t testing.TB, number int, flags ...string) *Host {
	t.Helper()
	return beside(t, besideDir(t), fmt.Sprint("other", number), fmt.Sprintf("192.0.2.%d/28", 1+16*number), flags...)
}

// besideDir is where the files of an engine are that is started beside the one there is.
func besideDir(t testing.TB) string {
	t.Helper()
	if h := Engine(t); h.engine == nil {
		unproven(t, "the engine is not the tests' own: no other can be started beside it")
	}
	dir, err := os.MkdirTemp(os.Getenv(dirVar), "e") //nolint:usetesting // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// beside starts an engine with a bridge of its own: one without would remove the other's.
func beside(t testing.TB, dir, bridge, address string, flags ...string) *Host {
	t.Helper()
	ip(t, "link", "add", bridge, "type", "bridge")
	t.Cleanup(func() { ip(t, "link", "del", bridge) })
	ip(t, "address", "add", address, "dev", bridge)
	d := &daemon{dir: dir, address: "unix://" + filepath.Join(dir, "docker.sock"), flags: append([]string{
		"--bridge=" + bridge, "--iptables=false", "--ip-forward=false", "--ip-masq=false",
	}, flags...)}
	require.NoError(t, d.start())
	t.Cleanup(d.stop)
	h, err := attach(d.address)
	require.NoError(t, err)
	h.engine = d
	return h
}

func ip(t testing.TB, args ...string) {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	require.NoError(t, err, "ip %v: %s", args, out)
}
