package enginehost

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// etcDocker is where an engine looks for its configuration and for registries'
// certificates.
const etcDocker = "/etc/docker"

// Configure tells the running engine how to reach registries, by "registry-mirrors"
// and "insecure-registries", until the test ends. The engine has to be this test
// binary's own; the caller must be the only test that uses it.
func (h *Host) Configure(t testing.TB, registries Object) {
	t.Helper()
	if h.engine == nil {
		unproven(t, "the engine is not the tests' own and must not be configured")
	}
	h.reconfigure(t, registries)
	t.Cleanup(func() { h.reconfigure(t, Object{"registry-mirrors": []string{}, "insecure-registries": []string{}}) })
}

func (h *Host) reconfigure(t testing.TB, registries Object) {
	t.Helper()
	data, err := json.Marshal(registries)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(etcDocker, "daemon.json"), data, 0o600))
	before := h.registries(t)
	require.NoError(t, h.engine.reload())
	for deadline := time.Now().Add(startWithin); h.registries(t) == before; time.Sleep(20 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "the engine takes its configuration in")
	}
}

// registries is what the engine says of how it reaches them.
func (h *Host) registries(t testing.TB) string {
	t.Helper()
	var info struct{ RegistryConfig json.RawMessage }
	h.API(t, http.MethodGet, "/info", nil, &info)
	return string(info.RegistryConfig)
}

// Certificate gives the engine a file for reaching the registry, "ca.crt", until
// the test ends, and returns the directory that holds those of all registries. The
// engine has to be this test binary's own.
func (h *Host) Certificate(t testing.TB, registry, name string, data []byte) (directory string) {
	t.Helper()
	if h.engine == nil {
		unproven(t, "the engine is not the tests' own and must not be given certificates")
	}
	directory = filepath.Join(etcDocker, "certs.d")
	require.NoError(t, os.MkdirAll(filepath.Join(directory, registry), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(directory, registry, name), data, 0o600))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(filepath.Join(directory, registry))) })
	return directory
}
