package credentials

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAHelperThatHangsIsEnded(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "docker-credential-hangs")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\nexec sleep 60\n"), 0o700)) //nolint:gosec // it is a program
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	start := time.Now()
	_, err := askHelper(context.WithoutCancel(t.Context()), "hangs", "x.example", 100*time.Millisecond)
	require.EqualError(t, err, "credentials: docker-credential-hangs: x.example: no answer within 100ms")
	assert.True(t, errdefs.IsUnavailable(err))
	assert.Less(t, time.Since(start), 30*time.Second)
}
