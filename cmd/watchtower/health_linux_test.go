package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// static is the program as its image has it.
var static = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "wt")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "watchtower")
	if err := enginehost.BuildProgram(path); err != nil {
		return "", err
	}
	data, err := os.ReadFile(path)
	return string(data), err
})

// ownImage is an image that holds the program and nothing else, asked for health
// each second.
func ownImage(t *testing.T, host *enginehost.Host, reg *enginehost.Registry) (ref string) {
	t.Helper()
	ref = pushOwn(t, reg, "1")
	host.Pull(t, ref, "")
	return ref
}

func pushOwn(t *testing.T, reg *enginehost.Registry, version string) (ref string) {
	t.Helper()
	program, err := static()
	require.NoError(t, err)
	ref, _ = reg.Push(t, "watchtower:1", enginehost.Image{
		Env: []string{"VERSION=" + version}, NoBusybox: true, Files: map[string]string{"watchtower": program}, Entrypoint: []string{"/watchtower"}, Cmd: []string{},
		Healthcheck: object{
			"Test": []string{"CMD", "/watchtower", "--health-check"}, "Interval": time.Second, "Timeout": 10 * time.Second, "Retries": 1,
		},
	})
	return ref
}

const (
	group    = 64123 // of nobody else
	waitMost = 30 * time.Second
	waitStep = 50 * time.Millisecond
)

// unprivileged is a container of the program with no more than it needs: the
// socket, and its group.
func unprivileged(t *testing.T, host *enginehost.Host, ref, network string, args ...string) object {
	t.Helper()
	if !host.Own() {
		enginehost.Unproven(t, "NO ENGINE OF ITS OWN", "the socket is not the tests' to give away")
	}
	socket := strings.TrimPrefix(host.Address, "unix://")
	require.NoError(t, os.Chown(socket, 0, group))
	return object{
		"Image": ref, "User": "65532:65532", "Cmd": args,
		"HostConfig": object{
			"NetworkMode": network, "ReadonlyRootfs": true, "CapDrop": []string{"ALL"}, "SecurityOpt": []string{"no-new-privileges"},
			"GroupAdd": []string{strconv.Itoa(group)}, "Binds": []string{socket + ":/var/run/docker.sock"},
		},
	}
}

func healthOf(t *testing.T, host *enginehost.Host, name string) (status, said string) {
	t.Helper()
	state := host.Inspect(t, name)["State"].(object)
	health, _ := state["Health"].(object)
	if log, _ := health["Log"].([]any); len(log) > 0 {
		said, _ = log[len(log)-1].(object)["Output"].(string)
	}
	status, _ = health["Status"].(string)
	return status, said
}

func becomes(t *testing.T, host *enginehost.Host, name, want string) {
	t.Helper()
	begin := time.Now()
	ok := assert.Eventually(t, func() bool { status, _ := healthOf(t, host, name); return status == want }, waitMost, waitStep)
	_, said := healthOf(t, host, name)
	t.Logf("%s after %v: %s", want, time.Since(begin).Round(100*time.Millisecond), strings.TrimSpace(said))
	if !ok {
		t.Fatal(logs(t, host, name))
	}
}

func logs(t *testing.T, host *enginehost.Host, name string) string {
	t.Helper()
	e, err := dockerengine.New(dockerengine.WithHost(host.Address))
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, e.Logs(t.Context(), name, 1000, &out))
	return out.String()
}

func TestUnprivilegedItUpdatesAndIsHealthy(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	own := ownImage(t, host, reg)
	ref, _ := reg.Push(t, "least:1", enginehost.Image{})
	host.Pull(t, ref, "")
	old := host.Run(t, "least", object{"Image": ref})
	host.Run(t, "least-watchtower", unprivileged(t, host, own, "host", "--interval=1s", "--stable-time=1s", "--debug", "least"))
	becomes(t, host, "least-watchtower", "healthy")

	reg.Push(t, "least:1", enginehost.Image{Env: []string{"VERSION=2"}})
	require.Eventually(t, func() bool { return strings.Contains(logs(t, host, "least-watchtower"), "updated=1") },
		waitMost, waitStep)
	assert.NotEqual(t, old, host.Inspect(t, "least")["Id"])
	assert.Equal(t, "2", host.Exec(t, "least", "sh", "-c", "echo $VERSION"))
	becomes(t, host, "least-watchtower", "healthy")
	status, err := os.ReadFile(filepath.Join(filepath.Dir(host.Root(t, "least-watchtower")), "status"))
	require.NoError(t, err)
	for _, want := range []string{"Uid:\t65532\t65532", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"} {
		assert.Contains(t, string(status), want)
	}
}

// A swap waits for the health check of what it started: one of watchtower itself,
// too.
func TestAnUpdateOfWatchtowerWaitsForItsHealth(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	own := ownImage(t, host, reg)
	old := host.Run(t, "renewed", unprivileged(t, host, own, "host", "nobody"))
	pushOwn(t, reg, "2")
	code, _, stderr := runProgram(t, engineEnv(host), "--run-once", "renewed")
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stderr, "updated=1")
	assert.NotEqual(t, old, host.Inspect(t, "renewed")["Id"])
	status, _ := healthOf(t, host, "renewed")
	assert.Equal(t, "healthy", status, "it was so before the old one was removed")
}

// On the host's network two have one name space for their sockets.
func TestEachContainerIsAskedForItsOwnHealth(t *testing.T) {
	host := enginehost.Engine(t)
	own := ownImage(t, host, enginehost.StartRegistry(t))
	for _, network := range []string{"host", "bridge"} {
		t.Run(network, func(t *testing.T) {
			well, ill := "well-"+network, "ill-"+network
			host.Run(t, well, unprivileged(t, host, own, network, "nobody"))
			host.Run(t, ill, unprivileged(t, host, own, network, "--host=unix:///nowhere.sock", "nobody"))
			becomes(t, host, well, "healthy")
			becomes(t, host, ill, "unhealthy")
			status, _ := healthOf(t, host, well)
			assert.Equal(t, "healthy", status, "still")
			_, said := healthOf(t, host, ill)
			assert.Equal(t, "watchtower: unhealthy: dockerengine: ping: no engine at unix:///nowhere.sock: no such socket\n", said)
		})
	}
}

func TestHealthOfAProcess(t *testing.T) {
	host := enginehost.Engine(t)
	asked := func(args ...string) (int, string) {
		code, stdout, stderr := runProgram(t, []string{"WATCHTOWER_POLL_INTERVAL=abc"}, args...) // the settings are not its own
		return code, stdout + stderr
	}
	code, said := asked("health")
	assert.Equal(t, exitFailed, code)
	assert.Equal(t, "watchtower: unhealthy: no watchtower of this user runs here\n", said)

	p := start(t, engineEnv(host), "nobody")
	require.Eventually(t, func() bool { code, said = asked("--health-check"); return code == exitOK }, 10*time.Second, 10*time.Millisecond)
	assert.Regexp(t, `^healthy: last pass none, next (none|20\d\d-\d\d-\d\dT.*)\n$`, said)
	code, _ = asked("health")
	assert.Equal(t, exitOK, code)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.Equal(t, exitOK, p.wait(t))
	code, _ = asked("health")
	assert.Equal(t, exitFailed, code, "it has ended")
}

// Another user can take any name there is, but not this user's place.
func TestNobodyElseAnswersForHealth(t *testing.T) {
	if os.Geteuid() != 0 {
		enginehost.Unproven(t, "NOT ROOT", "only root can be somebody else")
	}
	listeners := make(chan net.Listener)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with its user
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), group, ^uintptr(0)); errno != 0 {
			close(listeners)
			return
		}
		prefix, err := healthPrefix(0)
		l, failed := net.ListenUnix("unix", &net.UnixAddr{Name: prefix + "stranger", Net: "unix"})
		if err != nil || failed != nil {
			close(listeners)
			return
		}
		listeners <- l
	}()
	l := <-listeners
	require.NotNil(t, l)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = json.NewEncoder(conn).Encode(healthAnswer{Last: time.Now()})
			_ = conn.Close()
		}
	}()
	code, stdout, stderr := runProgram(t, nil, "health")
	assert.Equal(t, exitFailed, code)
	assert.Empty(t, stdout)
	assert.Equal(t, "watchtower: unhealthy: no watchtower of this user runs here\n", stderr)
}
