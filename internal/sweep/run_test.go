package sweep_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

const precious = "a file that an update must not lose"

// run is one scenario set up under names of its own, with a new image to go to.
type run struct {
	scenario
	base     string
	number   int
	host     *enginehost.Host
	proxy    *enginetest.Proxy
	old, new map[string]string // image ID by name
}

func (r *run) watcher() watcher {
	w := watcher{Address: r.proxy.Address(), Base: r.base, Rolling: r.rolling}
	for _, m := range r.members {
		w.Names, w.States = append(w.Names, r.base+m.suffix), append(w.States, m.state)
	}
	return w
}

// bench is what all runs share.
type bench struct {
	host    *enginehost.Host
	reg     *enginehost.Registry
	pushing sync.Mutex // the registry refuses what comes twice at a time
	numbers atomic.Int32
}

func (b *bench) push(t *testing.T, name string, image enginehost.Image) (ref string) {
	t.Helper()
	b.pushing.Lock()
	defer b.pushing.Unlock()
	ref, _ = b.reg.Push(t, name, image)
	return ref
}

// setUp makes the containers, each with a file in an anonymous volume.
func (b *bench) setUp(t *testing.T, s scenario, base string) *run {
	t.Helper()
	r := &run{scenario: s, base: base, number: int(b.numbers.Add(1)), host: b.host, old: map[string]string{}, new: map[string]string{}}
	image := enginehost.Image{Volumes: []string{"/data"}, Env: []string{"RUN=" + base}}
	next := image
	next.Env = append([]string{"VERSION=2"}, image.Env...)
	ref := b.push(t, "next:"+base, next)
	r.host.Pull(t, ref, "")
	newest := r.imageID(t, ref)
	ref = b.push(t, "sweep:"+base, image)
	stays := b.push(t, "stays:"+base, image)
	r.host.Pull(t, ref, "")
	r.host.Pull(t, stays, "")
	for _, m := range s.members {
		name, body := base+m.suffix, object{}
		if m.body != nil {
			body = m.body(r.number)
		}
		body["Image"] = ref
		if m.fresh {
			body["Image"] = stays
		}
		if m.parent != "" {
			body["HostConfig"] = object{"NetworkMode": "container:" + base + m.parent}
		}
		r.host.Create(t, name, body)
		if m.alias != "" {
			r.host.API(t, "POST", "/networks/"+backNet+"/connect", object{"Container": name, "EndpointConfig": object{"Aliases": []string{m.alias}}}, nil)
		}
		r.old[name], r.new[name] = r.imageID(t, ref), newest
		if m.fresh {
			r.new[name] = r.old[name]
		}
		r.bringTo(t, name, m.state)
	}
	b.push(t, "sweep:"+base, next)
	dir, err := os.MkdirTemp("", "wt") //nolint:usetesting // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r.proxy, err = enginetest.NewProxy(filepath.Join(dir, "docker.sock"), r.host.Address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.proxy.Close()) })
	return r
}

// bringTo writes the file and leaves the container in the state.
func (r *run) bringTo(t *testing.T, name string, state lifecycle.State) {
	t.Helper()
	do := func(action string) { r.host.API(t, "POST", "/containers/"+name+"/"+action, nil, nil) }
	switch state {
	case lifecycle.StateCreated:
		return // what was never started has no volume to write to
	case lifecycle.StateRunning, lifecycle.StateExited, lifecycle.StatePaused:
	default:
		require.Fail(t, "no scenario has "+string(state))
	}
	do("start")
	r.host.Exec(t, name, "sh", "-c", "echo '"+precious+"' > /data/file")
	switch state {
	case lifecycle.StateExited:
		do("stop")
	case lifecycle.StatePaused:
		do("pause")
	default:
	}
}

func (r *run) imageID(t *testing.T, ref string) string {
	t.Helper()
	var image struct{ Id string } //nolint:revive // the engine's spelling
	r.host.API(t, "GET", "/images/"+ref+"/json", nil, &image)
	return image.Id
}

// pass makes a pass in this process, and returns what it says.
func (r *run) pass(t *testing.T, tw *watchtower.Tower) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), passWithin)
	defer cancel()
	report, err := tw.Update(ctx)
	require.NoError(t, ctx.Err(), "the pass ends within %v", passWithin)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(report.Summary())
	for _, repaired := range report.Recovered {
		fmt.Fprintf(&b, "\n\trecovered %s: %s %v", repaired.Name, repaired.Outcome, repaired.Err)
	}
	for _, e := range report.Entries {
		fmt.Fprintf(&b, "\n\t%s: %s %s %v", e.Container.Name, e.Status, e.Reason, e.Err)
	}
	return b.String()
}

// process is a watcher in a process of its own, which makes one pass and ends.
func (r *run) process(t *testing.T) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	text, err := json.Marshal(r.watcher())
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd, out := exec.CommandContext(t.Context(), self), &bytes.Buffer{}
	cmd.Env = append(os.Environ(), watcherVar+"="+string(text))
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

func list(calls []enginetest.Call) string {
	var b strings.Builder
	for i, c := range calls {
		fmt.Fprintf(&b, "\n\t%2d %s", i+1, c)
	}
	return b.String()
}
