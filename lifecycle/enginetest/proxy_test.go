package enginetest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

const webID = "0123456789abcdef"

// backend is what answers behind a proxy; it keeps what reached it.
type backend struct {
	mu      sync.Mutex
	reached []string
	more    chan struct{} // lets a stream go on
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	b.reached = append(b.reached, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+string(body)))
	b.mu.Unlock()
	switch r.URL.Path {
	case "/containers/" + webID + "/json":
		_, _ = io.WriteString(w, `{"Name":"/web"}`)
	case "/v1.41/events":
		_, _ = io.WriteString(w, "first\n")
		w.(http.Flusher).Flush()
		<-b.more
		_, _ = io.WriteString(w, "second\n")
	}
}

func (b *backend) changes() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, line := range b.reached {
		if !strings.HasPrefix(line, http.MethodGet) {
			out = append(out, line)
		}
	}
	b.reached = nil
	return out
}

func startProxy(t *testing.T) (*enginetest.Proxy, *backend, *http.Client) {
	t.Helper()
	dir, err := os.MkdirTemp("", "wt") //nolint:usetesting // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b := &backend{more: make(chan struct{})}
	listener, err := net.Listen("unix", filepath.Join(dir, "engine.sock"))
	require.NoError(t, err)
	server := &http.Server{Handler: b}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	socket := filepath.Join(dir, "proxy.sock")
	p, err := enginetest.NewProxy(socket, "unix://"+listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, p.Close()) })
	assert.Equal(t, "unix://"+socket, p.Address())
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}}
	t.Cleanup(client.CloseIdleConnections)
	return p, b, client
}

// send returns the status of the answer, or why there was none.
func send(t *testing.T, client *http.Client, method, path, body string) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://engine"+path, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func TestAProxyCountsWhatChangesAContainer(t *testing.T) {
	p, b, client := startProxy(t)
	for _, tt := range []struct{ method, path, body, want string }{
		{"POST", "/v1.41/containers/create?name=web", "{}", "Create web"},
		{"POST", "/containers/" + webID + "/start", "", "Start web"},
		{"POST", "/v1.41/containers/web/rename?name=www", "", "Rename web to www"},
		{"DELETE", "/v1.41/containers/" + webID, "", "Remove web"},
		{"POST", "/v1.41/networks/net/connect", `{"Container":"` + webID + `"}`, "Connect web to net"},
		{"PUT", "/v1.41/containers/web/archive", "tar", "Copy web"},
		{"GET", "/v1.41/containers/json", "", ""},
		{"POST", "/v1.41/containers/web/wait", "", ""},
		{"POST", "/v1.41/containers/web/exec", "", ""},
		{"POST", "/v1.41/images/create?fromImage=app", "", ""},
		{"POST", "/v1.41/images/app/tag?repo=x", "", ""},
		{"DELETE", "/v1.41/images/app", "", ""},
	} {
		_, err := send(t, client, tt.method, tt.path, tt.body)
		require.NoError(t, err)
		got := ""
		for _, c := range p.Calls() {
			got += c.String()
		}
		assert.Equal(t, tt.want, got, "%s %s", tt.method, tt.path)
	}
	assert.Contains(t, b.changes(), `POST /v1.41/networks/net/connect {"Container":"`+webID+`"}`, "the body is sent on")
}

func TestAProxyFailsTheCallItWasTold(t *testing.T) {
	for _, when := range []enginetest.Fault{enginetest.Before, enginetest.After} {
		for _, drop := range []bool{false, true} {
			t.Run(fmt.Sprintf("fault %d, dropped: %v", when, drop), func(t *testing.T) {
				p, b, client := startProxy(t)
				var hooked []string
				p.SetFault(func(n int, _ enginetest.Call) enginetest.ProxyFault {
					if n != 2 {
						return enginetest.ProxyFault{}
					}
					return enginetest.ProxyFault{Fault: when, Drop: drop, Hook: func() { hooked = b.changes() }}
				})
				for n := 1; n <= 3; n++ {
					status, err := send(t, client, "POST", fmt.Sprintf("/v1.41/containers/c%d/stop", n), "")
					if n == 2 && drop {
						require.Error(t, err, "no answer")
						continue
					}
					require.NoError(t, err)
					assert.Equal(t, n == 2, status == http.StatusInternalServerError)
				}
				want := []string{"POST /v1.41/containers/c1/stop"}
				if when == enginetest.After {
					want = append(want, "POST /v1.41/containers/c2/stop")
				}
				assert.Equal(t, want, hooked, "what had been done when the hook was called")
				assert.Equal(t, []string{"POST /v1.41/containers/c3/stop"}, b.changes())
				assert.Len(t, p.Calls(), 3)
			})
		}
	}
}

func TestAProxyStreams(t *testing.T) {
	_, b, client := startProxy(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://engine/v1.41/events", nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	require.True(t, lines.Scan())
	assert.Equal(t, "first", lines.Text(), "while the engine still writes")
	close(b.more)
	require.True(t, lines.Scan())
	assert.Equal(t, "second", lines.Text())
}

func TestAProxyWantsAnAddress(t *testing.T) {
	_, err := enginetest.NewProxy(filepath.Join(t.TempDir(), "s"), "ssh://host")
	assert.ErrorContains(t, err, "no address of an engine")
}
