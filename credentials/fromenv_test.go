package credentials_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
)

func setenv(t *testing.T, set map[string]string) {
	t.Helper()
	for _, name := range []string{"HOME", "DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REPO_USER", "REPO_PASS", "REPO_HOST"} {
		t.Setenv(name, set[name])
	}
}

func TestFromEnvLooksWhereDockerDoes(t *testing.T) {
	home, config := t.TempDir(), t.TempDir()
	inHome, inConfig := filepath.Join(home, ".docker", "config.json"), filepath.Join(config, "config.json")
	setenv(t, map[string]string{"HOME": home, "DOCKER_CONFIG": config})
	store, err := credentials.FromEnv()
	require.NoError(t, err)
	assert.True(t, ask(t, store, "r.example").IsZero())
	write(t, inHome, fmt.Sprintf(`{"auths":{"r.example":{"auth":%q}}}`, auth("home", "p")))
	assert.Equal(t, "home", ask(t, store, "r.example").Username, "a login that came later")
	write(t, inConfig, fmt.Sprintf(`{"auths":{"r.example":{"auth":%q}}}`, auth("config", "p")))
	assert.Equal(t, "config", ask(t, store, "r.example").Username, "and one nearer still")
	require.NoError(t, os.Remove(inConfig))
	assert.Equal(t, "home", ask(t, store, "r.example").Username)

	write(t, inConfig, "{")
	_, err = credentials.FromEnv()
	require.ErrorContains(t, err, inConfig)
	assert.True(t, errdefs.IsInvalidArgument(err))
}

func TestFromEnvWithoutAHome(t *testing.T) {
	setenv(t, nil)
	store, err := credentials.FromEnv()
	require.NoError(t, err)
	assert.True(t, ask(t, store, "r.example").IsZero())
}

func TestTheLoginsInAVariableComeFirst(t *testing.T) {
	home := t.TempDir()
	write(t, filepath.Join(home, ".docker", "config.json"), fmt.Sprintf(`{"auths":{
		"both.example":{"auth":%q},"bad.example":{"auth":%q},"file.example":{"auth":%q}}}`,
		auth("file", "p"), auth("file", "p"), auth("file", "p")))
	setenv(t, map[string]string{
		"HOME": home,
		"DOCKER_AUTH_CONFIG": fmt.Sprintf(`{"credsStore":"nowhere","auths":{
			"both.example":{"auth":%q},"bad.example":{"auth":"!"},"worse.example":{"auth":"canary"}}}`, auth("variable", "p")),
	})
	store, err := credentials.FromEnv()
	require.NoError(t, err)
	c := ask(t, store, "both.example")
	assert.Equal(t, "variable", c.Username)
	assert.Equal(t, "DOCKER_AUTH_CONFIG", c.Source)
	assert.Equal(t, "file", ask(t, store, "file.example").Username, "helpers in the variable are not asked")
	assert.Equal(t, "file", ask(t, store, "bad.example").Username)
	_, err = store.Credential(t.Context(), "worse.example")
	require.ErrorContains(t, err, "DOCKER_AUTH_CONFIG")
	assert.NotContains(t, err.Error(), "canary")

	t.Setenv("DOCKER_AUTH_CONFIG", "canary")
	_, err = credentials.FromEnv()
	require.ErrorContains(t, err, "DOCKER_AUTH_CONFIG")
	assert.True(t, errdefs.IsInvalidArgument(err))
	assert.NotContains(t, err.Error(), "canary")
}

func TestTheRepoLogin(t *testing.T) {
	for _, tt := range []struct {
		name             string
		user, pass, list string
		explicit, byEnv  map[string]string
	}{
		{
			"goes to those that are listed", "repo", "p", "a.example, b.example:5000\nc.example/team",
			map[string]string{"a.example/app": "repo", "b.example:5000": "repo", "c.example/team/app": "repo", "c.example": "", "d.example": ""},
			map[string]string{"a.example/app": "repo", "b.example:5000": "repo", "c.example/team/app": "repo", "c.example": "", "d.example": ""},
		},
		{
			"goes to Docker Hub by any of its names", "repo", "p", "https://index.docker.io/v1/",
			map[string]string{"docker.io/library/nginx": "repo"},
			map[string]string{"docker.io/library/nginx": "repo"},
		},
		{
			"goes to all only where the program says so", "repo", "p", " , ",
			map[string]string{"a.example": "repo", "docker.io": "repo"},
			map[string]string{"a.example": "", "docker.io": ""},
		},
		{"is none without a password", "repo", "", "", map[string]string{"a.example": ""}, map[string]string{"a.example": ""}},
		{"is none without a user", "", "p", "a.example", map[string]string{"a.example": ""}, map[string]string{"a.example": ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setenv(t, map[string]string{"HOME": t.TempDir(), "REPO_USER": tt.user, "REPO_PASS": tt.pass, "REPO_HOST": tt.list})
			for host, user := range tt.explicit {
				assert.Equal(t, user, ask(t, credentials.RepoFromEnv(), host).Username, host)
			}
			store, err := credentials.FromEnv()
			require.NoError(t, err)
			for host, user := range tt.byEnv {
				assert.Equal(t, user, ask(t, store, host).Username, host)
			}
		})
	}
}

func TestAnEntryInTheFileGoesBeforeTheRepoLogin(t *testing.T) {
	home := t.TempDir()
	write(t, filepath.Join(home, ".docker", "config.json"), fmt.Sprintf(`{"auths":{"r.example":{"auth":%q}}}`, auth("file", "p")))
	setenv(t, map[string]string{"HOME": home, "REPO_USER": "repo", "REPO_PASS": "p", "REPO_HOST": "r.example s.example"})
	store, err := credentials.FromEnv()
	require.NoError(t, err)
	assert.Equal(t, "file", ask(t, store, "r.example").Username)
	assert.Equal(t, "repo", ask(t, store, "s.example").Username)
}
