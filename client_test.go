package watchtower_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// clientVar holds the URL that this test binary, executed in a container's
// network, is to ask.
const clientVar = "WATCHTOWER_TEST_CLIENT"

// seen is what a client saw of a service.
type seen struct {
	Requests int           `json:"requests"`
	First    []failure     `json:"first"` // tries that failed and were made again
	Lost     []failure     `json:"lost"`  // and failed again
	Stall    time.Duration `json:"stall"` // the longest a request took, with its second try
	Pages    []string      `json:"pages"` // in the order they appeared
}

type failure struct {
	At    time.Time `json:"at"`
	Error string    `json:"error"`
}

// askAround is the client: a request every 2 ms, each on a fresh resolution of the
// name of which it takes the first address, as simple clients do; 5 s for each try,
// and one more try. It ends when its input does, and writes what it saw.
func askAround(url string) int {
	ended := make(chan struct{})
	go func() { defer close(ended); _, _ = io.Copy(io.Discard, os.Stdin) }()
	var out seen
	for {
		select {
		case <-ended:
			if json.NewEncoder(os.Stdout).Encode(out) != nil {
				return 1
			}
			return 0
		case <-time.After(2 * time.Millisecond):
		}
		begun := time.Now()
		page, err := ask(url)
		if err != nil {
			out.First = append(out.First, failure{time.Now(), err.Error()})
			if page, err = ask(url); err != nil {
				out.Lost = append(out.Lost, failure{time.Now(), err.Error()})
			}
		}
		out.Requests++
		out.Stall = max(out.Stall, time.Since(begun))
		if n := len(out.Pages); err == nil && (n == 0 || out.Pages[n-1] != page) {
			out.Pages = append(out.Pages, page)
		}
	}
}

func ask(url string) (string, error) {
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, "127.0.0.11:53") // the engine's, in each container's network
	}}
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			found, err := resolver.LookupIP(ctx, "ip4", host)
			if err != nil {
				return nil, err
			}
			var d net.Dialer
			return d.DialContext(ctx, network, net.JoinHostPort(found[0].String(), port))
		},
	}}
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %s", resp.Status)
	}
	text, err := io.ReadAll(resp.Body)
	return string(bytes.TrimSpace(text)), err
}

// client is one that asks.
type client struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   bytes.Buffer
}

// startClient lets one ask from the network of a container.
func startClient(t testing.TB, host *enginehost.Host, from, url string) *client {
	t.Helper()
	c := &client{cmd: host.Inside(t, from, clientVar+"="+url)}
	stdin, err := c.cmd.StdinPipe()
	require.NoError(t, err)
	c.stdin, c.cmd.Stdout, c.cmd.Stderr = stdin, &c.out, os.Stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, c.cmd.Start())
	return c
}

// stop returns what it saw.
func (c *client) stop(t testing.TB) (s seen) {
	t.Helper()
	require.NoError(t, c.stdin.Close())
	require.NoError(t, c.cmd.Wait())
	require.NoError(t, json.Unmarshal(c.out.Bytes(), &s))
	return s
}
