package credentials_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
)

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
		target, link := filepath.Join(dir, "config.json"), filepath.Join(dir, "data", "symconfig")
		write(t, target, user("one"))
		require.NoError(t, os.MkdirAll(filepath.Dir(link), 0o700))
		require.NoError(t, os.Symlink(target, link))
		file, err := credentials.File(link)
		require.NoError(t, err)
		assert.Equal(t, "one", ask(t, file, "r.example").Username)
		replace(t, target, user("two"))
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
	t.Run("and says so when it shows a file that was replaced", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "config.json")
		write(t, path, user("one"))
		mounted, err := os.Open(path)
		require.NoError(t, err)
		defer func() { _ = mounted.Close() }()
		var told []error
		// As in a mount of a single file, the name leads to the old inode for good.
		name := fmt.Sprintf("/dev/fd/%d", mounted.Fd())
		file, err := credentials.File(name, credentials.WithReport(func(err error) { told = append(told, err) }))
		require.NoError(t, err)
		assert.Equal(t, "one", ask(t, file, "r.example").Username)
		assert.Empty(t, told)
		replace(t, path, user("two"))
		for range 3 {
			assert.Equal(t, "one", ask(t, file, "r.example").Username)
		}
		require.Len(t, told, 1)
		require.ErrorContains(t, told[0], name)
		require.ErrorContains(t, told[0], "mount the directory")
	})
	t.Run("by many at once", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "config.json")
		write(t, path, user("one"))
		file, err := credentials.File(path)
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 50 {
					c, err := file.Credential(t.Context(), "r.example")
					assert.NoError(t, err)
					assert.Contains(t, []string{"one", "two"}, c.Username)
				}
			})
		}
		replace(t, path, user("two"))
		all.Wait()
		assert.Equal(t, "two", ask(t, file, "r.example").Username)
	})
	t.Run("and fails where there is nothing good to keep", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "config.json")
		file, err := credentials.File(path)
		require.NoError(t, err)
		require.NoError(t, os.Mkdir(path, 0o700))
		_, err = file.Credential(t.Context(), "r.example")
		require.ErrorContains(t, err, "mount the directory")
	})
	t.Run("keeping the last good content while it is written in place", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "config.json")
		write(t, path, "")
		var told []error
		file, err := credentials.File(path, credentials.WithReport(func(err error) { told = append(told, err) }))
		require.NoError(t, err)
		assert.True(t, ask(t, file, "r.example").IsZero())
		assert.Empty(t, told, "an empty file that always was one holds no logins")
		write(t, path, user("one"))
		assert.Equal(t, "one", ask(t, file, "r.example").Username)
		for n := range len(user("two")) {
			write(t, path, user("two")[:n])
			assert.Equal(t, "one", ask(t, file, "r.example").Username, "after %d bytes", n)
		}
		require.Len(t, told, 2)
		assert.EqualError(t, told[0], "credentials: read "+path+": empty, as a file is that is being written")
		assert.EqualError(t, told[1], "credentials: read "+path+": not a Docker config file: malformed JSON")
		write(t, path, user("two"))
		assert.Equal(t, "two", ask(t, file, "r.example").Username)
		write(t, path, `{"auths":{}}`)
		assert.True(t, ask(t, file, "r.example").IsZero(), "what a docker logout leaves")
	})
	t.Run("keeping the last good content where a directory comes in its place", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "config.json")
		write(t, path, user("one"))
		var told []error
		file, err := credentials.File(path, credentials.WithReport(func(err error) { told = append(told, err) }))
		require.NoError(t, err)
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.Mkdir(path, 0o700))
		for range 3 {
			assert.Equal(t, "one", ask(t, file, "r.example").Username)
		}
		require.Len(t, told, 1)
		require.ErrorContains(t, told[0], "mount the directory that holds config.json")
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
		`{"auths":`: "not a Docker config file: malformed JSON", `{"credsStore":5}`: "not a Docker config file: credsStore is of another kind",
		`"hunter2"`: "not a Docker config file: its JSON is no object", `{"auths":[]}`: "not a Docker config file", `hunter2`: "not a Docker config file",
	} {
		path := filepath.Join(t.TempDir(), "config.json")
		write(t, path, text)
		_, err := credentials.File(path)
		require.ErrorContains(t, err, want)
		assert.True(t, errdefs.IsInvalidArgument(err))
		assert.Contains(t, err.Error(), path)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	long := filepath.Join(t.TempDir(), "config.json")
	write(t, long, strings.Repeat(" ", 4<<20+1))
	_, err := credentials.File(long)
	require.ErrorContains(t, err, "larger than")
	loop := filepath.Join(t.TempDir(), "config.json")
	require.NoError(t, os.Symlink(loop, loop))
	_, err = credentials.File(loop)
	require.Error(t, err, "what cannot be reached is no anonymous access")
	assert.True(t, errdefs.IsInvalidArgument(err))
	empty := filepath.Join(t.TempDir(), "config.json")
	write(t, empty, "")
	_, err = credentials.File(empty)
	require.NoError(t, err, "an empty file holds no logins")
	_, err = credentials.File(t.TempDir())
	require.ErrorContains(t, err, "mount the directory")
}

func FuzzConfigFile(f *testing.F) {
	f.Add([]byte(`{"auths":{"a":{"auth":"YTpi"}},"credHelpers":{"b":"x"},"credsStore":""}`))
	f.Add([]byte(`{"auths":{"https://index.docker.io/v1/":null}}`))
	f.Setenv("PATH", "") // no helper is found
	path := filepath.Join(f.TempDir(), "config.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := credentials.File(path)
		if err != nil {
			if !errdefs.IsInvalidArgument(err) {
				t.Error(err)
			}
			return
		}
		for _, host := range []string{"a", "a/b", "docker.io/library/nginx", string(data)} {
			_, err := file.Credential(t.Context(), host)
			var e *credentials.Error
			if err != nil && !errors.As(err, &e) {
				t.Errorf("%q: %v", host, err)
			}
		}
	})
}
