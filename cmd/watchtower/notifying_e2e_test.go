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
	ref, _ := reg.Push(t, "told:1", enginehost.Image{})
	host.Pull(t, ref, "")
	host.Run(t, "told", object{"Image": ref})
	url, got := receiver(t)
	hang := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(hang) })

	p := start(t, engineEnv(host, "WATCHTOWER_POLL_INTERVAL=1", "WATCHTOWER_NOTIFICATION_URL="+url+" generic+"+hanging.URL, "WATCHTOWER_DEBUG=1"), "told")
	passes := func() int { return strings.Count(p.stderr.String(), `msg="update done"`) }
	require.Eventually(t, func() bool { return passes() > 0 }, time.Minute, 10*time.Millisecond, p.stderr.String())
	reg.Push(t, "told:1", enginehost.Image{Env: []string{"VERSION=2"}})
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
	assert.Contains(t, updated, "Updated told ("+ref+"): ")
	assert.Contains(t, p.stderr.String(), "the program ends before all notifications are delivered")
	assert.NotContains(t, p.stderr.String()+p.stdout.String(), "CANARY")
}
