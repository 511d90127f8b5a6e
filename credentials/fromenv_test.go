package credentials_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
)

func setenv(t *testing.T, set map[string]string) {
	t.Helper()
	for _, name := range []string{"HOME", "DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REPO_USER", "REPO_PASS", "REPO_HOST", "REPO_USER_FILE", "REPO_PASS_FILE"} {
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
			"is in reserve for all where none is listed, unless the program says otherwise", "repo", "p", " , ",
			map[string]string{"a.example": "repo", "docker.io": "repo"},
			map[string]string{"a.example": "repo (reserve)", "docker.io": "repo (reserve)"},
		},
		{"is none without a password", "repo", "", "", map[string]string{"a.example": ""}, map[string]string{"a.example": ""}},
		{"is none without a user", "", "p", "a.example", map[string]string{"a.example": ""}, map[string]string{"a.example": ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setenv(t, map[string]string{"HOME": t.TempDir(), "REPO_USER": tt.user, "REPO_PASS": tt.pass, "REPO_HOST": tt.list})
			store, err := credentials.RepoFromEnv()
			require.NoError(t, err)
			for host, user := range tt.explicit {
				assert.Equal(t, user, ask(t, store, host).Username, host)
			}
			store, err = credentials.FromEnv()
			require.NoError(t, err)
			for host, user := range tt.byEnv {
				login := ask(t, store, host)
				if login.Reserve {
					login.Username += " (reserve)"
				}
				assert.Equal(t, user, login.Username, host)
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

func TestTheRepoLoginFromFiles(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("user"), "robot\n")
	write(t, at("pass"), " s p \r\n")
	write(t, at("empty"), "\n")
	write(t, at("two"), "canary\ncanary\n")
	write(t, at("large"), strings.Repeat("canary", 20000))
	for name, tt := range map[string]struct {
		env  map[string]string
		want credentials.Credential
		err  string
	}{
		"both": {
			map[string]string{"REPO_USER_FILE": at("user"), "REPO_PASS_FILE": at("pass")},
			credentials.Credential{Username: "robot", Password: credentials.NewSecret(" s p "), Source: "REPO_USER_FILE, REPO_PASS_FILE"},
			"",
		},
		"one": {
			map[string]string{"REPO_USER": "me", "REPO_PASS_FILE": at("pass")},
			credentials.Credential{Username: "me", Password: credentials.NewSecret(" s p "), Source: "REPO_USER, REPO_PASS_FILE"},
			"",
		},
		"without the other": {map[string]string{"REPO_PASS_FILE": at("pass")}, credentials.Credential{}, ""},
		"beside a variable": {
			map[string]string{"REPO_USER": "me", "REPO_PASS": "canary", "REPO_PASS_FILE": at("pass")},
			credentials.Credential{},
			"credentials: REPO_PASS and REPO_PASS_FILE are both set: want one of them",
		},
		"beside an empty variable": {
			map[string]string{"REPO_USER": "me", "REPO_USER_FILE": "", "REPO_PASS": "", "REPO_PASS_FILE": at("pass")},
			credentials.Credential{Username: "me", Password: credentials.NewSecret(" s p "), Source: "REPO_USER, REPO_PASS_FILE"},
			"",
		},
		"not there": {
			map[string]string{"REPO_USER_FILE": at("gone"), "REPO_PASS": "canary"},
			credentials.Credential{},
			"credentials: read REPO_USER_FILE (" + at("gone") + "): no such file or directory",
		},
		"a directory": {
			map[string]string{"REPO_USER": "me", "REPO_PASS_FILE": dir},
			credentials.Credential{},
			"credentials: read REPO_PASS_FILE (" + dir + "): not a regular file",
		},
		"empty": {
			map[string]string{"REPO_USER": "me", "REPO_PASS_FILE": at("empty")},
			credentials.Credential{},
			"credentials: read REPO_PASS_FILE (" + at("empty") + "): empty",
		},
		"another file than meant": {
			map[string]string{"REPO_USER": "me", "REPO_PASS_FILE": at("two")},
			credentials.Credential{},
			"credentials: read REPO_PASS_FILE (" + at("two") + "): more than one line",
		},
		"too large": {
			map[string]string{"REPO_USER": "me", "REPO_PASS_FILE": at("large")},
			credentials.Credential{},
			"credentials: read REPO_PASS_FILE (" + at("large") + "): larger than 65536 bytes",
		},
		"both wrong": {
			map[string]string{"REPO_USER_FILE": at("empty"), "REPO_PASS_FILE": at("gone")},
			credentials.Credential{},
			"credentials: read REPO_USER_FILE (" + at("empty") + "): empty\ncredentials: read REPO_PASS_FILE (" + at("gone") + "): no such file or directory",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.env["HOME"], tt.env["REPO_HOST"] = t.TempDir(), "r.example"
			setenv(t, tt.env)
			explicit, err := credentials.RepoFromEnv()
			all, allErr := credentials.FromEnv()
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				assert.True(t, errdefs.IsInvalidArgument(err))
				require.EqualError(t, allErr, tt.err)
				return
			}
			require.NoError(t, err)
			require.NoError(t, allErr)
			for _, store := range []credentials.Store{explicit, all} {
				assert.Equal(t, tt.want, ask(t, store, "r.example/app"))
				assert.True(t, ask(t, store, "s.example").IsZero())
			}
		})
	}
}

func TestAFileWithTheRepoLoginIsReadOnEachUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pass")
	write(t, path, "one\n")
	setenv(t, map[string]string{"REPO_USER": "me", "REPO_PASS_FILE": path})
	store, err := credentials.RepoFromEnv()
	require.NoError(t, err)
	assert.Equal(t, "one", ask(t, store, "r.example").Password.Reveal())
	write(t, path, "two\n")
	assert.Equal(t, "two", ask(t, store, "r.example").Password.Reveal())
	require.NoError(t, os.Remove(path))
	_, err = store.Credential(t.Context(), "r.example")
	require.EqualError(t, err, "credentials: read REPO_PASS_FILE ("+path+"): no such file or directory")
}

func TestADockerConfigThatIsNoDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, "{}")
	setenv(t, map[string]string{"HOME": t.TempDir(), "DOCKER_CONFIG": path})
	_, err := credentials.FromEnv()
	require.EqualError(t, err, fmt.Sprintf("credentials: DOCKER_CONFIG: %q: want the directory that holds config.json", path))
	assert.True(t, errdefs.IsInvalidArgument(err))
}

// The names that messages call stores by say where a login was looked for.
func TestStoresHaveNames(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, ".docker", "config.json")
	setenv(t, map[string]string{"HOME": home, "DOCKER_AUTH_CONFIG": "{}", "REPO_USER": "me", "REPO_PASS": "canary", "REPO_HOST": "r.example"})
	store, err := credentials.FromEnv()
	require.NoError(t, err)
	assert.Equal(t, "DOCKER_AUTH_CONFIG, /config.json, "+path+" (not there), REPO_USER, REPO_PASS", fmt.Sprint(store))
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", store, store, store), "canary")
	write(t, path, "{}")
	assert.True(t, ask(t, store, "s.example").IsZero())
	assert.Equal(t, "DOCKER_AUTH_CONFIG, "+path+", REPO_USER, REPO_PASS", fmt.Sprint(store))
	nameless := credentials.StoreFunc(credentials.Static(nil).Credential)
	assert.Equal(t, "docker-credential-x, static",
		fmt.Sprint(credentials.Chain(nameless, credentials.Helper("x", 0), credentials.Chain(nameless), credentials.Static(nil))))
}
