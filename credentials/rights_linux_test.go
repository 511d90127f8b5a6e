package credentials_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
)

// asNobody calls f without the rights of root, who may read everything. It is
// one thread that gives them up, and it ends with f.
func asNobody(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if os.Geteuid() == 0 {
			runtime.LockOSThread()
			_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0)
		}
		f()
	}()
	<-done
}

func TestAFileThatMayNotBeReadIsNoAnonymousAccess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	closed := filepath.Join(dir, "closed", "config.json")
	secret := filepath.Join(dir, "config.json")
	write(t, closed, "{}")
	write(t, secret, "{}")
	require.NoError(t, os.Chmod(filepath.Dir(closed), 0))
	require.NoError(t, os.Chmod(secret, 0))
	for _, path := range []string{closed, secret} {
		var err error
		asNobody(func() { _, err = credentials.File(path) })
		require.EqualError(t, err, "credentials: read "+path+": permission denied")
		assert.True(t, errdefs.IsPermissionDenied(err))
	}
	require.NoError(t, os.Chmod(filepath.Dir(closed), 0o700)) //nolint:gosec // so that it can be removed
}

func TestAFileThatMayNoLongerBeReadStaysInForce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, `{"auths":{"r.example":{"auth":"dTpw"}}}`)
	var told []error
	file, err := credentials.File(path, credentials.WithReport(func(err error) { told = append(told, err) }))
	require.NoError(t, err)
	write(t, path+".new", "{}")
	require.NoError(t, os.Chmod(path+".new", 0))
	require.NoError(t, os.Rename(path+".new", path))
	for range 3 {
		var c credentials.Credential
		asNobody(func() { c, err = file.Credential(t.Context(), "r.example") })
		require.NoError(t, err)
		assert.Equal(t, "u", c.Username)
	}
	require.Len(t, told, 1)
	require.EqualError(t, told[0], "credentials: read "+path+": permission denied")
	assert.True(t, errdefs.IsPermissionDenied(told[0]))
}

// Opening a pipe waits for somebody who writes into it, and a device has no end.
func TestWhatIsNotAFileIsNotRead(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "config.json")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for _, path := range []string{pipe, "/dev/zero"} {
		told := make(chan error, 1)
		go func() {
			_, err := credentials.File(path)
			told <- err
		}()
		select {
		case err := <-told:
			require.EqualError(t, err, "credentials: read "+path+": not a regular file")
			assert.True(t, errdefs.IsInvalidArgument(err))
		case <-time.After(10 * time.Second):
			require.Fail(t, "it is read", path)
		}
	}
}
