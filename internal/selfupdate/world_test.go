package selfupdate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

const (
	// socketGroup is the group of the engine's socket. The watchers run as another
	// user, who is in it.
	socketGroup = 4242
	user        = "65532:65532"
	// versionLabel tells a container's image from the others.
	versionLabel = "test.version"
	// within bounds one update, with a helper that was killed and waited for.
	within = 90 * time.Second
)

// world is an engine, a registry that containers can reach, and what stands between
// the watchers and the engine.
type world struct {
	host    *enginehost.Host
	reg     *enginehost.Registry
	proxy   *enginetest.Proxy
	outside string // the registry's address for engine and containers
	binary  string
	socket  string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{host: enginehost.Engine(t), reg: enginehost.StartRegistry(t)}
	w.outside = w.host.Relay(t, "tcp", w.reg.Addr)
	w.host.Configure(t, object{"insecure-registries": []string{w.outside}})
	data, err := os.ReadFile(os.Getenv(programVar))
	require.NoError(t, err, "the program was built")
	w.binary = string(data)
	dir, err := os.MkdirTemp("", "wt") //nolint:usetesting // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // another user's container looks into it
	w.socket = filepath.Join(dir, "docker.sock")
	w.proxy, err = enginetest.NewProxy(w.socket, w.host.Address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.proxy.Close() })
	require.NoError(t, os.Chown(w.socket, 0, socketGroup))
	require.NoError(t, os.Chmod(w.socket, 0o660)) //nolint:gosec // as Docker's is
	return w
}

// push puts a version of the program under a name, and returns the reference.
func (w *world) push(t *testing.T, name, version string, change func(*enginehost.Image)) string {
	t.Helper()
	ref, _ := w.pushed(t, name, version, change)
	return ref
}

// pushed is push, and tells the digest as well.
func (w *world) pushed(t *testing.T, name, version string, change func(*enginehost.Image)) (ref, digest string) {
	t.Helper()
	image := enginehost.Image{
		NoBusybox: true, Files: map[string]string{"watchtower": w.binary}, Entrypoint: []string{"/watchtower"},
		Labels: map[string]string{"com.centurylinklabs.watchtower": "true", versionLabel: version},
	}
	if change != nil {
		change(&image)
	}
	_, digest = w.reg.Push(t, name+":1", image)
	return w.outside + "/" + name + ":1", digest
}

// watch runs a watcher of its own scope: as an ordinary user, on a file system that
// cannot be written, without any capability, and with a published port.
func (w *world) watch(t *testing.T, name, ref string, port int, policy string) (id string) {
	t.Helper()
	t.Cleanup(func() { w.removeAll(t, name) })
	return w.host.Run(t, name, object{
		"Image": ref, "User": user, "ExposedPorts": object{"8080/tcp": object{}},
		"Labels": object{"com.centurylinklabs.watchtower.scope": name},
		"Env":    []string{"WATCHTOWER_SCOPE=" + name, "WATCHTOWER_POLL_INTERVAL=1s", "WATCHTOWER_STABLE_TIME=1s"},
		"HostConfig": object{
			"Binds": []string{w.socket + ":/var/run/docker.sock"}, "GroupAdd": []string{strconv.Itoa(socketGroup)},
			"ReadonlyRootfs": true, "CapDrop": []string{"ALL"}, "SecurityOpt": []string{"no-new-privileges"},
			"RestartPolicy": object{"Name": policy},
			"PortBindings":  object{"8080/tcp": []object{{"HostIp": "127.0.0.1", "HostPort": strconv.Itoa(port)}}},
		},
	})
}

// removeAll ends a watcher, which is at work, and all that it may have made.
func (w *world) removeAll(t *testing.T, name string) {
	t.Helper()
	w.proxy.SetFault(nil)
	if t.Failed() {
		w.tell(t, name)
	}
	for range 3 {
		w.host.RemoveAll(t, name)
	}
}

// tell shows what the containers said.
func (w *world) tell(t *testing.T, name string) {
	t.Helper()
	for _, c := range w.named(t, name) {
		var text string
		w.host.API(t, "GET", "/containers/"+c+"/logs?stdout=1&stderr=1&tail=40", nil, &text)
		t.Logf("%s, %s:\n%s", c, state(w.host.Inspect(t, c)), text)
	}
}

// named are the containers of a service, whatever an update calls them.
func (w *world) named(t *testing.T, name string) []string {
	t.Helper()
	var out []string
	for _, c := range w.host.List(t) {
		if c == name || strings.HasPrefix(c, name+".wt-") {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return out
}

func state(seen object) string { return seen["State"].(object)["Status"].(string) }

// seen is what a look finds of a service.
type seen struct {
	names               []string
	id, version, status string
}

func (s *seen) String() string {
	return fmt.Sprintf("%s on version %s, %s", strings.Join(s.names, " "), s.version, s.status)
}

// look is one list: between two calls there may be another container.
func (w *world) look(t *testing.T, name string) *seen {
	t.Helper()
	var list []struct {
		ID     string
		Names  []string
		State  string
		Labels map[string]string
	}
	w.host.API(t, "GET", "/containers/json?all=1", nil, &list)
	out := &seen{}
	for _, c := range list {
		called := strings.TrimPrefix(c.Names[0], "/")
		if called == name {
			out.id, out.version, out.status = c.ID, c.Labels[versionLabel], c.State
		}
		if called == name || strings.HasPrefix(called, name+".wt-") {
			out.names = append(out.names, called)
		}
	}
	return out
}

// settled waits until one container is left of the service, which runs that
// version, and nothing else.
func (w *world) settled(t *testing.T, name, version string) *seen {
	t.Helper()
	last := &seen{}
	require.Eventually(t, func() bool {
		last = w.look(t, name)
		return slices.Equal(last.names, []string{name}) && last.version == version && last.status == "running"
	}, within, 100*time.Millisecond, "%s on version %s, and nothing else; there is %s", name, version, last)
	return last
}

// kill ends a container's process as a crash would. It may have none.
func (w *world) kill(t *testing.T, container string) {
	t.Helper()
	var c struct{ State struct{ Pid int } }
	if w.host.Status(t, "GET", "/containers/"+container+"/json", nil) != 200 {
		return
	}
	w.host.API(t, "GET", "/containers/"+container+"/json", nil, &c)
	if c.State.Pid > 0 {
		require.NoError(t, syscall.Kill(c.State.Pid, syscall.SIGKILL))
	}
}
