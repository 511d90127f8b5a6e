package lifecycle

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"
)

// probeTry bounds what one address may take to answer.
const probeTry = 5 * time.Second

// tryAddresses asks each address of a container in turn, until one takes the
// connection: its answer is the container's.
func (r *recreator) tryAddresses(ctx context.Context, id string, p Probe) error {
	snap, err := r.inspect(ctx, id)
	if err == nil {
		snap, err = r.addressee(ctx, snap)
	}
	if err != nil {
		return err
	}
	failed := errors.New("it has no address")
	reached := false
	var texts []string
	for _, host := range addresses(snap) {
		address := net.JoinHostPort(host, p.url.Port())
		conn, err := r.connectTo(ctx, address)
		if err == nil {
			return p.over(ctx, conn, address)
		}
		texts = append(texts, err.Error())
		reached = reached || errors.Is(err, syscall.ECONNREFUSED)
		failed = errors.New(strings.Join(texts, "; "))
	}
	if len(texts) > 0 && !reached {
		return fmt.Errorf("none of its addresses can be reached from here: %w", failed)
	}
	return failed
}

func (r *recreator) connectTo(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTry)
	defer cancel()
	return r.dial(ctx, "tcp", address)
}

// over asks what is left to ask once there is a connection, and closes it.
func (p Probe) over(ctx context.Context, conn net.Conn, address string) error {
	defer func() { _ = conn.Close() }()
	if p.url.Scheme == "tcp" {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, probeTry, fmt.Errorf("%s: no answer within %v", address, probeTry))
	defer cancel()
	url := *p.url
	url.Host = address
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "watchtower-go")
	// A transport by itself follows no redirect and knows no proxy.
	transport := &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // it asks an address, which no certificate is for
		DisableKeepAlives: true,
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusOK && resp.StatusCode < http.StatusBadRequest {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, answerBytes)) // what there is of it
	return fmt.Errorf("status %d %s%s", resp.StatusCode, http.StatusText(resp.StatusCode),
		withText(strings.ToValidUTF8(string(body), "")))
}

// addressee is the container whose addresses answer for this one: itself, or the
// one whose network it uses.
func (r *recreator) addressee(ctx context.Context, snap Snapshot) (Snapshot, error) {
	mode := snap.HostConfig.Text("NetworkMode")
	if parent, ok := strings.CutPrefix(mode, "container:"); ok {
		snap, err := r.inspect(ctx, parent)
		if err != nil {
			return snap, err
		}
		return r.addressee(ctx, snap) // a parent is older than its child: the way ends
	}
	switch mode {
	case "none":
		return snap, precondition("probe: it has no network: only an exec probe can ask it")
	case "host":
		return snap, r.onHost(ctx)
	}
	return snap, nil
}

// onHost refuses what cannot be asked because the network of the engine's host is not
// this process's. It is if the engine is reached by a local socket, and this process
// runs in no container, or in one on the host's network.
func (r *recreator) onHost(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	elsewhere := precondition("probe: it uses the host's network, which is not this process's: only an exec probe can ask it")
	describer, ok := r.engine.(Describer)
	if !ok {
		return elsewhere
	}
	info, err := describer.Describe(ctx)
	scheme, _, _ := strings.Cut(info.Address, "://")
	switch {
	case scheme != "unix" && scheme != "npipe":
		return elsewhere
	case err != nil:
		return precondition("probe: it uses the host's network, and whether that is this process's the engine does not tell: %w", err)
	case r.me.container == "":
		return nil
	}
	self, err := r.inspect(ctx, r.me.container)
	switch {
	case err != nil:
		return precondition("probe: it uses the host's network, and whether this process does cannot be told: %w", err)
	case self.HostConfig.Text("NetworkMode") != "host":
		return elsewhere
	}
	return nil
}

// addresses are a container's own, by network.
func addresses(snap Snapshot) []string {
	if snap.HostConfig.Text("NetworkMode") == "host" {
		return []string{"127.0.0.1"}
	}
	var out []string
	for _, network := range slices.Sorted(maps.Keys(snap.Networks)) {
		for _, field := range []string{"IPAddress", "GlobalIPv6Address"} {
			if address := snap.Networks[network].Text(field); address != "" {
				out = append(out, address)
			}
		}
	}
	return out
}
