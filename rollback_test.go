package watchtower_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// quick is long enough for a container that fails to have failed.
func quick() watchtower.Option { return watchtower.WithStableTime(700 * time.Millisecond) }

// upset is a container whose next image does not work, or takes its time.
type upset struct {
	name   string
	next   enginehost.Image
	policy string
	stable string // the label's text; empty: as documented
	good   bool   // after all
	exits  []int
	says   string // the error
	log    string // the last lines
	probe  string // the last probe's
}

func upsets() []upset {
	check := func(test string, fields object) object {
		fields["Test"], fields["Timeout"] = []string{"CMD-SHELL", test}, 20e9
		return fields
	}
	shell := func(text string) []string { return []string{"sh", "-c", text} }
	sick, slow := serving("sick"), serving("slow")
	sick.Healthcheck = check("echo fever; exit 1", object{"Interval": 2e9, "Retries": 5})
	slow.Cmd[2] = "(sleep 8; touch /tmp/ready) & " + slow.Cmd[2]
	slow.Healthcheck = check("[ -f /tmp/ready ]", object{"Interval": 1e9, "Retries": 1, "StartPeriod": 60e9})
	return []upset{
		{name: "no-entrypoint", next: enginehost.Image{Entrypoint: []string{"/nowhere"}}, exits: []int{127}, says: "/nowhere"},
		{name: "exits-at-once", next: enginehost.Image{Cmd: shell("echo cannot run; exit 3")}, exits: []int{3}, says: "exit code 3", log: "cannot run"},
		{name: "exits-after-5s", next: enginehost.Image{Cmd: shell("sleep 5; echo gave up; exit 1")}, stable: "8s", exits: []int{1}, says: "exit code 1", log: "gave up"},
		// An engine that is busy may take its time to notice that a life has ended.
		{name: "loops", next: enginehost.Image{Cmd: shell("echo cannot run; sleep 1; exit 1")}, policy: "always", stable: "8s", exits: []int{1, 0}, says: "it restarts", log: "cannot run"},
		{name: "sick-after-10s", next: sick, exits: []int{0}, says: "it is unhealthy: fever", probe: "fever"},
		{name: "slow-to-be-healthy", next: slow, good: true},
	}
}

// All in one pass, so that none is in the way of another; each with a client that
// asks for its page all the time. It tells how long they are away, so no other test
// is run beside it.
func TestABadImageEndsWithTheOldContainerRunning(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	proxy, err := enginetest.NewProxy(filepath.Join(shortDir(t), "docker.sock"), host.Address)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, proxy.Close()) })
	pulls := 0
	counts := watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
		if _, ok := e.(watchtower.PullStarted); ok {
			pulls++
		}
	})
	var names []string
	before, clients := map[string]object{}, map[string]*pages{}
	for i, u := range upsets() {
		old := serving("old")
		old.Env = []string{"OF=" + u.name}
		ref, _ := reg.Push(t, u.name+":1", old)
		host.Pull(t, ref, "")
		port := fmt.Sprint(18100 + i)
		body := object{
			"Image": ref, "ExposedPorts": object{"8080/tcp": object{}}, "Labels": object{}, "HostConfig": object{
				"RestartPolicy": object{"Name": u.policy}, "PortBindings": object{"8080/tcp": []object{{"HostIp": "127.0.0.1", "HostPort": port}}},
			},
		}
		if u.stable != "" {
			body["Labels"] = object{lifecycle.LabelStableTime: u.stable}
		}
		host.Run(t, u.name, body)
		names, before[u.name] = append(names, u.name), host.Inspect(t, u.name)
		reg.Push(t, u.name+":1", u.next)
		clients[u.name] = askFor(t, "http://127.0.0.1:"+port+"/", "old", "slow")
	}
	tw := tower(t, &enginehost.Host{Address: proxy.Address()}, names, watchtower.WithObserver(counts))

	first := update(t, tw)
	gaps := map[string]time.Duration{}
	for name, c := range clients {
		gaps[name] = c.stop(t)
	}
	require.Equal(t, len(names), pulls)
	rolledBack := map[string]object{}
	for _, name := range names {
		rolledBack[name] = host.Inspect(t, name)
	}
	proxy.Calls()
	second := update(t, tw)
	assert.Equal(t, len(names), pulls, "a second pass pulls nothing")
	assert.Empty(t, proxy.Calls(), "and changes nothing")
	after := map[string]object{}
	for _, u := range upsets() {
		after[u.name] = host.Inspect(t, u.name)
		reg.Push(t, u.name+":1", enginehost.Image{Env: []string{"OF=" + u.name, "VERSION=3"}})
	}
	third := update(t, tw)

	var lines strings.Builder
	table := tabwriter.NewWriter(&lines, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "image\tends as\texit code\tlast line\tdowntime\ta client's longest wait\tnext pass\tnext digest")
	for _, u := range upsets() {
		e, again, fixed := entry(t, first, u.name), entry(t, second, u.name), entry(t, third, u.name)
		failure := e.Failure
		if failure == nil {
			failure = &lifecycle.Failure{}
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%v\t%v\t%s\t%s\n", u.name, e.Status, failure.ExitCode, lastLine(failure.Log+failure.Probe),
			e.Downtime.Round(time.Millisecond), gaps[u.name].Round(time.Millisecond), again.Status, fixed.Status)
		t.Run(u.name, func(t *testing.T) {
			assert.Equal(t, watchtower.StatusUpdated, fixed.Status, "another digest is tried: %v", fixed.Err)
			assert.Equal(t, []string{u.name}, named(t, host, u.name), "nothing else is left")
			assert.Positive(t, e.Downtime)
			assert.Less(t, gaps[u.name], e.Downtime+5*time.Second, "the report does not understate it")
			if u.good {
				assert.Equal(t, watchtower.StatusUpdated, e.Status, "%v", e.Err)
				assert.Equal(t, watchtower.StatusFresh, again.Status)
				return
			}
			require.Error(t, e.Err)
			assert.Equal(t, watchtower.StatusRolledBack, e.Status)
			assert.ErrorContains(t, e.Err, "update "+u.name)
			assert.ErrorContains(t, e.Err, u.says)
			assert.True(t, errdefs.IsAborted(e.Err))
			assert.Contains(t, u.exits, failure.ExitCode)
			assert.Contains(t, failure.Log, u.log)
			assert.Contains(t, failure.Probe, u.probe)

			was, is := before[u.name], rolledBack[u.name]
			assert.Equal(t, was["Id"], is["Id"])
			assert.Equal(t, "/"+u.name, is["Name"])
			assert.Equal(t, true, is["State"].(object)["Running"])
			assert.Equal(t, was["Config"], is["Config"])
			assert.Equal(t, was["HostConfig"], is["HostConfig"])

			assert.Equal(t, watchtower.StatusSkipped, again.Status, "the digest is not tried again")
			assert.Contains(t, again.Reason, "this digest failed on ")
			assert.Contains(t, again.Reason, e.Latest)
			assert.Equal(t, is["State"], after[u.name]["State"], "nothing was restarted")
		})
	}
	_ = table.Flush()
	t.Logf("\n%s", &lines)
}

func lastLine(text string) string { return text[strings.LastIndexByte(text, '\n')+1:] }

// pages is a client that asks for a page every 10 ms.
type pages struct {
	enough  chan struct{}
	longest chan time.Duration
}

// askFor begins to ask, once one of the pages that count as served is.
func askFor(t *testing.T, url string, served ...string) *pages {
	t.Helper()
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answers := func() bool {
		resp, err := client.Get(url)
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		return err == nil && slices.Contains(served, string(text))
	}
	require.Eventually(t, answers, 20*time.Second, 10*time.Millisecond)
	p := &pages{make(chan struct{}), make(chan time.Duration, 1)}
	go func() {
		enough := false
		last, longest := time.Now(), time.Duration(0)
		for {
			served, now := answers(), time.Now()
			longest = max(longest, now.Sub(last))
			if served {
				last = now
			}
			if served && enough || t.Context().Err() != nil {
				p.longest <- longest
				return
			}
			select {
			case <-p.enough:
				enough = true
			default:
			}
			<-time.After(10 * time.Millisecond)
		}
	}()
	return p
}

// stop returns the longest time between two pages, once there is one again.
func (p *pages) stop(t *testing.T) time.Duration {
	t.Helper()
	close(p.enough)
	select {
	case d := <-p.longest:
		return d
	case <-time.After(20 * time.Second):
		require.Fail(t, "it is not served")
		return 0
	}
}

// shortDir is for sockets, whose paths must be short.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "wt") //nolint:usetesting // a test's own is named after it
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// named lists the containers that have to do with a service.
func named(t *testing.T, host *enginehost.Host, service string) []string {
	t.Helper()
	var out []string
	for _, name := range host.List(t) {
		if len(name) >= len(service) && name[:len(service)] == service {
			out = append(out, name)
		}
	}
	return out
}

func TestTheTagGoesBackWithTheContainer(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "tagback:1", enginehost.Image{})
	host.Pull(t, ref, "")
	host.Run(t, "tagback", object{"Image": ref})
	before := imageID(t, host, ref)
	reg.Push(t, "tagback:1", enginehost.Image{Cmd: []string{"false"}})
	e := entry(t, update(t, tower(t, host, []string{"tagback"}, quick())), "tagback")
	assert.Equal(t, watchtower.StatusRolledBack, e.Status)
	assert.Equal(t, before, imageID(t, host, ref))
}

func imageID(t *testing.T, host *enginehost.Host, ref string) string {
	t.Helper()
	var image struct{ Id string } //nolint:revive // the engine's spelling
	host.API(t, http.MethodGet, "/images/"+ref+"/json", nil, &image)
	return image.Id
}

// What is not running stays so, on the new image; what removes itself when it is
// stopped is replaced all the same.
func TestTheStateIsLeftAsFound(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	all := watchtower.WithStates("running", "created", "exited", "paused")
	tests := []struct {
		name, was, is string
		prepare       func(t *testing.T, name string)
		host          object
	}{
		{"created", "created", "created", nil, nil},
		{"stopped", "exited", "created", func(t *testing.T, name string) {
			t.Helper()
			host.API(t, "POST", "/containers/"+name+"/start", nil, nil)
			host.API(t, "POST", "/containers/"+name+"/stop", nil, nil)
		}, nil},
		{"paused", "paused", "paused", func(t *testing.T, name string) {
			t.Helper()
			host.API(t, "POST", "/containers/"+name+"/start", nil, nil)
			host.API(t, "POST", "/containers/"+name+"/pause", nil, nil)
		}, nil},
		{"removed when stopped", "running", "running", func(t *testing.T, name string) {
			t.Helper()
			host.API(t, "POST", "/containers/"+name+"/start", nil, nil)
			host.Exec(t, name, "sh", "-c", "echo precious > /data/file")
		}, object{"AutoRemove": true}},
	}
	for i, tt := range tests {
		for _, bad := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, bad image: %v", tt.name, bad), func(t *testing.T) {
				t.Parallel()
				name := fmt.Sprintf("state_%d_%v", i, bad)
				ref, _ := reg.Push(t, name+":1", enginehost.Image{Volumes: []string{"/data"}})
				host.Pull(t, ref, "")
				old := host.Create(t, name, object{"Image": ref, "HostConfig": tt.host})
				if tt.prepare != nil {
					tt.prepare(t, name)
				}
				volume := mountAt(host.Inspect(t, name), "/data")
				next := enginehost.Image{Volumes: []string{"/data"}, Env: []string{"VERSION=2"}}
				if bad {
					next.Cmd = []string{"false"}
				}
				reg.Push(t, name+":1", next)
				e := entry(t, update(t, tower(t, host, []string{name}, quick(), all)), name)
				after := host.Inspect(t, name)
				t.Log(e.Status, e.Err, e.Warnings)
				// What is not started proves nothing, and is replaced.
				if bad && (tt.was == "running" || tt.was == "paused") {
					assert.Equal(t, watchtower.StatusRolledBack, e.Status)
					assert.Equal(t, tt.was, after["State"].(object)["Status"])
					assert.Equal(t, tt.host == nil, after["Id"] == old, "the old container, or a copy of one that removes itself")
				} else {
					require.NoError(t, e.Err)
					assert.Equal(t, watchtower.StatusUpdated, e.Status)
					assert.Equal(t, tt.is, after["State"].(object)["Status"])
					assert.NotEqual(t, old, after["Id"])
				}
				assert.Equal(t, volume, mountAt(after, "/data"), "its volume")
				assert.Equal(t, []string{name}, named(t, host, name), "nothing else is left")
				if tt.host != nil {
					assert.Equal(t, "precious", host.Exec(t, name, "cat", "/data/file"))
				}
				host.RemoveAll(t, name)
				host.Status(t, "DELETE", "/volumes/"+volume, nil)
			})
		}
	}
}
