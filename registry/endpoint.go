package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Endpoints says where registries are reached and how far they are trusted,
// beyond what their names say. The zero value says nothing: each registry is
// where its name says, behind verified TLS.
type Endpoints struct {
	// Mirrors are those of Docker Hub, as an engine has them, in the order it
	// asks them: "https://mirror.example", "http://10.0.0.5:5000/hub". What is
	// asked of them, and how far they are believed, is told at Client.
	Mirrors []string
	// Insecure are registries, "registry.example:5000", and networks,
	// "10.0.0.0/8", that are asked as the engine asks those it calls insecure:
	// over TLS without a look at the certificate or, if they do not speak it,
	// over plain HTTP. A login goes there all the same. A network is for the
	// registries whose address is in it, by number or by what their name resolves
	// to. Docker Hub never is insecure.
	Insecure []string
}

// WithMirrors adds mirrors of Docker Hub, in the order they are asked. See
// Endpoints. Default: none.
func WithMirrors(urls ...string) Option {
	return func(c *Client) error {
		c.given.Mirrors = append(c.given.Mirrors, urls...)
		_, err := parseEndpoints("WithMirrors", Endpoints{Mirrors: urls})
		return err
	}
}

// WithInsecure adds registries, host with port, and networks whose registries
// need not be who they say they are. See Endpoints; there is no way to say it of
// all. Default: none but those on the loopback, which the engine takes for
// insecure as well.
func WithInsecure(hosts ...string) Option {
	return func(c *Client) error {
		c.given.Insecure = append(c.given.Insecure, hosts...)
		_, err := parseEndpoints("WithInsecure", Endpoints{Insecure: hosts})
		return err
	}
}

// SetEndpoints tells what an engine is configured with, from the next check on:
// in the place of what an earlier call said, beside what the options say. To say
// the same again costs nothing. What is malformed is left out, and told by an
// error of class InvalidArgument.
func (c *Client) SetEndpoints(e Endpoints) error { return c.SetEndpointsOf("", e) }

// SetEndpointsOf is SetEndpoints for a Client that serves several engines, of which each
// has a name: it takes the place of what was said of that one. What any of them says
// holds for all questions: their mirrors are asked one engine's after the other's, and
// what is insecure for one is so for all.
func (c *Client) SetEndpointsOf(engine string, e Endpoints) error {
	_, err := parseEndpoints("SetEndpoints", e)
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.endpoints()
	c.told[engine] = Endpoints{Mirrors: slices.Clone(e.Mirrors), Insecure: slices.Clone(e.Insecure)}
	now := c.endpoints()
	if !slices.Equal(before.Mirrors, now.Mirrors) || !slices.Equal(before.Insecure, now.Insecure) {
		c.route()
	}
	return err
}

// endpoints are all that options and engines say, each once. The caller holds the lock.
func (c *Client) endpoints() Endpoints {
	all := Endpoints{Mirrors: slices.Clone(c.given.Mirrors), Insecure: slices.Clone(c.given.Insecure)}
	add := func(to *[]string, texts []string) {
		for _, text := range texts {
			if !slices.Contains(*to, text) {
				*to = append(*to, text)
			}
		}
	}
	for _, engine := range slices.Sorted(maps.Keys(c.told)) {
		add(&all.Mirrors, c.told[engine].Mirrors)
		add(&all.Insecure, c.told[engine].Insecure)
	}
	return all
}

// route takes in where registries are. What was learned of them may be of another
// place, and is forgotten, but for the times that they have set: who has to wait does so,
// by whatever way. The caller holds the lock, or has the client alone.
func (c *Client) route() {
	c.routes, _ = parseEndpoints("", c.endpoints())
	before := c.hosts
	c.hosts = map[string]*host{}
	for name, h := range before {
		if until := h.waits(); time.Now().Before(until) {
			c.add(name, h.address).postponed = until
		}
	}
}

// routes are Endpoints as they are used.
type routes struct {
	mirrors  []*url.URL
	hosts    map[string]bool
	networks []netip.Prefix
}

func parseEndpoints(setting string, e Endpoints) (routes, error) {
	r := routes{hosts: map[string]bool{}}
	var errs []error
	for _, text := range e.Mirrors {
		u, err := parseMirror(setting, text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !slices.ContainsFunc(r.mirrors, func(have *url.URL) bool { return *have == *u }) {
			r.mirrors = append(r.mirrors, u)
		}
	}
	for _, text := range e.Insecure {
		network, err := netip.ParsePrefix(text)
		switch {
		case err == nil:
			r.networks = append(r.networks, network.Masked())
		case text == Hub || text == hubHost:
			errs = append(errs, invalid(setting, fmt.Sprintf("%q", text), "a registry other than Docker Hub"))
		case isHost(text):
			r.hosts[text] = true
		default:
			errs = append(errs, invalid(setting, fmt.Sprintf("%q", text),
				"a registry as references name it, host:port, or a network such as 10.0.0.0/8"))
		}
	}
	return r, errors.Join(errs...)
}

func parseMirror(setting, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == "" {
		u.Path = strings.TrimRight(u.Path, "/")
		return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}, nil
	}
	shown := text
	if i := strings.LastIndex(text, "@"); i >= 0 {
		shown = "…" + text[i:] // before it may be a password
	}
	shown, _, _ = strings.Cut(shown, "?") // as may be after this
	return nil, invalid(setting, fmt.Sprintf("%q", shown), "an http:// or https:// URL without user, query and fragment")
}

// isHost reports whether a reference can name this registry.
func isHost(text string) bool {
	ref, err := Parse(text + "/x")
	return err == nil && ref.Host == text
}

// names reports whether the host:port is one of the insecure, by its name or its
// number. No name is looked up.
func (r routes) names(hostport string) bool {
	u := url.URL{Host: hostport}
	ip, err := netip.ParseAddr(u.Hostname())
	return r.hosts[hostport] || err == nil && r.holds(ip)
}

func (r routes) holds(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(r.networks, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// remote reports whether there are networks beyond this machine. The engine always
// lists the loopback, for whose sake no name needs to be looked up.
func (r routes) remote() bool {
	return slices.ContainsFunc(r.networks, func(p netip.Prefix) bool { return !p.Addr().IsLoopback() })
}

// lookupWithin bounds the search for a registry's addresses.
const lookupWithin = 5 * time.Second

// locate finds out, once, which addresses the registry may be asked at.
func (h *host) locate(ctx context.Context) {
	h.mu.Lock()
	located := len(h.bases) > 0 && !h.doubtful
	h.mu.Unlock()
	if located {
		return
	}
	c := h.client
	secure, plain := "https://"+h.address, "http://"+h.address
	bases, insecure, doubtful := []string{secure}, false, false
	switch {
	case h.mirror != nil:
		bases = []string{h.mirror.String()}
		insecure, doubtful = h.routes.insecure(ctx, c.lookup, h.address)
	case c.plain[h.name]:
		bases = []string{plain}
	case h.name == Hub, c.tls[h.name] != nil:
	case isLoopback(h.address):
		bases = []string{plain, secure}
	default:
		if insecure, doubtful = h.routes.insecure(ctx, c.lookup, h.address); insecure {
			bases = []string{secure, plain}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bases, h.insecure, h.doubtful = bases, insecure, doubtful
}

// insecure is what the engine finds: it looks a name up and sees whether one of
// its addresses is in a network that is. While there is no answer it is not.
func (r routes) insecure(ctx context.Context, lookup lookup, hostport string) (insecure, doubtful bool) {
	if r.names(hostport) {
		return true, false
	}
	u := url.URL{Host: hostport}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil || !r.remote() {
		return false, false
	}
	ctx, cancel := context.WithTimeout(ctx, lookupWithin)
	defer cancel()
	ips, err := lookup(ctx, "ip", u.Hostname())
	return slices.ContainsFunc(ips, r.holds), err != nil
}

// excuses reports whether the registry's being insecure goes for this address as
// well: for another port of the same machine, where its token service may be.
func (h *host) excuses(u *url.URL) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	itself := url.URL{Host: h.address}
	return h.routes.names(u.Host) || h.insecure && u.Hostname() == itself.Hostname()
}

// lookup is a net.Resolver's LookupNetIP.
type lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
