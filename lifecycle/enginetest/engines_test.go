package enginetest_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func TestMain(m *testing.M) { os.Exit(enginehost.Run(m)) }

// podmanCannot is what Podman's service was seen not to do, at version 4.3.1
// under root without a systemd.
func podmanCannot() map[string]string {
	return map[string]string{
		"create/numbers stay exact":                    "Podman reads a limit of memory as a float: 9007199254740993 becomes …992",
		"files/whose one is":                           "Podman's archive of a file gives root as its owner, whoever it is",
		"inspect/one whose health is checked":          "Podman's health checks are timers of a systemd; without one it stays at starting",
		"registries/the loopback needs no certificate": "Podman tells nothing of its registries.conf",
		"remove/one that is dead":                      "Podman has no such state",
		"start/the status tells why one cannot":        "Podman tells it in its answer to the start, and keeps it nowhere",
		"stop/in the container's own time":             "Podman gives a container that was created without a StopTimeout none: it is killed at once",
		"stop/one that is paused":                      "Podman refuses: it is running or paused, refusing to clean up: container state improper",
	}
}

// pushed puts what the cases need into registries: one for everybody, one that
// wants a login.
func pushed(t *testing.T) enginetest.Images {
	t.Helper()
	open, closed := enginehost.StartRegistry(t), enginehost.StartRegistry(t, enginehost.WithBasicAuth(t, "user", "secret"))
	shell := func(trap string) []string {
		return []string{"sh", "-c", trap + "; echo out; echo err >&2; while :; do sleep 1000 & wait $!; done"}
	}
	push := func(reg *enginehost.Registry, name string, change func(*enginehost.Image)) string {
		image := enginehost.Image{Labels: map[string]string{"conform": "image"}, Cmd: shell(`trap "exit 0" TERM`)}
		change(&image)
		ref, _ := reg.Push(t, "conform-"+name+":1", image)
		return ref
	}
	open.Break(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasPrefix(r.URL.Path, "/v2/conform-breaks/blobs/") {
			return false
		}
		w.Header().Set("Content-Length", "1000000")
		_, _ = w.Write([]byte("half of it"))
		panic(http.ErrAbortHandler)
	})
	return enginetest.Images{
		Runs:   push(open, "runs", func(*enginehost.Image) {}),
		Volume: push(open, "volume", func(i *enginehost.Image) { i.Volumes = []string{"/data"} }),
		Healthy: push(open, "healthy", func(i *enginehost.Image) {
			i.Healthcheck = enginehost.Object{"Test": []string{"CMD", "true"}, "Interval": 1_000_000_000}
		}),
		Stubborn: push(open, "stubborn", func(i *enginehost.Image) { i.Cmd = shell(`trap "" TERM; trap "exit 7" HUP`) }),
		Exits:    push(open, "exits", func(i *enginehost.Image) { i.Cmd = []string{"sh", "-c", "exit 3"} }),
		Broken:   push(open, "broken", func(i *enginehost.Image) { i.Cmd = []string{"/nowhere"} }),
		Spare:    push(open, "spare", func(i *enginehost.Image) { i.Env = []string{"OF=spare"} }),
		Missing:  open.Addr + "/conform-missing:1",
		BreaksOff: push(open, "breaks", func(i *enginehost.Image) {
			i.Files = map[string]string{"big": strings.Repeat("breaks", 1<<20)}
		}),
		Private: push(closed, "private", func(i *enginehost.Image) { i.Env = []string{"OF=private"} }),
		Login:   credentials.Credential{Username: "user", Password: credentials.NewSecret("secret")},
		Asks:    []string{"sh", "-c", "echo answer; exit 7"},
		Hangs:   []string{"sleep", "1000"},
	}
}

// onHost is the Docker API of a host as the cases want it.
func onHost(t *testing.T, host *enginehost.Host, images enginetest.Images) func(*testing.T) enginetest.Subject {
	t.Helper()
	networks := []string{"conform-a", "conform-b"}
	for _, name := range networks {
		host.Network(t, name, "")
	}
	gone, err := dockerengine.New(dockerengine.WithHost("unix:///nowhere/docker.sock"))
	require.NoError(t, err)
	return func(t *testing.T) enginetest.Subject {
		t.Helper()
		engine, err := dockerengine.New(dockerengine.WithHost(host.Address))
		require.NoError(t, err)
		s := enginetest.Subject{
			Engine: engine, Gone: gone, Images: images, Networks: networks,
			Volumes: func() (out []string) {
				var list struct{ Volumes []struct{ Name string } }
				host.API(t, http.MethodGet, "/volumes", nil, &list)
				for _, v := range list.Volumes {
					out = append(out, v.Name)
				}
				return out
			},
			CleanUp: func(volumes, references []string) {
				for _, name := range volumes {
					host.Status(t, http.MethodDelete, "/volumes/"+name, nil)
				}
				for _, ref := range references {
					host.Status(t, http.MethodDelete, "/images/"+ref, nil)
				}
			},
		}
		if host.Own() {
			s.Dead = func(container string) { host.HalfRemove(t, container) }
		}
		return s
	}
}

// The same cases on three engines, and a table of what came of them.
func TestEnginesConform(t *testing.T) {
	t.Parallel()
	images := pushed(t)
	columns := []string{"memory", "Docker", "Podman"}
	found := make([][]enginetest.Finding, len(columns))
	t.Run("on", func(t *testing.T) {
		t.Run("memory", func(t *testing.T) {
			t.Parallel()
			found[0] = enginetest.Conform(t, enginetest.Harness{New: inMemory, Cannot: memoryCannot()})
		})
		t.Run("docker", func(t *testing.T) {
			t.Parallel()
			host := enginehost.Engine(t)
			columns[1] += " " + host.Version
			found[1] = enginetest.Conform(t, enginetest.Harness{New: onHost(t, host, images)})
		})
		t.Run("podman", func(t *testing.T) {
			t.Parallel()
			host := enginehost.StartPodman(t)
			columns[2] += " " + host.Version
			found[2] = enginetest.Conform(t, enginetest.Harness{New: onHost(t, host, images), Cannot: podmanCannot()})
		})
	})
	t.Log("\n" + table(columns, found))
}

// table has a line per case and a column per engine.
func table(columns []string, found [][]enginetest.Finding) string {
	cells := map[string][]string{}
	var order []string
	for i, findings := range found {
		for _, f := range findings {
			if cells[f.Case] == nil {
				cells[f.Case] = make([]string, len(columns))
				order = append(order, f.Case)
			}
			switch {
			case len(f.Seen) == 0:
				cells[f.Case][i] = "ok"
			case f.Cannot != "":
				cells[f.Case][i] = "cannot: " + f.Cannot
			default:
				cells[f.Case][i] = "FAILS"
			}
		}
	}
	out := "case | " + strings.Join(columns, " | ") + "\n"
	for _, name := range order {
		out += name + " | " + strings.Join(cells[name], " | ") + "\n"
	}
	return out
}
