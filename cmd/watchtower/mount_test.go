package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// What the README says of mounting config.json: a mount of the file holds the
// one there was, also through a symbolic link, until the container is
// restarted; a mount of the directory shows the new one at once.
func TestALoginThatCameLaterIsSeenThroughADirectoryOnly(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "mounts:1", enginehost.Image{})
	host.Pull(t, ref, "")
	dir, links := t.TempDir(), t.TempDir()
	config, link := filepath.Join(dir, "config.json"), filepath.Join(links, "symconfig")
	login := func(text string) { // as `docker login` does it
		require.NoError(t, os.WriteFile(config+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(config+".new", config))
	}
	login("old")
	require.NoError(t, os.Symlink(config, link))
	host.Run(t, "mounts", object{"Image": ref, "HostConfig": object{"Binds": []string{
		config + ":/file/config.json:ro", link + ":/link/config.json:ro", dir + ":/directory:ro",
	}}})
	see := func(at string) string { return host.Exec(t, "mounts", "cat", "/"+at+"/config.json") }
	login("new")
	assert.Equal(t, "old", see("file"))
	assert.Equal(t, "old", see("link"))
	assert.Equal(t, "new", see("directory"))
	host.API(t, "POST", "/containers/mounts/restart?t=0", nil, nil)
	assert.Equal(t, "new", see("file"))
	assert.Equal(t, "new", see("link"))
}

// What the program makes of it: behind a mount of the file it goes on with the
// login it has, and says once what to do; behind one of the directory it goes on
// with the new one.
func TestAMountOfTheFileIsSaidOnce(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t, enginehost.WithBasicAuth(t, "user", "right"))
	ref, _ := reg.Push(t, "logins:1", enginehost.Image{})
	host.Pull(t, ref, base64.URLEncoding.EncodeToString([]byte(`{"username":"user","password":"right"}`)))
	dir := t.TempDir()
	config := filepath.Join(dir, "config.json")
	login := func(password string) {
		auth := base64.StdEncoding.EncodeToString([]byte("user:" + password))
		require.NoError(t, os.WriteFile(config+".new", fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, reg.Addr, auth), 0o600))
		require.NoError(t, os.Rename(config+".new", config))
	}
	login("wrong")
	host.Run(t, "logins-mounts", object{"Image": ref, "HostConfig": object{"Binds": []string{
		config + ":/file/config.json:ro", dir + ":/directory:ro",
	}}})
	host.Run(t, "logins", object{"Image": ref})
	reg.Push(t, "logins:1", enginehost.Image{Env: []string{"VERSION=2"}})
	const said = "mount the directory that holds config.json instead"
	watch := func(at string) *process {
		return start(t, engineEnv(host, "DOCKER_CONFIG="+filepath.Join(host.Root(t, "logins-mounts"), at)),
			"--interval=1s", "--update-on-start", "logins")
	}
	times := func(p *process, text string, n int) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Count(p.stderr.String(), text) >= n }, 30*time.Second, 20*time.Millisecond, text)
	}

	file, directory := watch("file"), watch("directory")
	times(file, "failed=1", 1)
	times(directory, "failed=1", 1)
	assert.NotContains(t, file.stderr.String(), said)
	login("right")
	times(directory, "updated=1", 1)
	passed := strings.Count(file.stderr.String(), "scanned=1")
	times(file, "scanned=1", passed+3)
	assert.Equal(t, 1, strings.Count(file.stderr.String(), said), file.stderr.String())
	assert.Contains(t, file.stderr.String(), filepath.Join("file", "config.json"))
	assert.NotContains(t, directory.stderr.String(), said)
	assert.Equal(t, "2", host.Exec(t, "logins", "sh", "-c", "echo $VERSION"))
}
