package enginehost

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
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// clientVar holds the pause and the URL for the test binary that, executed in a
// container's network, is to ask there.
const clientVar = "WATCHTOWER_TEST_CLIENT"

// Seen is what a client saw of a service.
type Seen struct {
	Requests int           `json:"requests"`
	First    []Failure     `json:"first"` // tries that failed and were made again
	Lost     []Failure     `json:"lost"`  // and failed again
	Stall    time.Duration `json:"stall"` // the longest a request took, with its second try
	Pages    []string      `json:"pages"` // in the order they appeared
}

// Failure is one try that failed.
type Failure struct {
	At    time.Time `json:"at"`
	Error string    `json:"error"`
}

// askAround is the client: a request after each pause, each on a fresh resolution of the
// name of which it takes the first address, as simple clients do; 5 s for each try,
// and one more try. It ends when its input does, and writes what it saw.
func askAround(order string) int {
	pause, url, _ := strings.Cut(order, " ")
	wait, err := time.ParseDuration(pause)
	if err != nil {
		return broken(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _, _ = io.Copy(io.Discard, os.Stdin) }()
	var out Seen
	for {
		select {
		case <-ended:
			if json.NewEncoder(os.Stdout).Encode(out) != nil {
				return 1
			}
			return 0
		case <-time.After(wait):
		}
		begun := time.Now()
		page, err := ask(url)
		if err != nil {
			out.First = append(out.First, Failure{time.Now(), err.Error()})
			if page, err = ask(url); err != nil {
				out.Lost = append(out.Lost, Failure{time.Now(), err.Error()})
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

// Client is one that asks all the time.
type Client struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   bytes.Buffer
}

// StartClient lets one ask from the network of a container, with a pause after each
// request. What tests it must have a TestMain with Run.
func (h *Host) StartClient(t testing.TB, from, url string, pause time.Duration) *Client {
	t.Helper()
	c := &Client{cmd: h.Inside(t, from, clientVar+"="+pause.String()+" "+url)}
	stdin, err := c.cmd.StdinPipe()
	require.NoError(t, err)
	c.stdin, c.cmd.Stdout, c.cmd.Stderr = stdin, &c.out, os.Stderr
	require.NoError(t, c.cmd.Start())
	return c
}

// Stop returns what it saw.
func (c *Client) Stop(t testing.TB) (s Seen) {
	t.Helper()
	require.NoError(t, c.stdin.Close())
	require.NoError(t, c.cmd.Wait())
	require.NoError(t, json.Unmarshal(c.out.Bytes(), &s))
	return s
}
