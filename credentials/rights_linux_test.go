package credentials_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

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
