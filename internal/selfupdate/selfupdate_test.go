package selfupdate_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// helpers counts those that were created.
func helpers(calls []enginetest.Call) int {
	n := 0
	for _, c := range calls {
		if c.Method == "Create" && strings.Contains(c.Subject, ".wt-self-") {
			n++
		}
	}
	return n
}

func TestItReplacesItselfAgainAndAgain(t *testing.T) {
	w := newWorld(t)
	times := 3
	if everything() {
		times = 20
	}
	ref := w.push(t, "again", "0", nil)
	w.host.Pull(t, ref, "")
	last := w.watch(t, "again", ref, 18080, "unless-stopped")
	t.Logf("%-3s %-8s %-14s %s", "", "took", "container", "what there is")
	for i := 1; i <= times; i++ {
		version := strconv.Itoa(i)
		begin := time.Now()
		w.push(t, "again", version, nil)
		now := w.settled(t, "again", version)
		require.NotEqual(t, last, now.id)
		last = now.id
		t.Logf("%-3d %-8v %-14s %s", i, time.Since(begin).Round(100*time.Millisecond), now.id[:12], now)
	}
	host := w.host.Inspect(t, "again")["HostConfig"].(object)
	assert.Contains(t, host["PortBindings"], "8080/tcp")
	assert.Equal(t, "unless-stopped", host["RestartPolicy"].(object)["Name"])
}

func TestAnImageThatDoesNotWorkIsTriedOnce(t *testing.T) {
	w := newWorld(t)
	ref := w.push(t, "bad", "0", nil)
	w.host.Pull(t, ref, "")
	id := w.watch(t, "bad", ref, 18081, "unless-stopped")
	for i, bad := range []struct {
		name   string
		change func(*enginehost.Image)
	}{
		{"exits at once", func(img *enginehost.Image) { img.Entrypoint = []string{"/watchtower", "--frobnicate"} }},
		{"is not there", func(img *enginehost.Image) { img.Entrypoint = []string{"/nothing"} }},
		{"is unhealthy", func(img *enginehost.Image) {
			img.Healthcheck = object{"Test": []string{"CMD", "/nothing"}, "Interval": 500 * time.Millisecond, "Retries": 1}
		}},
	} {
		t.Run(bad.name, func(t *testing.T) {
			begin := time.Now()
			w.proxy.Calls()
			w.push(t, "bad", "bad"+strconv.Itoa(i), bad.change)
			said := func() int { return strings.Count(w.logs(t, id), "this watchtower itself: rolled back") }
			require.Eventually(t, func() bool { return said() > i }, within, 100*time.Millisecond, "it is told of")
			now := w.settled(t, "bad", "0")
			assert.Equal(t, id, now.id, "the old one is not another one")
			passes := strings.Count(w.logs(t, id), "update done")
			require.Eventually(t, func() bool { return strings.Count(w.logs(t, id), "update done") >= passes+3 }, within, 100*time.Millisecond)
			assert.Equal(t, 1, helpers(w.proxy.Calls()), "three passes later it has not been tried again")
			assert.Equal(t, 1+i, said())
			t.Logf("%-14s %-8v %s", bad.name, time.Since(begin).Round(100*time.Millisecond), w.look(t, "bad"))
		})
	}
	w.push(t, "bad", "good", nil)
	assert.NotEqual(t, id, w.settled(t, "bad", "good").id, "the next good one is taken")
}

func (w *world) logs(t *testing.T, id string) string {
	t.Helper()
	var text string
	w.host.API(t, "GET", "/containers/"+id+"/logs?stdout=1&stderr=1", nil, &text)
	return text
}

func TestTwoScopesLeaveEachOtherAlone(t *testing.T) {
	w := newWorld(t)
	ref := w.push(t, "scopes", "0", nil)
	w.host.Pull(t, ref, "")
	blue := w.watch(t, "blue", ref, 18082, "unless-stopped")
	green := w.watch(t, "green", ref, 18083, "unless-stopped")
	for i := 1; i <= 2; i++ {
		version := strconv.Itoa(i)
		begin := time.Now()
		w.push(t, "scopes", version, nil)
		for _, name := range []string{"blue", "green"} {
			now := w.settled(t, name, version)
			t.Logf("%d %-8v %s", i, time.Since(begin).Round(100*time.Millisecond), now)
		}
	}
	assert.NotEqual(t, blue, w.look(t, "blue").id)
	assert.NotEqual(t, green, w.look(t, "green").id)
}

// A run that ends with its pass replaces all but itself.
func TestARunOnceLeavesItselfAlone(t *testing.T) {
	w := newWorld(t)
	ref := w.push(t, "once", "0", nil)
	w.host.Pull(t, ref, "")
	w.push(t, "once", "1", nil)
	t.Cleanup(func() { w.removeAll(t, "once") })
	id := w.host.Run(t, "once", object{
		"Image": ref, "User": user, "Env": []string{"WATCHTOWER_RUN_ONCE=true", "WATCHTOWER_DEBUG=true"},
		"HostConfig": object{"Binds": []string{w.socket + ":/var/run/docker.sock"}, "GroupAdd": []string{strconv.Itoa(socketGroup)}},
	})
	require.Eventually(t, func() bool { return w.look(t, "once").status == "exited" }, within, 50*time.Millisecond)
	now := w.look(t, "once")
	assert.Equal(t, []string{"once"}, now.names)
	assert.Equal(t, []string{id, "0"}, []string{now.id, now.version})
	assert.Contains(t, w.logs(t, id), `reason="this watchtower runs in it"`)
	assert.Zero(t, helpers(w.proxy.Calls()))
}
