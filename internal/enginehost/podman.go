package enginehost

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// podmanConfig keeps what Podman makes in its own directory, and asks nothing of
// a systemd.
const podmanConfig = `[network]
network_config_dir = %q
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
`

// podmanRegistries has registries on the loopback asked without TLS, as Docker
// does by itself.
const podmanRegistries = `[[registry]]
location = "127.0.0.1"
insecure = true
`

// StartPodman starts Podman's service, which answers like Docker, in the name
// spaces of this test binary, beside its engine; it ends with the test. A missing
// Podman skips the test, and fails it where an engine is required.
func StartPodman(t testing.TB) *Host {
	t.Helper()
	podman, err := exec.LookPath("podman")
	if err != nil {
		unproven(t, "podman is not installed")
	}
	if os.Getenv(dirVar) == "" {
		unproven(t, "the tests have no name spaces of their own for Podman")
	}
	// Not the test's own directory: what Podman leaves mounted there would keep it
	// from being removed. This one goes when the name spaces have ended.
	dir, err := os.MkdirTemp(os.Getenv(dirVar), "podman") //nolint:usetesting // see above
	require.NoError(t, err)
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(at("containers.conf"), fmt.Appendf(nil, podmanConfig, at("networks")), 0o600))
	require.NoError(t, os.WriteFile(at("registries.conf"), []byte(podmanRegistries), 0o600))
	for _, path := range []string{"/var/lib/cni", "/var/lib/containers"} { // which no flag moves
		cover(t, path)
	}
	log, err := os.Create(at("log"))
	require.NoError(t, err)
	address := "unix://" + at("s")
	cmd := exec.CommandContext(context.Background(), podman, "--storage-driver", "vfs", "--root", at("data"),
		"--runroot", at("run"), "--tmpdir", at("tmp"), "system", "service", "--time", "0", address)
	cmd.Env = append(os.Environ(), "CONTAINERS_CONF="+at("containers.conf"), "CONTAINERS_REGISTRIES_CONF="+at("registries.conf"))
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	require.NoError(t, log.Close())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(stopWithin, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		_ = cmd.Wait() // tells that it was asked to end
	})
	for deadline := time.Now().Add(startWithin); ; time.Sleep(50 * time.Millisecond) {
		h, err := attach(address)
		if err == nil {
			return h
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(at("log"))
			require.NoError(t, err, "podman did not come up within %v\n%s", startWithin, text)
		}
	}
}

// cover puts an empty directory of this test's over one of the machine's.
func cover(t testing.TB, path string) {
	t.Helper()
	made := os.Mkdir(path, 0o755) == nil
	out, err := exec.Command("mount", "-t", "tmpfs", "tmpfs", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Cleanup(func() {
		out, err := exec.Command("umount", "--lazy", path).CombinedOutput()
		require.NoError(t, err, "%s", out)
		if made {
			require.NoError(t, os.Remove(path))
		}
	})
}
