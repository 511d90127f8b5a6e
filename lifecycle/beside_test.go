package lifecycle_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// besideSpec is a container that is updated start-first, and is found by aliases
// on two networks of three.
func besideSpec() lifecycle.Spec {
	return lifecycle.Spec{
		Config: lifecycle.Document{"Labels": map[string]any{lifecycle.LabelUpdateOrder: "start-first"}},
		Networks: map[string]lifecycle.Document{
			"front": {"Aliases": []any{"www"}}, "back": {"Aliases": []any{"api", "v1"}}, "plain": {},
		},
	}
}

// aliases are those a container was given, by network.
func aliases(snap lifecycle.Snapshot) map[string][]string {
	out := map[string][]string{}
	for network, endpoint := range snap.Networks {
		out[network] = slices.DeleteFunc(endpoint.Texts("Aliases"), func(alias string) bool {
			return snap.ID != "" && alias == snap.ShortID()
		})
		if len(out[network]) == 0 {
			out[network] = nil
		}
	}
	return out
}

func TestStartFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, besideSpec(), lifecycle.StateRunning, enginetest.Image{})
		result, err := s.update(t.Context())
		require.NoError(t, err)
		assert.Equal(t, lifecycle.OutcomeUpdated, result.Members[0].Outcome)
		assert.Zero(t, result.Members[0].Downtime)
		assert.Equal(t, []string{
			"Create web.wt-new-<old>-<old>",
			"Start web.wt-new-<old>-<old>",
			// Verified, it joins.
			"Disconnect web.wt-new-<old>-<old>",
			"Connect web.wt-new-<old>-<old>",
			"Disconnect web.wt-new-<old>-<old>",
			"Connect web.wt-new-<old>-<old>",
			"Rename <old>",
			"Rename web.wt-new-<old>-<old>",
			// The old one leaves.
			"Disconnect web.wt-old-r-<old>-<old>-0",
			"Disconnect web.wt-old-r-<old>-<old>-0",
			"Stop web.wt-old-r-<old>-<old>-0",
			"Remove web.wt-old-r-<old>-<old>-0",
		}, s.changes())
		after, err := s.Inspect(t.Context(), s.only(t).ID)
		require.NoError(t, err)
		assert.Equal(t, map[string][]string{"front": {"www"}, "back": {"api", "v1"}, "plain": nil}, aliases(after))
	})
}

func TestStartFirstWithoutAliasesMovesTheNameAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, lifecycle.Spec{Config: besideSpec().Config}, lifecycle.StateRunning, enginetest.Image{})
		_, err := s.update(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{
			"Create web.wt-new-<old>-<old>",
			"Start web.wt-new-<old>-<old>",
			"Rename <old>",
			"Rename web.wt-new-<old>-<old>",
			"Stop web.wt-old-r-<old>-<old>-0",
			"Remove web.wt-old-r-<old>-<old>-0",
		}, s.changes())
	})
}

func TestStartFirstLeavesTheOldOneAloneIfTheNewOneIsBad(t *testing.T) {
	t.Parallel()
	for name, image := range map[string]enginetest.Image{
		"start fails": {StartError: "no such file"}, "exits": {Exits: true, ExitCode: 1, After: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, besideSpec(), lifecycle.StateRunning, image)
				result, err := s.update(t.Context())
				require.ErrorIs(t, err, errdefs.ErrAborted)
				assert.True(t, result.Members[0].ImageFailed)
				assert.Zero(t, result.Members[0].Downtime)
				for _, change := range s.changes() {
					assert.NotContains(t, change, "wt-old")
					assert.NotContains(t, change, " <old>")
				}
				assert.Equal(t, s.web.ID, s.only(t).ID)
			})
		})
	}
}

func TestTheOrderOfASwap(t *testing.T) {
	t.Parallel()
	running := func(host lifecycle.Document, labels map[string]string) lifecycle.Snapshot {
		return lifecycle.Snapshot{Container: lifecycle.Container{State: lifecycle.StateRunning, Labels: labels}, HostConfig: host}
	}
	label := func(value string) map[string]string { return map[string]string{lifecycle.LabelUpdateOrder: value} }
	port := lifecycle.Document{"PortBindings": map[string]any{"80/tcp": []any{map[string]any{"HostIp": "", "HostPort": "8080"}}}}
	endpoint := func(e lifecycle.Document) lifecycle.Snapshot {
		s := running(nil, nil)
		s.Networks = map[string]lifecycle.Document{"front": e}
		return s
	}
	mounting := func(labels map[string]string, m lifecycle.Mount) lifecycle.Snapshot {
		s := running(nil, labels)
		s.Mounts = []lifecycle.Mount{m}
		return s
	}
	paused := running(port, label("start-first"))
	paused.State = lifecycle.StatePaused
	tests := []struct {
		name   string
		snap   lifecycle.Snapshot
		wish   lifecycle.Order
		order  lifecycle.Order
		reason string // or the error, if there is no order
	}{
		{"nothing is said", running(nil, nil), "", lifecycle.StopFirst, ""},
		{"wished for", running(nil, nil), lifecycle.StartFirst, lifecycle.StartFirst, ""},
		{"demanded", running(nil, label("start-first")), "", lifecycle.StartFirst, ""},
		{"the label wins", running(nil, label("stop-first")), lifecycle.StartFirst, lifecycle.StopFirst, ""},
		{"a label nobody knows", running(nil, label("parallel")), "", "", `label com.centurylinklabs.watchtower.update-order: "parallel": want stop-first or start-first`},
		{"a published port", running(port, nil), lifecycle.StartFirst, lifecycle.StopFirst, "it publishes port 80/tcp"},
		{"a published port, demanded", running(port, label("start-first")), "", "", `label com.centurylinklabs.watchtower.update-order: "start-first": it publishes port 80/tcp`},
		{
			"a port of the engine's choice",
			running(lifecycle.Document{"PortBindings": map[string]any{"80/tcp": []any{map[string]any{"HostPort": ""}}}}, nil),
			lifecycle.StartFirst, lifecycle.StartFirst, "",
		},
		{"the host's network", running(lifecycle.Document{"NetworkMode": "host"}, nil), lifecycle.StartFirst, lifecycle.StopFirst, "it uses the host's network"},
		{"another's network", running(lifecycle.Document{"NetworkMode": "container:vpn"}, nil), lifecycle.StartFirst, lifecycle.StopFirst, "it uses another container's network"},
		{"removes itself", running(lifecycle.Document{"AutoRemove": true}, nil), lifecycle.StartFirst, lifecycle.StopFirst, "it removes itself when it is stopped"},
		{
			"a static address", endpoint(lifecycle.Document{"IPAMConfig": map[string]any{"IPv4Address": "10.0.0.9"}}),
			lifecycle.StartFirst, lifecycle.StopFirst, "it has the static address 10.0.0.9",
		},
		{
			"a MAC address", endpoint(lifecycle.Document{"MacAddress": "00:11:22:33:44:55"}),
			lifecycle.StartFirst, lifecycle.StopFirst, "it has a MAC address of its own",
		},
		{
			"an address of the engine's", endpoint(lifecycle.Document{"MacAddress": "02:42:0a:00:00:02", "IPAddress": "10.0.0.2"}),
			lifecycle.StartFirst, lifecycle.StartFirst, "",
		},
		{"a volume", mounting(nil, lifecycle.Mount{Type: "volume", Destination: "/data"}), lifecycle.StartFirst, lifecycle.StopFirst, "it can write to /data"},
		{"a volume, demanded", mounting(label("start-first"), lifecycle.Mount{Type: "volume", Destination: "/data"}), "", lifecycle.StartFirst, ""},
		{"a volume to read", mounting(nil, lifecycle.Mount{Type: "volume", Destination: "/data", ReadOnly: true}), lifecycle.StartFirst, lifecycle.StartFirst, ""},
		{"a socket", mounting(nil, lifecycle.Mount{Type: "bind", Source: "/run/app.sock", Destination: "/app.sock"}), lifecycle.StartFirst, lifecycle.StartFirst, ""},
		{"a device", running(lifecycle.Document{"Devices": []any{map[string]any{"PathOnHost": "/dev/ttyUSB0"}}}, nil), lifecycle.StartFirst, lifecycle.StopFirst, "it uses a device"},
		{"not running", paused, lifecycle.StartFirst, lifecycle.StopFirst, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			order, reason, err := lifecycle.OrderOf(tt.snap, tt.wish)
			assert.Equal(t, tt.order, order)
			if tt.order == "" {
				require.ErrorIs(t, err, errdefs.ErrFailedPrecondition)
				require.EqualError(t, err, tt.reason)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.reason, reason)
		})
	}
}

func TestStartFirstIsRefusedBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, lifecycle.Spec{}, lifecycle.StateRunning, enginetest.Image{})
		result, err := lifecycle.Recreate(s.Engine).Update(t.Context(), lifecycle.Target{Order: lifecycle.StartFirst, Members: []lifecycle.Member{
			{Container: s.web, Reference: "app:1", ImageID: s.new},
		}})
		require.ErrorIs(t, err, errdefs.ErrFailedPrecondition)
		require.EqualError(t, err, "update web: start-first: it can write to /data")
		assert.Equal(t, lifecycle.OutcomeUntouched, result.Members[0].Outcome)
		assert.Empty(t, s.changes())
	})
}

// withoutNetworks is an engine that cannot move aliases.
type withoutNetworks struct{ lifecycle.Engine }

func TestAnEngineThatCannotMoveAliasesIsToldSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, besideSpec(), lifecycle.StateRunning, enginetest.Image{})
		_, err := lifecycle.Recreate(withoutNetworks{s.Engine}).Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{
			{Container: s.web, Reference: "app:1", ImageID: s.new},
		}})
		require.EqualError(t, err, "update web: start-first: this engine cannot move network aliases")
		assert.Empty(t, s.changes())
	})
}

// The successor is verified, and the watcher dies at any call before the commit;
// then the successor dies. The old one has its networks again.
func TestStartFirstGoesBackToAnOldOneThatHasLeftItsNetworks(t *testing.T) {
	t.Parallel()
	const commit = 12 // TestStartFirst has the list
	for k := 1; k <= commit; k++ {
		synctest.Test(t, func(t *testing.T) {
			name := fmt.Sprintf("killed at call %d", k)
			s := newScene(t, besideSpec(), lifecycle.StateRunning, enginetest.Image{Exits: true, ExitCode: 1, After: 5 * time.Second})
			s.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
				if n >= k {
					return enginetest.Before
				}
				return enginetest.None
			})
			_, err := s.update(t.Context())
			require.Error(t, err, name)
			s.SetFault(nil)
			_, err = lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
			require.NoError(t, err, name)
			c := s.only(t)
			assert.Equal(t, s.web.ID, c.ID, name)
			assert.Equal(t, lifecycle.StateRunning, c.State, name)
			after, err := s.Inspect(t.Context(), "web")
			require.NoError(t, err)
			assert.Equal(t, aliases(lifecycle.Snapshot{Networks: besideSpec().Networks}), aliases(after), name)
		})
	}
}

// Once the verified successor has the name, nothing leads back: what is left to do
// is done, by the watcher itself or by the next.
func TestStartFirstGoesForwardOnceTheNewOneHasTheName(t *testing.T) {
	t.Parallel()
	const inPlace, commit = 9, 12
	for _, f := range faults() {
		for k := inPlace; k <= commit; k++ {
			synctest.Test(t, func(t *testing.T) {
				name := fmt.Sprintf("%s, call %d", f.name, k)
				s := newScene(t, besideSpec(), lifecycle.StateRunning, enginetest.Image{})
				s.SetFault(func(n int, _ enginetest.Call) enginetest.Fault { return f.at(k, n) })
				result, err := s.update(t.Context())
				s.SetFault(nil)
				if f.killed {
					_, err = lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
				} else {
					assert.Equal(t, lifecycle.OutcomeUpdated, result.Members[0].Outcome, name)
					assert.Zero(t, result.Members[0].Downtime, name)
				}
				require.NoError(t, err, name)
				assert.Equal(t, s.new, s.only(t).ImageID, name)
			})
		}
	}
}

// Somebody removes the old one while nobody is at work: the last of its kind gets
// the name and the aliases.
func TestStartFirstLeftAloneTakesTheAliases(t *testing.T) {
	t.Parallel()
	for k := 3; k <= 6; k++ { // it is started, and has not all aliases
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t, besideSpec(), lifecycle.StateRunning, enginetest.Image{})
			s.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
				if n >= k {
					return enginetest.Before
				}
				return enginetest.None
			})
			_, err := s.update(t.Context())
			require.Error(t, err)
			s.SetFault(nil)
			require.NoError(t, s.Remove(t.Context(), "web", lifecycle.RemoveOptions{Force: true}))
			_, err = lifecycle.Recreate(s.Engine).(lifecycle.Recoverer).Recover(t.Context(), lifecycle.RecoverOptions{})
			require.NoError(t, err)
			after, err := s.Inspect(t.Context(), s.only(t).ID)
			require.NoError(t, err)
			assert.Equal(t, s.new, after.ImageID)
			assert.Equal(t, lifecycle.StateRunning, after.State)
			assert.Equal(t, aliases(lifecycle.Snapshot{Networks: besideSpec().Networks}), aliases(after), "killed at call %d", k)
		})
	}
}
