package lifecycle_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// network is what answers behind addresses, without one of this machine's.
type network struct {
	conns  chan net.Conn
	closed sync.Once
	server *httptest.Server
	// refuse is what becomes of a connection; nil: it is taken.
	refuse func(address string) error

	mu    sync.Mutex
	asked []string
}

func (n *network) Accept() (net.Conn, error) {
	conn, ok := <-n.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (n *network) Close() error {
	n.closed.Do(func() { close(n.conns) })
	return nil
}

func (n *network) Addr() net.Addr { return addr("10.0.0.1:80") }

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	n.asked = append(n.asked, address)
	n.mu.Unlock()
	if n.refuse != nil {
		if err := n.refuse(address); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				<-ctx.Done() // as packets that nobody answers
			}
			return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: addr(address), Err: err}
		}
	}
	client, server := net.Pipe()
	n.conns <- server
	return client, nil
}

type addr string

func (addr) Network() string  { return "tcp" }
func (a addr) String() string { return string(a) }

func newNetwork(t *testing.T, tls bool, handle http.HandlerFunc) *network {
	t.Helper()
	n := &network{conns: make(chan net.Conn, 8)}
	n.server = &httptest.Server{Listener: n, Config: &http.Server{Handler: handle, ErrorLog: log.New(io.Discard, "", 0)}}
	if tls {
		n.server.StartTLS()
	} else {
		n.server.Start()
	}
	t.Cleanup(n.server.Close)
	return n
}

func TestAProbeOfAddresses(t *testing.T) {
	t.Parallel()
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	always := func(err error) func(string) error { return func(string) error { return err } }
	tests := []struct {
		name   string
		probe  string
		tls    bool
		handle http.HandlerFunc
		refuse func(address string) error
		want   string // in the answer; empty: good
	}{
		{"200", "http://:8080/health", false, status(200, ""), nil, ""},
		{"204", "http://:8080", false, status(204, ""), nil, ""},
		{"a redirect, which is not followed", "http://:8080/health", false, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/health" {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			status(302, "")(w, r)
		}, nil, ""},
		{"404", "http://:8080/health", false, status(404, "no such page\n"), nil, "status 404 Not Found: no such page"},
		{"503", "http://:8080/health", false, status(503, ""), nil, "status 503 Service Unavailable"},
		{"by path and query", "http://:8080/a?b=c", false, func(w http.ResponseWriter, r *http.Request) {
			status(503, r.Method+" "+r.Host+" "+r.URL.String()+" "+r.UserAgent())(w, r)
		}, nil, "GET 10.0.0.2:8080 /a?b=c watchtower-go"},
		{"a certificate for nobody", "https://:8443/", true, status(200, ""), nil, ""},
		{"503 by TLS", "https://:8443/", true, status(503, ""), nil, "status 503"},
		{"no TLS", "https://:8080/", false, status(200, ""), nil, "first record does not look like a TLS handshake"},
		{"no answer", "http://:8080/", false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil, "10.0.0.2:8080: no answer within 5s"},
		{"it hangs up", "http://:8080/", false, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, "EOF"},
		{"refused, whatever it would serve", "http://:8080/", false, status(200, ""), always(syscall.ECONNREFUSED), "dial tcp 10.0.0.2:8080: connection refused"},
		{"somebody listens", "tcp://:5432", false, nil, nil, ""},
		{"nobody listens", "tcp://:5432", false, nil, always(syscall.ECONNREFUSED), "dial tcp 10.0.0.2:5432: connection refused"},
		{
			"nobody is there", "tcp://:5432", false, nil, always(os.ErrDeadlineExceeded),
			"none of its addresses can be reached from here: dial tcp 10.0.0.2:5432: i/o timeout",
		},
		{
			"no way there", "http://:5432", false, nil, always(syscall.ENETUNREACH),
			"none of its addresses can be reached from here: dial tcp 10.0.0.2:5432: network is unreachable",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t, tt.tls, tt.handle)
				n.refuse = tt.refuse
				s := newScene(t, probed(map[string]any{lifecycle.LabelProbe: tt.probe}), lifecycle.StateRunning, enginetest.Image{})
				start := time.Now()
				result, err := s.updateWith(t.Context(), lifecycle.WithProbeDialer(n.dial))
				if tt.want == "" {
					require.NoError(t, err)
					assert.InDelta(t, 3, time.Since(start).Seconds(), 1)
					assert.Len(t, n.asked, 1, "once is enough")
					return
				}
				require.ErrorIs(t, err, errdefs.ErrAborted)
				require.ErrorContains(t, err, "verify: probe "+tt.probe+": ")
				assert.InDelta(t, 60, time.Since(start).Seconds(), 1)
				assert.GreaterOrEqual(t, len(n.asked), 10, "it is tried again and again")
				assert.Contains(t, result.Members[0].Failure.Probe, tt.want)
				assert.Contains(t, err.Error(), result.Members[0].Failure.Probe)
				assert.Equal(t, s.web.ID, s.only(t).ID)
			})
		})
	}
}

func TestAnAnswerIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, false, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNetworkAuthenticationRequired)
			_, _ = io.WriteString(w, strings.Repeat("é", 1<<20))
		})
		s := newScene(t, probed(map[string]any{lifecycle.LabelProbe: "http://:80/"}), lifecycle.StateRunning, enginetest.Image{})
		result, err := s.updateWith(t.Context(), lifecycle.WithProbeDialer(n.dial))
		require.Error(t, err)
		answer := result.Members[0].Failure.Probe
		assert.True(t, strings.HasPrefix(answer, "status 511 Network Authentication Required: é"), answer)
		assert.LessOrEqual(t, len(answer), 1<<10)

		s = newScene(t, probed(map[string]any{lifecycle.LabelProbe: "exec:x"}), lifecycle.StateRunning,
			enginetest.Image{Exec: enginetest.Exec{ExitCode: 1, Output: strings.Repeat("é", 1<<10) + "the end"}})
		result, err = s.update(t.Context())
		require.Error(t, err)
		answer = result.Members[0].Failure.Probe
		assert.True(t, strings.HasPrefix(answer, "exit code 1: é"), answer)
		assert.True(t, strings.HasSuffix(answer, "the end"), answer)
		assert.LessOrEqual(t, len(answer), 1<<10)
	})
}

// It may take a service a while to listen, and one of its addresses is enough.
func TestEachAddressIsTriedInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, false, nil)
		spec := probed(map[string]any{lifecycle.LabelProbe: "tcp://:80"})
		spec.Networks["back"] = lifecycle.Document{}
		s := newScene(t, spec, lifecycle.StateRunning, enginetest.Image{})
		start := time.Now()
		var first string
		n.refuse = func(address string) error {
			if first == "" {
				first = address
			}
			switch {
			case address == first:
				return os.ErrDeadlineExceeded // nobody can reach it from here
			case time.Since(start) < 20*time.Second:
				return syscall.ECONNREFUSED
			}
			return nil
		}
		_, err := s.updateWith(t.Context(), lifecycle.WithProbeDialer(n.dial))
		require.NoError(t, err)
		assert.InDelta(t, 23, time.Since(start).Seconds(), 4)
		snap, err := s.Inspect(t.Context(), "web")
		require.NoError(t, err)
		for i, address := range n.asked {
			assert.Equal(t, snap.Networks[[]string{"back", "front"}[i%2]].Text("IPAddress")+":80", address)
		}
	})
}

// located is an engine that says where it is.
type located struct {
	*enginetest.Engine

	address string
}

func (l located) Describe(context.Context) (lifecycle.EngineInfo, error) {
	return lifecycle.EngineInfo{Address: l.address}, nil
}

func TestWhichAddressesAreAContainersOwn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		spec   lifecycle.Spec
		engine string
		holder string // the container this process runs in
		want   string // the address, or a part of the error
	}{
		{"its own", lifecycle.Spec{Networks: map[string]lifecycle.Document{"front": {}}}, "tcp://elsewhere", "", "10.0.0.4:80"},
		{"its parent's", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "container:vpn"}}, "tcp://elsewhere", "", "10.0.0.2:80"},
		{"its parent's parent's", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "container:inner"}}, "tcp://elsewhere", "", "10.0.0.2:80"},
		{"this host's", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "host"}}, "unix:///docker.sock", "", "127.0.0.1:80"},
		{"this host's, on Windows", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "host"}}, "npipe:////./pipe/docker", "", "127.0.0.1:80"},
		{"this host's, on its network", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "host"}}, "unix:///docker.sock", "onhost", "127.0.0.1:80"},
		{"this host's, not on its network", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "host"}}, "unix:///docker.sock", "vpn", "not this process's"},
		{"this host's, nobody knows from where", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "host"}}, "unix:///docker.sock", "gone", "whether this process does cannot be told"},
		{"another host's", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "host"}}, "ssh://elsewhere", "", "not this process's"},
		{"none yet", lifecycle.Spec{}, "tcp://elsewhere", "", "it has no address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t, false, nil)
				e := enginetest.New()
				e.Publish("app:1", enginetest.Image{})
				e.Run("vpn", "app:1", lifecycle.Spec{Networks: map[string]lifecycle.Document{"front": {}}}) // 10.0.0.1
				require.NoError(t, e.Disconnect(t.Context(), "front", "vpn"))
				require.NoError(t, e.Connect(t.Context(), "front", "vpn", lifecycle.Document{})) // 10.0.0.2
				e.Run("inner", "app:1", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "container:vpn"}})
				onhost := e.Run("onhost", "app:1", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "host"}})
				web := e.Run("web", "app:1", tt.spec) // 10.0.0.3, and its successor 10.0.0.4
				e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
				require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:1"}))
				image, err := e.InspectImage(t.Context(), "app:1")
				require.NoError(t, err)
				holder := tt.holder
				if holder == "onhost" {
					holder = onhost.ID
				}
				u := lifecycle.Recreate(located{e, tt.engine}, lifecycle.WithHolder(holder), lifecycle.WithProbeDialer(n.dial),
					lifecycle.WithProbe(probe(t, "tcp://:80"), time.Second))
				_, err = u.Update(t.Context(), lifecycle.Target{Members: []lifecycle.Member{{Container: web, Reference: "app:1", ImageID: image.ID}}})
				if err != nil {
					require.ErrorContains(t, err, tt.want)
					return
				}
				assert.Equal(t, []string{tt.want}, n.asked)
			})
		})
	}
}

// Beside its predecessor the successor has an address of its own, and other
// watchers wait for as long as its probe may take.
func TestStartFirstProbesTheSuccessor(t *testing.T) {
	t.Parallel()
	patience := map[bool]time.Duration{}
	for _, with := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t, false, nil)
			spec := besideSpec()
			if with {
				spec.Config.Object("Labels")[lifecycle.LabelProbe] = "tcp://:80"
				spec.Config.Object("Labels")[lifecycle.LabelProbeTimeout] = "4m"
			}
			s := newScene(t, spec, lifecycle.StateRunning, enginetest.Image{})
			old, err := s.Inspect(t.Context(), "web")
			require.NoError(t, err)
			var fresh lifecycle.Snapshot
			n.refuse = func(address string) error {
				assert.NotEqual(t, old.Networks["back"].Text("IPAddress")+":80", address)
				fresh, err = s.Inspect(t.Context(), s.named(t, ".wt-new-").ID)
				assert.NoError(t, err)
				assert.Equal(t, fresh.Networks["back"].Text("IPAddress")+":80", address)
				assert.Empty(t, fresh.Networks["front"].Texts("Aliases")[1:], "nobody finds it yet")
				return nil
			}
			result, err := s.updateWith(t.Context(), lifecycle.WithProbeDialer(n.dial))
			require.NoError(t, err)
			assert.Zero(t, result.Members[0].Downtime)
			assert.Len(t, n.asked, map[bool]int{true: 1}[with])
			patience[with], err = time.ParseDuration(s.only(t).Labels["com.centurylinklabs.watchtower.swap.ttl"])
			require.NoError(t, err)
		})
	}
	assert.Equal(t, 4*time.Minute, patience[true]-patience[false])
}

func TestStartFirstLeavesTheOldOneAloneIfTheProbeFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		spec := besideSpec()
		spec.Config.Object("Labels")[lifecycle.LabelProbe] = "exec:check"
		s := newScene(t, spec, lifecycle.StateRunning, enginetest.Image{Exec: enginetest.Exec{ExitCode: 1}})
		result, err := s.update(t.Context())
		require.ErrorContains(t, err, "verify: probe exec:check: exit code 1")
		assert.Zero(t, result.Members[0].Downtime)
		for _, change := range s.changes() {
			assert.NotContains(t, change, "wt-old")
			assert.NotContains(t, change, " <old>")
		}
		assert.Equal(t, s.web.ID, s.only(t).ID)
	})
}
