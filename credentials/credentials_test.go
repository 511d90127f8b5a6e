package credentials_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
)

func TestASecretShowsNowhere(t *testing.T) {
	t.Parallel()
	c := credentials.Credential{
		Username: "robot", Password: credentials.NewSecret("canary"), IdentityToken: credentials.NewSecret("canary"),
		RegistryToken: credentials.NewSecret("canary"), Source: "test",
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", c, &c, c.Password)
	}
	for _, v := range []any{c, &c, c.Password, map[string]any{"x": c}} {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		out.Write(data)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "c", c, "p", c.Password)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "c", c, "p", c.Password)
	assert.NotContains(t, out.String(), "canary")
	assert.NotContains(t, out.String(), "63616e617279", "nor in hexadecimal")
	assert.Contains(t, out.String(), "***")
	assert.Equal(t, "canary", c.Password.Reveal())
}

func auth(user, pass string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + pass))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func ask(t *testing.T, s credentials.Store, host string) credentials.Credential {
	t.Helper()
	c, err := s.Credential(t.Context(), host)
	require.NoError(t, err, host)
	return c
}

func TestEntriesOfAConfigFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, fmt.Sprintf(`{"auths":{
		"https://index.docker.io/v1/":{"auth":%q},
		"registry.example":{"auth":%q},
		"registry.example/team":{"username":"team","password":"p"},
		"HTTPS://Upper.Example:5000/v2/":{"auth":%q},
		"token.example":{"auth":%q,"identitytoken":"refresh"},
		"bearer.example":{"registrytoken":"bearer"},
		"marked.example":{},
		"bad.example":{"auth":"not base64!"},
		"worse.example":17}}`,
		auth("hub", "p"), auth("root", "a:b"), auth("upper", "p"), auth("00000000-0000-0000-0000-000000000000", "")))
	file, err := credentials.File(path)
	require.NoError(t, err)
	for host, user := range map[string]string{
		"docker.io": "hub", "docker.io/library/nginx": "hub", "index.docker.io": "hub", "registry-1.docker.io": "hub",
		"https://index.docker.io/v1/": "hub", "https://index.docker.io/v1": "hub", "http://docker.io/": "hub", "Docker.IO/org/app": "hub",
		"registry.example": "root", "registry.example/other/app": "root", "registry.example/teams/app": "root",
		"registry.example/team": "team", "registry.example/team/app": "team",
		"upper.example:5000/app": "upper", "upper.example": "", "elsewhere.example": "", "marked.example": "",
	} {
		assert.Equal(t, user, ask(t, file, host).Username, host)
	}
	assert.Equal(t, "a:b", ask(t, file, "registry.example").Password.Reveal(), "a password may hold a colon")
	assert.Equal(t, "refresh", ask(t, file, "token.example").IdentityToken.Reveal())
	assert.Equal(t, "bearer", ask(t, file, "bearer.example").RegistryToken.Reveal())
	assert.Equal(t, path, ask(t, file, "registry.example").Source)
	for _, host := range []string{"bad.example", "worse.example/app"} {
		_, err := file.Credential(t.Context(), host)
		require.Error(t, err)
		assert.True(t, errdefs.IsInvalidArgument(err))
		assert.Contains(t, err.Error(), path)
		assert.NotContains(t, err.Error(), "not base64")
	}
}

func TestAConfigFileIsReadAgain(t *testing.T) {
	t.Parallel()
	user := func(name string) string { return fmt.Sprintf(`{"auths":{"r.example":{"auth":%q}}}`, auth(name, "p")) }
	replace := func(t *testing.T, path, text string) {
		t.Helper()
		write(t, path+".new", text)
		require.NoError(t, os.Rename(path+".new", path))
	}
	t.Run("after a replace by rename", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "config.json")
		write(t, path, user("one"))
		file, err := credentials.File(path)
		require.NoError(t, err)
		assert.Equal(t, "one", ask(t, file, "r.example").Username)
		replace(t, path, user("two"))
		assert.Equal(t, "two", ask(t, file, "r.example").Username)
	})
	t.Run("after a write in place of the same size", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "config.json")
		write(t, path, user("one"))
		file, err := credentials.File(path)
		require.NoError(t, err)
		assert.Equal(t, "one", ask(t, file, "r.example").Username)
		write(t, path, user("two"))
		assert.Equal(t, "two", ask(t, file, "r.example").Username)
	})
	t.Run("behind a symbolic link", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		real, link := filepath.Join(dir, "config.json"), filepath.Join(dir, "data", "symconfig")
		write(t, real, user("one"))
		require.NoError(t, os.MkdirAll(filepath.Dir(link), 0o700))
		require.NoError(t, os.Symlink(real, link))
		file, err := credentials.File(link)
		require.NoError(t, err)
		assert.Equal(t, "one", ask(t, file, "r.example").Username)
		replace(t, real, user("two"))
		assert.Equal(t, "two", ask(t, file, "r.example").Username)
		write(t, filepath.Join(dir, "other"), user("three"))
		require.NoError(t, os.Remove(link))
		require.NoError(t, os.Symlink(filepath.Join(dir, "other"), link))
		assert.Equal(t, "three", ask(t, file, "r.example").Username)
	})
	t.Run("once it comes, and once it goes", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "config.json")
		file, err := credentials.File(path)
		require.NoError(t, err)
		assert.True(t, ask(t, file, "r.example").IsZero())
		write(t, path, user("one"))
		assert.Equal(t, "one", ask(t, file, "r.example").Username)
		require.NoError(t, os.Remove(path))
		assert.True(t, ask(t, file, "r.example").IsZero())
	})
	t.Run("keeping the last good content, and saying so once", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "config.json")
		write(t, path, user("one"))
		var told []error
		file, err := credentials.File(path, credentials.WithReport(func(err error) { told = append(told, err) }))
		require.NoError(t, err)
		replace(t, path, user("two")[:20])
		for range 3 {
			assert.Equal(t, "one", ask(t, file, "r.example").Username)
		}
		require.Len(t, told, 1)
		assert.Contains(t, told[0].Error(), path)
		replace(t, path, user("two"))
		assert.Equal(t, "two", ask(t, file, "r.example").Username)
		replace(t, path, "[]")
		assert.Equal(t, "two", ask(t, file, "r.example").Username)
		assert.Len(t, told, 2, "it went bad again")
	})
}

func TestABadConfigFileIsAnErrorAtTheStart(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"auths":`: "not a Docker config file", `{"auths":[]}`: "not a Docker config file", `hunter2`: "not a Docker config file",
	} {
		path := filepath.Join(t.TempDir(), "config.json")
		write(t, path, text)
		_, err := credentials.File(path)
		require.ErrorContains(t, err, want)
		assert.True(t, errdefs.IsInvalidArgument(err))
		assert.Contains(t, err.Error(), path)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	empty := filepath.Join(t.TempDir(), "config.json")
	write(t, empty, "")
	_, err := credentials.File(empty)
	require.NoError(t, err, "an empty file holds no logins")
	_, err = credentials.File(t.TempDir())
	require.ErrorContains(t, err, "mount the directory")
}

func TestFromEnvLooksWhereDockerDoes(t *testing.T) {
	home, config := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("DOCKER_CONFIG", "")
	t.Setenv("REPO_USER", "repo")
	t.Setenv("REPO_PASS", "p")
	t.Setenv("REPO_HOST", "a.example, b.example:5000")
	store, err := credentials.FromEnv()
	require.NoError(t, err)
	assert.True(t, ask(t, store, "r.example").IsZero())
	write(t, filepath.Join(home, ".docker", "config.json"), fmt.Sprintf(`{"auths":{"r.example":{"auth":%q}}}`, auth("home", "p")))
	assert.Equal(t, "home", ask(t, store, "r.example").Username, "a login that came later")
	assert.Equal(t, "repo", ask(t, store, "a.example/app").Username)
	assert.Equal(t, "repo", ask(t, store, "b.example:5000").Username)
	assert.True(t, ask(t, store, "c.example").IsZero(), "a password is shown to nobody else")

	t.Setenv("DOCKER_CONFIG", config)
	write(t, filepath.Join(config, "config.json"), fmt.Sprintf(`{"auths":{"r.example":{"auth":%q}}}`, auth("config", "p")))
	store, err = credentials.FromEnv()
	require.NoError(t, err)
	assert.Equal(t, "config", ask(t, store, "r.example").Username)

	write(t, filepath.Join(config, "config.json"), "{")
	_, err = credentials.FromEnv()
	require.ErrorContains(t, err, filepath.Join(config, "config.json"))
}

// helper puts a credential helper with the given shell text on PATH.
func helper(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "docker-credential-"+name), "#!/bin/sh\nread -r server\n"+script+"\n")
	require.NoError(t, os.Chmod(filepath.Join(dir, "docker-credential-"+name), 0o700)) //nolint:gosec // it is a program
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestHelpers(t *testing.T) {
	helper(t, "good", `[ "$1" = get ] && printf '{"ServerURL":"%s","Username":"%s","Secret":"canary"}' "$server" "$server"`)
	helper(t, "token", `echo '{"Username":"<token>","Secret":"canary"}'`)
	helper(t, "none", `echo "credentials not found in native keychain"; exit 1`)
	helper(t, "fails", `echo "canary"; echo "canary" >&2; exit 3`)
	helper(t, "garbage", `echo "canary"`)
	ctx := t.Context()

	c, err := credentials.Helper("good").Credential(ctx, "docker.io/library/nginx")
	require.NoError(t, err)
	assert.Equal(t, "https://index.docker.io/v1/", c.Username, "Docker Hub's name among helpers")
	assert.Equal(t, "canary", c.Password.Reveal())
	c, err = credentials.Helper("good").Credential(ctx, "ghcr.io/org/app")
	require.NoError(t, err)
	assert.Equal(t, "ghcr.io", c.Username)
	c, err = credentials.Helper("token").Credential(ctx, "x.example")
	require.NoError(t, err)
	assert.Equal(t, "canary", c.IdentityToken.Reveal())
	c, err = credentials.Helper("none").Credential(ctx, "x.example")
	require.NoError(t, err)
	assert.True(t, c.IsZero())
	for name, want := range map[string]string{
		"fails": "exit status 3", "garbage": "its answer is no credential", "missing": "not found on PATH", "../evil": "not a helper's name",
	} {
		_, err := credentials.Helper(name).Credential(ctx, "x.example")
		require.ErrorContains(t, err, want)
		assert.Contains(t, err.Error(), "credentials: docker-credential-"+name+": x.example: ")
		assert.NotContains(t, err.Error(), "canary")
		var e *credentials.Error
		assert.ErrorAs(t, err, &e)
	}
}

func TestAConfigFileNamesItsHelpers(t *testing.T) {
	helper(t, "store", `case "$server" in stored.example) echo '{"Username":"stored","Secret":"s"}';; *) echo "credentials not found"; exit 1;; esac`)
	helper(t, "own", `echo '{"Username":"own","Secret":"s"}'`)
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, fmt.Sprintf(`{"credsStore":"store","credHelpers":{"own.example":"own"},"auths":{
		"stored.example":{},"own.example":{"auth":%q},"file.example":{"auth":%q}}}`, auth("no", "p"), auth("file", "p")))
	file, err := credentials.File(path)
	require.NoError(t, err)
	assert.Equal(t, "stored", ask(t, file, "stored.example/app").Username)
	assert.Equal(t, "own", ask(t, file, "own.example").Username)
	assert.Equal(t, "file", ask(t, file, "file.example").Username)
	assert.True(t, ask(t, file, "none.example").IsZero())
}

func TestChain(t *testing.T) {
	t.Parallel()
	broken := credentials.StoreFunc(func(context.Context, string) (credentials.Credential, error) {
		return credentials.Credential{}, errors.New("the vault is sealed")
	})
	one := credentials.Static(map[string]credentials.Credential{"a.example": {Username: "one"}, "hub.example/team": {Username: "team"}})
	two := credentials.Static(map[string]credentials.Credential{"a.example": {Username: "two"}, "b.example": {Username: "two"}})
	chain := credentials.Chain(broken, one, two)
	assert.Equal(t, "one", ask(t, chain, "a.example").Username)
	assert.Equal(t, "two", ask(t, chain, "b.example").Username)
	assert.Equal(t, "team", ask(t, chain, "hub.example/team/app").Username)
	_, err := chain.Credential(t.Context(), "c.example")
	require.EqualError(t, err, "the vault is sealed")
	assert.True(t, ask(t, credentials.Chain(), "a.example").IsZero())
}

func FuzzConfigFile(f *testing.F) {
	f.Add([]byte(`{"auths":{"a":{"auth":"YTpi"}},"credHelpers":{"b":"x"},"credsStore":""}`))
	f.Add([]byte(`{"auths":{"https://index.docker.io/v1/":null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("cred")) {
			return // no helper is run here
		}
		file, err := credentials.File(path)
		if err != nil {
			if !errdefs.IsInvalidArgument(err) {
				t.Error(err)
			}
			return
		}
		_, _ = file.Credential(t.Context(), "a")
	})
}
