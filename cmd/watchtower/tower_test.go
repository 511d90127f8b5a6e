package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/notify"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
)

func TestWhichContainersTheSettingsMean(t *testing.T) {
	t.Parallel()
	container := func(name, image string, labels map[string]string) watchtower.Container {
		return watchtower.Container{Name: name, Image: image, Labels: labels}
	}
	all := []watchtower.Container{
		container("web", "nginx:1.27", nil),
		container("web2", "nginx", map[string]string{filter.EnableLabel: "true"}),
		container("db", "postgres:17", map[string]string{filter.EnableLabel: "false"}),
		container("cache", "r.example:5000/redis:7", map[string]string{filter.ScopeLabel: "a"}),
	}
	for name, tt := range map[string]struct {
		env  map[string]string
		want []string
	}{
		"nothing said":         {nil, []string{"web", "web2", "cache"}},
		"the enable label":     {map[string]string{"WATCHTOWER_LABEL_ENABLE": "1"}, []string{"web2"}},
		"a scope":              {map[string]string{"WATCHTOWER_SCOPE": "a"}, []string{"cache"}},
		"no scope":             {map[string]string{"WATCHTOWER_SCOPE": "none"}, []string{"web", "web2"}},
		"a disabled name":      {map[string]string{"WATCHTOWER_DISABLE_CONTAINERS": "/web"}, []string{"web2", "cache"}},
		"a disabled pattern":   {map[string]string{"WATCHTOWER_DISABLE_CONTAINERS": "web.*,x"}, []string{"cache"}},
		"an image":             {map[string]string{"WATCHTOWER_MONITOR_IMAGE_NAMES": "nginx"}, []string{"web", "web2"}},
		"an image with a tag":  {map[string]string{"WATCHTOWER_MONITOR_IMAGE_NAMES": "nginx:1.27 r.example:5000/redis"}, []string{"web", "cache"}},
		"another image":        {map[string]string{"WATCHTOWER_SKIP_IMAGE_NAMES": "nginx:latest"}, []string{"web", "cache"}},
		"a pattern of images":  {map[string]string{"WATCHTOWER_SKIP_IMAGE_NAMES": ".*redis.*"}, []string{"web", "web2"}},
		"several, all of them": {map[string]string{"WATCHTOWER_SCOPE": "none", "WATCHTOWER_SKIP_IMAGE_NAMES": "nginx:1.27"}, []string{"web2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := parse(t, tt.env)
			require.NoError(t, err)
			filters, err := filtersOf(s)
			require.NoError(t, err)
			var got []string
			for _, c := range all {
				if filter.All(filters...).Match(c) {
					got = append(got, c.Name)
				}
			}
			assert.Equal(t, tt.want, got)
		})
	}
	s, err := parse(t, map[string]string{"WATCHTOWER_INCLUDE_STOPPED": "1"})
	require.NoError(t, err)
	assert.Contains(t, statesOf(s), lifecycle.StateExited)
	unsaid, err := parse(t, nil)
	require.NoError(t, err)
	assert.Equal(t, []lifecycle.State{lifecycle.StateRunning, lifecycle.StateRestarting}, statesOf(unsaid))
	no, err := parse(t, map[string]string{"WATCHTOWER_INCLUDE_RESTARTING": "false"})
	require.NoError(t, err)
	assert.Equal(t, []lifecycle.State{lifecycle.StateRunning}, statesOf(no))
}

func TestWhatTheSettingsHold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sunday := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		env  map[string]string
		at   time.Time
		want string
	}{
		"nothing said":       {nil, sunday, ""},
		"inside a window":    {map[string]string{"WATCHTOWER_UPDATE_WINDOW": "Sun 12:00-13:00 UTC"}, sunday, ""},
		"outside":            {map[string]string{"WATCHTOWER_UPDATE_WINDOW": "Mon 12:00-13:00 UTC"}, sunday, "outside its window (Mon 12:00-13:00 UTC)"},
		"a cooldown":         {map[string]string{"WATCHTOWER_COOLDOWN_DELAY": "3d"}, sunday, "cooling down: first seen 2026-03-01T12:00:00Z, to wait 72h0m0s"},
		"a cooldown kept":    {map[string]string{"WATCHTOWER_COOLDOWN_DELAY": "3d", "WATCHTOWER_STATE_DIR": dir}, sunday, "cooling down: first seen 2026-03-01T12:00:00Z, to wait 72h0m0s"},
		"no cooldown at all": {map[string]string{"WATCHTOWER_COOLDOWN_DELAY": "0"}, sunday, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := parse(t, tt.env)
			require.NoError(t, err)
			gates, err := gatesOf(&session{settings: s, logger: slog.New(slog.DiscardHandler)}, s)
			require.NoError(t, err)
			d, err := gate.All(gates...).Judge(t.Context(), gate.Candidate{Reference: "app:1", Digest: "sha256:1", At: tt.at})
			require.NoError(t, err)
			assert.Equal(t, tt.want, d.Reason)
		})
	}
	s, err := parse(t, map[string]string{"WATCHTOWER_STATE_DIR": "/nowhere"})
	require.NoError(t, err)
	_, err = gatesOf(&session{settings: s, logger: slog.New(slog.DiscardHandler)}, s)
	require.EqualError(t, err, `WATCHTOWER_STATE_DIR: gate: OpenMemory: "/nowhere": want a directory that is there`)
	err = notifying(&session{settings: s}, notify.Config{Services: []notify.Service{{URL: credentials.NewSecret("logger://")}}})
	require.EqualError(t, err, `WATCHTOWER_STATE_DIR: watchtower: Once: "/nowhere": want a directory that is there`)
}
