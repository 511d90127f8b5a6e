package registry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
)

// levelTrace is below debug: each request of each check.
const levelTrace = slog.LevelDebug - 4

// maxManifest bounds the body of a manifest: the limit registries themselves
// set for one.
const maxManifest = 4 << 20

// accept names all that a tag can point at. A registry that is told less answers
// with something else, or not at all.
var accept = []string{
	"application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.v2+json",
}

// host is what is known of one registry.
type host struct {
	client *Client
	name   string // as in references
	busy   sync.Mutex

	mu           sync.Mutex
	base         string
	loopback     bool
	asked        bool // it has answered, so that the challenge is what it is
	challenge    challenge
	getOnly      bool            // it does not answer a HEAD as it should
	single       bool            // its tokens are good for one repository each
	alone        map[string]bool // repositories that a shared token did not open
	postponed    time.Time
	dead         error    // why it does not answer; for this check only
	repositories []string // that this check asks about
	tokens       map[string]*token
	refusedLogin map[string]refusal

	fetching sync.Mutex // one token request at a time
}

func (c *Client) host(ref Reference) *host {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.hosts[ref.Host]
	if h == nil {
		h = &host{
			client: c, name: ref.Host, base: "https://" + ref.endpoint(), loopback: isLoopback(ref.Host),
			tokens: map[string]*token{}, alone: map[string]bool{}, refusedLogin: map[string]refusal{},
		}
		if h.loopback || c.plain[ref.Host] {
			h.base = "http://" + ref.endpoint()
		}
		c.hosts[ref.Host] = h
	}
	return h
}

// isLoopback: the hosts that engines take for their own machine.
func isLoopback(hostport string) bool {
	name := hostport
	if n, _, err := net.SplitHostPort(hostport); err == nil {
		name = n
	}
	if name == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && ip.IsLoopback()
}

// begin forgets what was true of the last check only.
func (h *host) begin(repositories []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dead, h.repositories = nil, repositories
}

func (h *host) taught() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

// current asks what the reference points at. The body is set where it had to be
// read for that.
func (h *host) current(ctx context.Context, ref Reference) (digest.Digest, []byte, error) {
	h.mu.Lock()
	getOnly := h.getOnly
	h.mu.Unlock()
	if !getOnly {
		resp, err := h.ask(ctx, http.MethodHead, ref, ref.version())
		if err != nil {
			return "", nil, err
		}
		_ = resp.Body.Close()
		d := digest.Digest(resp.Header.Get("Docker-Content-Digest"))
		switch resp.StatusCode {
		case http.StatusOK:
			if d.Validate() == nil {
				return d, nil, nil
			}
		case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
			// refused; perhaps not for what it is about but for how it is asked
		default:
			return "", nil, refused("head", ref, resp)
		}
	}
	body, err := h.read(ctx, ref, ref.version())
	if err != nil {
		return "", nil, err
	}
	h.mu.Lock()
	h.getOnly = true
	h.mu.Unlock()
	return digest.FromBytes(body), body, nil
}

// read gets a manifest by tag or digest; one by digest is that digest's.
func (h *host) read(ctx context.Context, ref Reference, version string) ([]byte, error) {
	resp, err := h.ask(ctx, http.MethodGet, ref, version)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, refused("get", ref, resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxManifest+1))
	if err != nil {
		return nil, unanswered(ctx, "get", ref, err)
	}
	if len(body) > maxManifest {
		return nil, broken(ref, fmt.Errorf("a manifest of more than %d bytes", maxManifest))
	}
	if d, err := digest.Parse(version); err == nil && d.Algorithm().FromBytes(body) != d {
		return nil, broken(ref, fmt.Errorf("what it serves as %s is something else", d))
	}
	return body, nil
}

// send sends one request, within the bounds.
func (h *host) send(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if err := h.client.slots.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer h.client.slots.Release(1)
	client := h.client.http
	if h.loopback && isLoopback(req.URL.Host) {
		client = h.client.loopback
	}
	resp, err := client.Do(req)
	if h.client.logger.Enabled(ctx, levelTrace) {
		attrs := []any{"method", req.Method, "url", req.URL.Scheme + "://" + req.URL.Host + req.URL.Path}
		if resp != nil {
			attrs = append(attrs, "status", resp.StatusCode)
		}
		h.client.logger.Log(ctx, levelTrace, "registry request", attrs...)
	}
	return resp, err
}
