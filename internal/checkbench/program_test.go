package checkbench_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// program is one that is measured.
type program struct {
	name, path string
	args, env  []string
}

// ours is this project's, asked to look only.
func ours(t *testing.T) program {
	t.Helper()
	path := os.Getenv(programVar)
	require.NotEmpty(t, path, "the program was not built")
	return program{name: "watchtower", path: path, args: []string{"check"}}
}

// sample is what one run cost.
type sample struct {
	reading

	requests       registrytest.Requests
	calls          []string // to the engine
	stdout, stderr string
}

// run starts the program in the world and waits for its end. It has nothing in
// its environment but what it is given, and no logins.
func (p program) run(t *testing.T, w *world) sample {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	told, tell, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _ = told.Close() }()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), self, append([]string{p.path}, p.args...)...)
	cmd.Env = append([]string{stopwatchVar + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + w.home, "DOCKER_HOST=" + w.engine.address}, p.env...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = &stdout, &stderr, []*os.File{tell}
	w.forget()
	err = cmd.Start()
	_ = tell.Close()
	require.NoError(t, err)
	require.NoError(t, cmd.Wait(), "%s: %s", p.path, &stderr)
	s := sample{requests: w.requests(), calls: w.engine.taken(), stdout: stdout.String(), stderr: stderr.String()}
	require.NoError(t, json.NewDecoder(told).Decode(&s.reading))
	return s
}
