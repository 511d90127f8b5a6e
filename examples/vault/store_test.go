package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
)

const token, password = "hvs.token", "correct horse"

// lending is a store on a vault, with a clock.
func lending(t *testing.T, h http.Handler) (v *vault, pass func(time.Duration)) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	now := time.Date(2030, 1, 7, 9, 0, 0, 0, time.UTC)
	v = newVault(server.URL, credentials.NewSecret(token), func() time.Time { return now })
	return v, func(d time.Duration) { now = now.Add(d) }
}

func TestALeaseIsRenewedBeforeItRunsOut(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	l := &lender{out: &log}
	v, pass := lending(t, l)
	login := func() string {
		c, err := v.Credential(t.Context(), "registry.example/team/app")
		require.NoError(t, err)
		assert.Equal(t, password, c.Password.Reveal())
		return c.Username
	}
	asked := func() (lines string) {
		lines = strings.Join(strings.Fields(log.String()), " ")
		log.Reset()
		return lines
	}
	assert.Equal(t, "robot-1", login())
	assert.Equal(t, "the vault lends robot-1", asked())
	pass(40 * time.Second)
	assert.Equal(t, "robot-1", login())
	assert.Empty(t, asked(), "a third of its minute is left")
	pass(time.Second)
	login()
	assert.Equal(t, "the vault renews robot-1", asked())
	l.down = true
	pass(59 * time.Second)
	assert.Equal(t, "robot-1", login(), "it is valid for a second, whatever became of the vault")
	pass(time.Second)
	_, err := v.Credential(t.Context(), "registry.example")
	assert.True(t, errdefs.IsUnavailable(err), "%v", err)
}

func TestAHostTheVaultDoesNotKnowIsAskedAnonymously(t *testing.T) {
	t.Parallel()
	v, _ := lending(t, http.NotFoundHandler())
	c, err := v.Credential(t.Context(), "docker.io/library/nginx")
	require.NoError(t, err)
	assert.True(t, c.IsZero())
}

func TestTheTokenFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		assert.Fail(t, "it was asked", "with the token %q", r.Header.Get("X-Vault-Token"))
	}))
	t.Cleanup(elsewhere.Close)
	v, _ := lending(t, http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	_, err := v.Credential(t.Context(), "registry.example")
	assert.True(t, errdefs.IsUnavailable(err), "%v", err)
	require.ErrorContains(t, err, "307")
}

// Whatever the vault answers, and however it is printed.
func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusForbidden, http.StatusInternalServerError} {
		for _, body := range []string{
			`{"lease_id":"1","lease_duration":60,"data":{"username":"robot","password":"` + password + `"}}`,
			`{"lease_duration":"` + password + `"}`,
		} {
			v, _ := lending(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, token, r.Header.Get("X-Vault-Token"))
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			}))
			c, err := v.Credential(t.Context(), "registry.example")
			printed := fmt.Sprintf("%v %+v %#v %v %+v %#v %v", c, c, c, v, v, v, err)
			assert.NotContains(t, printed, password)
			assert.NotContains(t, printed, token)
		}
	}
}
