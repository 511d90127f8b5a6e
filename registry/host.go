package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/semaphore"

	"github.com/watchtower-go/watchtower/credentials"
)

// maxManifest bounds the body of a manifest: the limit registries themselves
// set for one.
const maxManifest = 4 << 20

// host is what is known of one registry, or of one mirror of it.
type host struct {
	client  *Client
	name    string   // as in references; of a mirror, what its URL has in its place
	address string   // where it is, host:port
	mirror  *url.URL // nil for a registry
	routes  routes
	mirrors []*host             // that it has
	busy    *semaphore.Weighted // one check at a time
	turns   *turns              // a mirror's are its registry's

	mu        sync.Mutex
	bases     []string // the URLs to ask; the first alone once it has answered
	insecure  bool     // it need not be who it says it is
	doubtful  bool     // whether it is, is not known yet
	multiplex bool     // it takes all requests on one connection
	challenge challenge
	service   challenge         // the last that named a token service
	lost      bool              // which gave none, so that it may be elsewhere
	invited   bool              // its own address was asked for a challenge
	headed    bool              // it has answered a HEAD as it should
	getOnly   bool              // it does not
	scopes    map[string]string // by repository, where the challenge named one of its own
	single    bool              // its tokens are good for one repository each
	most      int               // repositories to a token; 0 for no limit
	// alone are the repositories that a shared token did not open; true while
	// it is not known whether one of their own does.
	alone        map[string]bool
	tokens       map[string]*token
	refused      map[refusal]time.Time  // logins to leave alone, and until when
	forbidden    int                    // repositories in a row that the token service allowed to no login
	works        credentials.Credential // the basic login that was taken last
	postponed    time.Time
	quota        Quota
	dead         *Error            // why it answers nothing; for this check, and those that wait
	deadSince    int               // how many checks had come then, at the least
	shown        bool              // it was asked something; for this check only
	repositories []string          // that this check asks about
	loginTrouble map[string]string // by repository; for this check only
	loginless    map[string]bool   // repositories that no store has a login for; for this check only
	opened       map[string]bool   // repositories that take a reserve login: they refused to answer without

	first    *semaphore.Weighted // held while a mirror is asked for the first time
	fetching *semaphore.Weighted // one token request at a time
}

func newHost(c *Client, name, address string) *host {
	return &host{
		client: c, name: name, address: address, routes: c.routes,
		busy: semaphore.NewWeighted(1), turns: &turns{}, first: semaphore.NewWeighted(1), fetching: semaphore.NewWeighted(1),
		scopes: map[string]string{}, alone: map[string]bool{}, tokens: map[string]*token{}, refused: map[refusal]time.Time{},
		loginTrouble: map[string]string{}, loginless: map[string]bool{}, opened: map[string]bool{},
	}
}

func (c *Client) host(ref Reference) *host {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.hosts[ref.Host]; h != nil {
		return h
	}
	return c.add(ref.Host, ref.endpoint())
}

// add makes what is known of a registry. The caller holds the lock.
func (c *Client) add(name, address string) *host {
	h := newHost(c, name, address)
	if name == Hub {
		for _, u := range c.routes.mirrors {
			m := newHost(c, u.Host+u.Path, u.Host)
			m.mirror, m.turns = u, h.turns
			h.mirrors = append(h.mirrors, m)
		}
	}
	c.hosts[name] = h
	return h
}

// waits is until when the registry is left alone.
func (h *host) waits() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.postponed
}

// begin forgets what was true of the last check only, and what has expired.
func (h *host) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.turns.fresh(h.deadSince) {
		h.dead = nil
	}
	h.shown = false
	h.loginTrouble, h.loginless = map[string]string{}, map[string]bool{}
	now := time.Now()
	for repository, t := range h.tokens {
		if !now.Before(t.expires) {
			delete(h.tokens, repository)
		}
	}
	for r, until := range h.refused {
		if !now.Before(until) {
			delete(h.refused, r)
		}
	}
	if h.lost {
		h.lost, h.challenge = false, challenge{}
	}
}

// current asks what the reference points at. The body is set where it had to be
// read for that.
func (h *host) current(ctx context.Context, ref Reference) (digest.Digest, []byte, error) {
	h.mu.Lock()
	getOnly, headed := h.getOnly, h.headed
	h.mu.Unlock()
	if !getOnly {
		resp, err := h.ask(ctx, http.MethodHead, ref, "/manifests/"+ref.version())
		if err != nil {
			return "", nil, err
		}
		discard(resp)
		d := digest.Digest(resp.Header.Get("Docker-Content-Digest"))
		switch code := resp.StatusCode; {
		case code == http.StatusOK && d.Validate() == nil:
			if ref.Pinned() && d != ref.Digest {
				return "", nil, broken(ref, fmt.Errorf("it serves %s as that", d))
			}
			h.mu.Lock()
			h.headed = true
			h.mu.Unlock()
			return d, nil, nil
		case code == http.StatusOK, code == http.StatusBadRequest, code == http.StatusNotFound && !headed,
			code == http.StatusMethodNotAllowed, code == http.StatusNotImplemented:
			// refused; perhaps not for what it is about but for how it is asked
		default:
			return "", nil, denied("head", ref, resp)
		}
	}
	d, body, err := h.read(ctx, ref, ref.version())
	if err != nil {
		return "", nil, err
	}
	h.mu.Lock()
	h.getOnly = true
	h.mu.Unlock()
	return d, body, nil
}

// read gets a manifest by tag or digest. What it returns is what the digest says,
// whoever said the digest.
func (h *host) read(ctx context.Context, ref Reference, version string) (digest.Digest, []byte, error) {
	resp, err := h.ask(ctx, http.MethodGet, ref, "/manifests/"+version)
	if err != nil {
		return "", nil, err
	}
	defer discard(resp)
	if resp.StatusCode != http.StatusOK {
		return "", nil, denied("get", ref, resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxManifest+1))
	if err != nil {
		return "", nil, unanswered(ctx, "get", ref, err)
	}
	if len(body) > maxManifest {
		return "", nil, broken(ref, fmt.Errorf("a manifest of more than %d bytes", maxManifest))
	}
	d, err := digest.Parse(version)
	if err != nil {
		d = digest.Digest(resp.Header.Get("Docker-Content-Digest"))
	}
	if d.Validate() != nil {
		return digest.FromBytes(body), body, nil
	}
	if d.Algorithm().FromBytes(body) != d {
		return "", nil, broken(ref, fmt.Errorf("what it serves as %s is something else", d))
	}
	return d, body, nil
}
