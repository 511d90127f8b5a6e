package main

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// Ten polls of a real engine with one update: one message beside that of the start, and
// a service that never answers keeps neither the passes nor the end waiting.
func TestNotificationsOfARun(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "told:1", enginehost.Image{Labels: map[string]string{"org.opencontainers.image.version": "1.4.2"}})
	host.Pull(t, ref, "")
	host.Run(t, "told", object{"Image": ref})
	url, got := receiver(t)
	hang := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(hang) })

	state := t.TempDir()
	p := start(t, engineEnv(host, "WATCHTOWER_POLL_INTERVAL=1", "WATCHTOWER_NOTIFICATION_URL="+url+" generic+"+hanging.URL, "WATCHTOWER_DEBUG=1", "WATCHTOWER_STATE_DIR="+state), "told")
	passes := func() int { return strings.Count(p.stderr.String(), `msg="update done"`) }
	require.Eventually(t, func() bool { return passes() > 0 }, time.Minute, 10*time.Millisecond, p.stderr.String())
	reg.Push(t, "told:1", enginehost.Image{Labels: map[string]string{
		"org.opencontainers.image.version": "1.5.0", "org.opencontainers.image.source": "https://example.com/app",
	}})
	require.Eventually(t, func() bool { return strings.Contains(p.stderr.String(), "updated=1") }, time.Minute, 10*time.Millisecond, p.stderr.String())
	before := passes()
	require.Eventually(t, func() bool { return passes() >= before+10 }, time.Minute, 10*time.Millisecond, p.stderr.String())
	began := time.Now()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	assert.Equal(t, exitOK, p.wait(t), p.stderr.String())
	t.Logf("it ended %v after the signal; the passes took %v", time.Since(began), regexp.MustCompile(`took=\S+`).FindAllString(p.stderr.String(), -1))
	assert.Less(t, time.Since(began), flushHurry+3*time.Second)
	require.Len(t, got, 2)
	begun, updated := <-got, <-got
	t.Logf("%s\n%s", begun, updated)
	assert.Contains(t, begun, "watches, by interval 1s\nContainers: named told\n")
	assert.Regexp(t, `Updated told \(`+ref+`\): \w+ to \w+, 1\.4\.2 -> 1\.5\.0 \(https://example\.com/app\)`, updated)
	assert.Contains(t, p.stderr.String(), "the program ends before all notifications are delivered")
	assert.NotContains(t, p.stderr.String()+p.stdout.String(), "CANARY")

	// The next process knows what this one told.
	reg.Push(t, "told:1", enginehost.Image{Env: []string{"VERSION=3"}})
	for range 2 {
		code, _, stderr := runProgram(t, engineEnv(host, "WATCHTOWER_RUN_ONCE=1", "WATCHTOWER_MONITOR_ONLY=1", "WATCHTOWER_NOTIFICATION_URL="+url,
			"WATCHTOWER_NO_STARTUP_MESSAGE=1", "WATCHTOWER_STATE_DIR="+state), "told")
		assert.Equal(t, exitOK, code, stderr)
	}
	require.Len(t, got, 1)
	assert.Contains(t, <-got, "Found a new image for told")
}
