package registry_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// inReserve is a login for whichever registry needs one.
type inReserve struct{ password string }

func (s inReserve) Credential(context.Context, string) (credentials.Credential, error) {
	return credentials.Credential{Username: "robot", Password: credentials.NewSecret(s.password), Source: "reserve", Reserve: true}, nil
}

// shown counts the requests that carried a login.
func shown(requests registrytest.Requests) (n int) {
	for _, r := range requests {
		if r.Credentials == "basic" {
			n++
		}
	}
	return n
}

func TestALoginInReserveIsShownToWhoRefusesToAnswerWithout(t *testing.T) {
	t.Parallel()
	const name, here = "registry.example", "localhost:5000"
	bearer, basic := registrytest.Profile{Host: name, Auth: registrytest.Bearer}, registrytest.Profile{Host: name, Auth: registrytest.Basic}
	for _, tt := range []struct {
		about    string
		profile  registrytest.Profile
		access   registrytest.Access
		password string
		opts     []registry.Option
		good     bool
		logins   [2]int // shown in the first check and in the second
	}{
		{"everybody may read it", bearer, registrytest.Public, "right", nil, true, [2]int{0, 0}},
		{"it wants a token", bearer, registrytest.Private, "right", nil, true, [2]int{1, 0}},
		{"it wants the login itself", basic, registrytest.Private, "right", nil, true, [2]int{1, 1}},
		{"the login is wrong", bearer, registrytest.Private, "wrong", nil, false, [2]int{1, 0}},
		{"it is for nobody", bearer, registrytest.Closed, "right", nil, false, [2]int{1, 0}},
		{
			"it need not prove who it is", bearer, registrytest.Private, "right",
			[]registry.Option{registry.WithInsecure(name)},
			false,
			[2]int{0, 0},
		},
		{
			"it is asked over plain HTTP", bearer, registrytest.Private, "right",
			[]registry.Option{registry.WithPlainHTTP(name)},
			false,
			[2]int{0, 0},
		},
		{
			"it is asked over plain HTTP, on this machine",
			registrytest.Profile{Host: here, Auth: registrytest.Basic},
			registrytest.Private, "right",
			[]registry.Option{registry.WithPlainHTTP(here)},
			true,
			[2]int{1, 1},
		},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			r := registrytest.New(tt.profile)
			t.Cleanup(r.Close)
			r.Push("app", "1", registrytest.Image{})
			r.SetLogin("robot", "right")
			r.SetAccess("app", tt.access)
			var log bytes.Buffer
			c, err := registry.New(append(tt.opts, registry.WithTransport(registrytest.Transport(r)), registry.WithCredentials(inReserve{tt.password}),
				registry.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))...)
			require.NoError(t, err)
			for i, want := range tt.logins {
				v := c.Check(t.Context(), []registry.Query{{Reference: r.Reference("app", "1")}})[0]
				assert.Equal(t, tt.good, v.Err == nil, "%v", v.Err)
				requests := r.Requests()
				assert.Equal(t, want, shown(requests), "check %d:\n%s", i+1, requests)
			}
			login, err := c.LoginFor(t.Context(), r.Reference("app", "1"))
			require.NoError(t, err)
			assert.Equal(t, tt.logins[0] > 0, !login.IsZero(), "a pull has what the check had")
			assert.Equal(t, min(tt.logins[0], 1), strings.Count(log.String(), "whichever needs one"), "%s", log.String())
			assert.NotContains(t, log.String(), tt.password)
		})
	}
}

func TestAMirrorIsNotShownALoginInReserve(t *testing.T) {
	t.Parallel()
	hub, mirror := registrytest.New(registrytest.DockerHub()), registrytest.New(registrytest.Profile{Host: "mirror.example", Auth: registrytest.Basic})
	t.Cleanup(hub.Close)
	t.Cleanup(mirror.Close)
	for _, r := range []*registrytest.Registry{hub, mirror} {
		r.Push("team/app", "1", registrytest.Image{})
		r.SetLogin("robot", "right")
	}
	c, err := registry.New(registry.WithTransport(registrytest.Transport(hub, mirror)), registry.WithCredentials(inReserve{"right"}),
		registry.WithMirrors("https://mirror.example"))
	require.NoError(t, err)
	for range 2 {
		v := c.Check(t.Context(), []registry.Query{{Reference: "team/app:1"}})[0]
		require.NoError(t, v.Err)
	}
	assert.Zero(t, shown(mirror.Requests()))
	assert.Equal(t, 1, shown(hub.Requests()))
}
