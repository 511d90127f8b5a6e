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
	if h.engine == nil {
		unproven(t, "the engine is not the tests' own: its containers' networks cannot be entered")
	}
	state, _ := h.Inspect(t, container)["State"].(Object)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "nsenter", fmt.Sprintf("--net=/proc/%.0f/ns/net", state["Pid"]), self)
	cmd.Env = append(os.Environ(), env...)
	return cmd
}
