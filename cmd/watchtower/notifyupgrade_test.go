package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNotifyUpgrade(t *testing.T) {
	t.Chdir(t.TempDir())
	var out syncBuffer
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- offer(ctx, &out, "WATCHTOWER_NOTIFICATION_URL=a://CANARY b://c\n", time.Minute) }()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "docker cp ") }, 10*time.Second, time.Millisecond)
	files, err := filepath.Glob("watchtower-notification-urls-*")
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	assert.Equal(t, "WATCHTOWER_NOTIFICATION_URL=a://CANARY b://c\n", string(text))
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	assert.Contains(t, out.String(), files[0])
	assert.NotContains(t, out.String(), "CANARY")
	cancel()
	require.NoError(t, <-done)
	assert.NoFileExists(t, files[0])
}
