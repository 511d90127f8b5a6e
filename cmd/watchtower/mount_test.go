package main

import (
	"os"
	"path/filepath"
	"testing"

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
