package enginehost

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// Inside returns a command that executes this test binary in the network of a
// container that runs, with the environment given: what it does there is for its
// TestMain to decide. The engine has to be this test binary's own, whose
// processes it can see.
func (h *Host) Inside(t testing.TB, container string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "nsenter", "--net="+h.process(t, container)+"/ns/net", self)
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// Root returns the path at which the files of a container that runs are seen
// from here, as it sees them itself: through its mounts. The engine has to be
// this test binary's own.
func (h *Host) Root(t testing.TB, container string) string {
	t.Helper()
	return h.process(t, container) + "/root"
}

// process is where the system tells of a container's process.
func (h *Host) process(t testing.TB, container string) string {
	t.Helper()
	if h.engine == nil {
		unproven(t, "the engine is not the tests' own: its containers cannot be entered")
	}
	state, _ := h.Inspect(t, container)["State"].(Object)
	return fmt.Sprintf("%s/%.0f", h.engine.proc(), state["Pid"])
}
