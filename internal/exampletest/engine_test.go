package exampletest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// world is an engine, a registry, and a container of an image there.
type world struct {
	*enginehost.Host
	*enginehost.Registry
	image string
}

func newWorld(t *testing.T, name string, labels enginehost.Object) world {
	t.Helper()
	v := world{enginehost.Engine(t), enginehost.StartRegistry(t), ""}
	v.image = v.publish(t, 1)
	v.run(t, name, labels)
	return v
}

func (v world) publish(t *testing.T, version int) (ref string) {
	t.Helper()
	ref, _ = v.Push(t, "app:1", enginehost.Image{Env: []string{fmt.Sprint("VERSION=", version)}, Cmd: enginehost.Forever})
	return ref
}

func (v world) run(t *testing.T, name string, labels enginehost.Object) {
	t.Helper()
	v.Pull(t, v.image, "")
	v.Run(t, name, enginehost.Object{"Image": v.image, "Labels": labels})
}

// version is what a container runs.
func (v world) version(t *testing.T, name string) string {
	t.Helper()
	return v.Exec(t, name, "/bin/sh", "-c", "echo -n $VERSION")
}

func TestQuickstart(t *testing.T) {
	if !enginehost.Engine(t).Own() {
		enginehost.Unproven(t, "NO ENGINE OF ITS OWN", "quickstart would update whatever else there is")
	}
	v := newWorld(t, "quick", nil)
	v.publish(t, 2)
	p := start(t, v.Host, "quickstart")
	p.await(t, "^quick updated ")
	p.rest(t)
	assert.Equal(t, "2", v.version(t, "quick"))
}

func TestEmbed(t *testing.T) {
	v := newWorld(t, "ours", enginehost.Object{"example.team": "web"})
	v.run(t, "theirs", enginehost.Object{"example.team": "db"})
	v.publish(t, 2)
	p := start(t, v.Host, "embed", "web", v.Addr)
	p.await(t, "^ours was updated, .* without it$")
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	p.await(t, "^1 updated, 0 failed$")
	p.rest(t)
	assert.Equal(t, "1", v.version(t, "theirs"))
}

func TestDryrun(t *testing.T) {
	v := newWorld(t, "late", nil)
	p := start(t, v.Host, "dryrun", "-docker")
	p.await(t, "^\\| `late` \\| `"+v.image+"` \\| fresh \\| \\|$")
	p.rest(t)
	v.publish(t, 2)
	p = start(t, v.Host, "dryrun", "-docker")
	p.await(t, "^\\| `late` \\| `"+v.image+"` \\| \\*\\*stale\\*\\* \\| .+\\|$")
	for line := range p.lines {
		t.Log(line)
	}
	var exit *exec.ExitError
	require.ErrorAs(t, p.cmd.Wait(), &exit)
	assert.Equal(t, 2, exit.ExitCode())
	assert.Equal(t, "1", v.version(t, "late"))
}

// A registry tells of a push; what runs another repository's image stays.
func TestWebhook(t *testing.T) {
	v := newWorld(t, "pushed", nil)
	other, _ := v.Push(t, "other:1", enginehost.Image{Env: []string{"VERSION=1"}, Cmd: enginehost.Forever})
	v.Pull(t, other, "")
	v.Run(t, "unsaid", enginehost.Object{"Image": other})
	v.publish(t, 2)
	v.Push(t, "other:1", enginehost.Image{Env: []string{"VERSION=2"}, Cmd: enginehost.Forever})
	t.Setenv("WEBHOOK_SECRET", "a long random text")
	p := start(t, v.Host, "webhook", "127.0.0.1:0")
	url := "http://" + p.await(t, "^listens on (.*)$")
	assert.Equal(t, "a page of the program's own\n", ask(t, url))
	push := fmt.Sprintf(`{"events": [{"action": "push", "target": {"repository": "app", "tag": "1"}, "request": {"host": %q}}]}`, v.Addr)
	resp, err := http.Post(url+"/v1/webhook?secret=a+long+random+text", "application/json", strings.NewReader(push))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusAccepted, resp.StatusCode)
	p.await(t, "^pushed is updated$")
	p.await(t, "^scanned=1 updated=1 ")
	assert.Equal(t, "1", v.version(t, "unsaid"))
	p.end(t)
}

// A plan, a world that moves, a yes that comes too late, and one that does not.
func TestController(t *testing.T) {
	v := newWorld(t, "app", nil)
	v.publish(t, 2)
	p := start(t, v.Host, "controller", "-docker", "-every", "1h", "app")
	first := p.await(t, `^docker: plan (\w+) waits for a yes$`)
	p.await(t, "^docker: replace app: its reference points at another image$")
	assert.Equal(t, "1", v.version(t, "app"), "it looks, and does nothing by itself")

	v.publish(t, 3)
	p.say(t, first)
	p.await(t, "^docker: plan "+first+" is refused: .*the world has moved since the plan was made")
	second := p.await(t, `^docker: plan (\w+) waits for a yes$`)
	assert.NotEqual(t, first, second)
	assert.Equal(t, "1", v.version(t, "app"))

	p.say(t, first)
	p.await(t, `nobody asks about it`)
	p.say(t, second)
	p.await(t, "^docker: plan "+second+" is applied: scanned=1 updated=1 failed=0 ")
	p.await(t, "^docker: nothing to do: ")
	assert.Equal(t, "3", v.version(t, "app"))
	p.end(t)
}

// The proxy serves all the time, whatever becomes of the containers behind it.
func TestBlueGreen(t *testing.T) {
	v := world{enginehost.Engine(t), enginehost.StartRegistry(t), ""}
	serves := func(files map[string]string) {
		v.image, _ = v.Push(t, "app:1", enginehost.Image{
			Cmd: []string{"busybox", "httpd", "-f", "-p", "8080", "-h", "/www"}, Files: files, StopSignal: "KILL",
		})
	}
	serves(map[string]string{"www/index.html": "one"})
	v.RemoveAll(t, "web-green")
	v.run(t, "web-blue", enginehost.Object{"example.bluegreen": "web"})
	t.Cleanup(func() { v.RemoveAll(t, "web-green") })
	p := start(t, v.Host, "bluegreen", "-docker", "-service", "web", "-port", "8080", "-listen", "127.0.0.1:0",
		"-every", "1s", "-soak", "1s", "-timeout", "5s")
	url := "http://" + p.await(t, "^serves web on (.*)$")
	assert.Equal(t, "one", ask(t, url))

	asked, stop, stopped := atomic.Int64{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				ask(t, url)
				asked.Add(1)
			}
		}
	}()
	serves(map[string]string{"www/index.html": "two"})
	p.await(t, "^  web-blue is updated$")
	assert.Equal(t, "two", ask(t, url))
	assert.Contains(t, v.List(t), "web-green")
	assert.NotContains(t, v.List(t), "web-blue")

	serves(map[string]string{"www/other.html": "three"})
	p.await(t, "^  web-green is rolled back$")
	p.await(t, "not ready within 5s: it answers 404 Not Found$")
	assert.Equal(t, "two", ask(t, url))
	assert.Contains(t, v.List(t), "web-green")
	assert.NotContains(t, v.List(t), "web-blue")
	close(stop)
	<-stopped
	t.Log(asked.Load(), "requests, and each was answered")
	p.end(t)
}

// ask is what is served; anything but an answer fails the test.
func ask(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if !assert.NoError(t, err) {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode, "%s", body)
	return string(body)
}
