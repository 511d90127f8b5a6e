package credentials_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
)

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
	helper(t, "one", `exit 1`)
	helper(t, "garbage", `echo "canary"`)
	helper(t, "half", `printf '{"Username":"u","Secret":"canary'`)
	helper(t, "empty", `echo '{"Username":"","Secret":""}'`)
	helper(t, "flood", `exec yes canary | head -c 1000000`)
	ctx := t.Context()

	c, err := credentials.Helper("good", 0).Credential(ctx, "docker.io/library/nginx")
	require.NoError(t, err)
	assert.Equal(t, "https://index.docker.io/v1/", c.Username, "Docker Hub's name among helpers")
	assert.Equal(t, "canary", c.Password.Reveal())
	c, err = credentials.Helper("good", 0).Credential(ctx, "ghcr.io/org/app")
	require.NoError(t, err)
	assert.Equal(t, "ghcr.io", c.Username)
	c, err = credentials.Helper("token", 0).Credential(ctx, "x.example")
	require.NoError(t, err)
	assert.Equal(t, "canary", c.IdentityToken.Reveal())
	c, err = credentials.Helper("none", 0).Credential(ctx, "x.example")
	require.NoError(t, err)
	assert.True(t, c.IsZero())
	for name, want := range map[string]string{
		"fails": "exit status 3", "one": "exit status 1", "half": "its answer is no credential",
		"empty": "its answer is no credential", "flood": "its answer is no credential", "garbage": "its answer is no credential", "missing": "not found on PATH", "../evil": "not a helper's name",
	} {
		_, err := credentials.Helper(name, 0).Credential(ctx, "x.example")
		require.EqualError(t, err, "credentials: get x.example from docker-credential-"+name+": "+want)
		var e *credentials.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "x.example", e.Host)
		assert.Equal(t, "docker-credential-"+name, e.Source)
		assert.NotContains(t, err.Error(), "canary")
		assert.Equal(t, name == "../evil", errdefs.IsInvalidArgument(err))
		assert.Equal(t, name != "../evil", errdefs.IsUnavailable(err))
	}
}

func TestAHelperThatHangsIsEnded(t *testing.T) {
	helper(t, "hangs", `sleep 3 & exec sleep 60`)
	start := time.Now()
	_, err := credentials.Helper("hangs", 100*time.Millisecond).Credential(t.Context(), "x.example")
	require.EqualError(t, err, "credentials: get x.example from docker-credential-hangs: no answer within 100ms")
	assert.True(t, errdefs.IsUnavailable(err))

	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, `{"credsStore":"hangs"}`)
	file, err := credentials.File(path, credentials.WithHelperTimeout(100*time.Millisecond))
	require.NoError(t, err)
	_, err = file.Credential(t.Context(), "x.example")
	require.ErrorContains(t, err, "no answer within 100ms")

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = credentials.Helper("hangs", 0).Credential(ctx, "x.example")
	require.ErrorIs(t, err, context.DeadlineExceeded, "the caller's own end is not the helper's fault")
	assert.False(t, errdefs.IsUnavailable(err))
	assert.Less(t, time.Since(start), 30*time.Second)
}

// Many helpers are scripts: it is what they call that hangs.
func TestWhatAHelperThatHangsHasStartedIsEndedWithIt(t *testing.T) {
	left := filepath.Join(t.TempDir(), "left")
	helper(t, "calls", `sleep 60 & echo $! >`+left+`; wait`)
	_, err := credentials.Helper("calls", 200*time.Millisecond).Credential(t.Context(), "x.example")
	require.ErrorContains(t, err, "no answer within 200ms")
	text, err := os.ReadFile(left)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	assert.Eventually(t, func() bool { return !runs(pid) }, 10*time.Second, 10*time.Millisecond)
}

// runs reports whether the process is there, and more than a zombie that nobody
// has asked about yet.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}

func TestAHelperMayLeaveADaemonBehind(t *testing.T) {
	helper(t, "starts", `sleep 3 & echo '{"Username":"u","Secret":"s"}'`)
	assert.Equal(t, "u", ask(t, credentials.Helper("starts", 0), "x.example").Username, "which holds its output open")
}

func TestAHelperRunsOnceForManyWhoAsk(t *testing.T) {
	runs := filepath.Join(t.TempDir(), "runs")
	helper(t, "counts", `echo run >>`+runs+`; echo '{"Username":"u","Secret":"s"}'`)
	helper(t, "fails", `echo run >>`+runs+`; exit 1`)
	count := func() int {
		data, err := os.ReadFile(runs)
		require.NoError(t, err)
		return bytes.Count(data, []byte("run"))
	}
	synctest.Test(t, func(t *testing.T) {
		good, bad := credentials.Helper("counts", 0), credentials.Helper("fails", 0)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				c, err := good.Credential(t.Context(), fmt.Sprintf("r.example/app-%d", i))
				assert.NoError(t, err)
				assert.Equal(t, "u", c.Username)
				_, err = bad.Credential(t.Context(), fmt.Sprintf("r.example/app-%d", i))
				assert.Error(t, err)
			})
		}
		all.Wait()
		assert.Equal(t, 2, count(), "one each")
		ask(t, good, "other.example")
		assert.Equal(t, 3, count(), "another registry is another question")
		time.Sleep(31 * time.Second) //nolint:forbidigo // in a bubble
		ask(t, good, "r.example")
		assert.Equal(t, 4, count(), "a later login is seen")
	})
}

func TestWhatACallerBrokeOffIsNotKept(t *testing.T) {
	helper(t, "good", `echo '{"Username":"u","Secret":"s"}'`)
	store := credentials.Helper("good", 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Credential(ctx, "r.example")
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "u", ask(t, store, "r.example").Username)
}

func TestAConfigFileNamesItsHelpers(t *testing.T) {
	helper(t, "store", `case "$server" in stored.example) echo '{"Username":"stored","Secret":"s"}';; *) echo "credentials not found"; exit 1;; esac`)
	helper(t, "own", `echo '{"Username":"own","Secret":"s"}'`)
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, fmt.Sprintf(`{"credsStore":"store","credHelpers":{"own.example":"own","bad.example":5,"none.example/file":""},"auths":{
		"stored.example":{},"own.example":{"auth":%q},"file.example":{"auth":%q},"none.example/file":{"auth":%q}}}`,
		auth("no", "p"), auth("file", "p"), auth("file", "p")))
	file, err := credentials.File(path)
	require.NoError(t, err)
	assert.Equal(t, "stored", ask(t, file, "stored.example/app").Username)
	assert.Equal(t, "own", ask(t, file, "own.example").Username)
	assert.Equal(t, "file", ask(t, file, "file.example").Username)
	assert.Equal(t, "file", ask(t, file, "none.example/file").Username, "a helper without a name is none")
	assert.True(t, ask(t, file, "none.example").IsZero())
	_, err = file.Credential(t.Context(), "bad.example")
	require.EqualError(t, err, "credentials: decode bad.example from "+path+": its helper is no text")

	write(t, path, fmt.Sprintf(`{"credsStore":"nowhere","auths":{"file.example":{"auth":%q}}}`, auth("file", "p")))
	assert.Equal(t, "file", ask(t, file, "file.example").Username, "a store that is broken does not hide the file")
	_, err = file.Credential(t.Context(), "none.example")
	require.ErrorContains(t, err, "docker-credential-nowhere", "nor is its failure taken for anonymous access")
}
