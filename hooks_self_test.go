package watchtower_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// Who lives in a container's network moves along with it, this process as well, and
// then by a helper. What the container has to say against it is heard before.
func TestHooksAreAskedBeforeAHelperTakesOver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code   int
		status watchtower.Status
	}{
		"agreed":    {0, watchtower.StatusStale},
		"try later": {75, watchtower.StatusSkipped},
		"refused":   {1, watchtower.StatusFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := enginetest.New()
				vpn := func(version string) enginetest.Image {
					return enginetest.Image{Env: []string{"VERSION=" + version}, Execs: map[string]enginetest.Exec{"drain": {ExitCode: tt.code}}}
				}
				e.Publish("vpn:1", vpn("1"))
				e.Publish("tower:1", enginetest.Image{Execs: map[string]enginetest.Exec{"own": {ExitCode: 126}}})
				e.Run("vpn", "vpn:1", labelled(lifecycle.LabelPreUpdate, "drain"))
				spec := instance(lifecycle.LabelPreUpdate, "own") // a shell it has not
				spec.HostConfig = lifecycle.Document{"NetworkMode": "container:vpn"}
				self := e.Run("tower", "tower:1", spec)
				e.Publish("vpn:1", vpn("2"))
				w := &towers{e, self, self.ImageID}
				tw := w.tower(t, self.ID, watchtower.WithLabelHooks(watchtower.HookUser{}))
				r, err := tw.Update(t.Context())
				require.NoError(t, err)
				got := entry(t, r, "vpn")
				assert.Equal(t, tt.status, got.Status, "%s %v", got.Reason, got.Err)
				require.Len(t, got.Hooks, 1)
				assert.Equal(t, tt.code, got.Hooks[0].ExitCode)
				assert.Empty(t, entry(t, r, "tower").Hooks)
				helper := slices.ContainsFunc(w.names(t), func(n string) bool { return strings.Contains(n, ".wt-self-") })
				assert.Equal(t, tt.code == 0, helper, "%v", w.names(t))
			})
		})
	}
}
