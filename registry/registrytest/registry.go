package registrytest

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Registry is a registry and, where it has one, its token service. It is safe
// for use by many goroutines.
type Registry struct {
	// Host is what references to its images begin with: the profile's Host, or
	// for one that listens on the loopback its address.
	Host string
	// URL is where its API is, without a path: "https://registry-1.docker.io",
	// "http://127.0.0.1:38001".
	URL string

	profile  Profile
	realm    *url.URL // of the token service
	endpoint string   // the host that serves the API
	memory   *pipe    // nil for one that listens on the loopback
	servers  []*httptest.Server

	mu            sync.Mutex
	repositories  map[string]*repository
	access        map[string]Access
	login         *login
	identityToken string
	tokens        map[string]*grant
	given         int // tokens
	latency       time.Duration
	faults        map[Kind]Fault
	requests      []*Request
	spent         int       // manifests read in this window of the limit
	window        time.Time // when it ends
}

// New makes a registry that no network leads to: Transport does. Its names are
// those of the profile, and are reached over https and http alike. Close ends it.
func New(p Profile) *Registry {
	r := newRegistry(p)
	r.memory = newPipe()
	r.Host, r.URL = r.profile.Host, "https://"+r.endpoint
	server := &httptest.Server{Listener: r.memory, Config: &http.Server{Handler: http.HandlerFunc(r.serve)}}
	server.Start()
	r.servers = append(r.servers, server)
	return r
}

// Start makes a registry that listens on a free port of the loopback and speaks
// plain HTTP, which engines take from there. If the profile has its token
// service on another host, that is another port. Start panics where it cannot
// listen. Close ends it.
func Start(p Profile) *Registry { return start(p, (*httptest.Server).Start) }

// StartTLS is Start with TLS, and a certificate for 127.0.0.1 that nobody
// trusts: Certificate has it.
func StartTLS(p Profile) *Registry { return start(p, (*httptest.Server).StartTLS) }

func newRegistry(p Profile) *Registry {
	r := &Registry{
		profile: p.withDefaults(), repositories: map[string]*repository{}, access: map[string]Access{},
		tokens: map[string]*grant{}, faults: map[Kind]Fault{},
	}
	r.endpoint = r.profile.Endpoint
	r.realm = r.profile.realm()
	return r
}

func start(p Profile, start func(*httptest.Server)) *Registry {
	r := newRegistry(p)
	listen := func() *url.URL {
		server := httptest.NewUnstartedServer(http.HandlerFunc(r.serve))
		server.EnableHTTP2 = true // over TLS, as all vendors have it
		start(server)
		r.servers = append(r.servers, server)
		u, err := url.Parse(server.URL)
		if err != nil {
			panic("registrytest: " + err.Error())
		}
		return u
	}
	api := listen()
	service := api
	if nameOf(r.realm.Host) != nameOf(r.endpoint) {
		service = listen()
	}
	r.Host, r.endpoint, r.URL = api.Host, api.Host, api.String()
	r.realm.Scheme, r.realm.Host = service.Scheme, service.Host
	return r
}

// Close ends the registry, and what is under way at it.
func (r *Registry) Close() {
	for _, server := range r.servers {
		server.CloseClientConnections()
		server.Close()
	}
}

// Certificate is what a registry made by StartTLS shows, its own authority; nil
// for others.
func (r *Registry) Certificate() *x509.Certificate { return r.servers[0].Certificate() }

// Reference is "host/repository:tag".
func (r *Registry) Reference(repository, tag string) string {
	return r.Host + "/" + repository + ":" + tag
}

// maxLatency bounds what SetLatency takes.
const maxLatency = time.Minute

// SetLatency lets each answer take that long, as a network's round trip does; at
// most a minute. 0, as in the beginning, is none.
func (r *Registry) SetLatency(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latency = min(max(d, 0), maxLatency)
}

// nameOf is a host without the port that goes without saying, in lower case.
func nameOf(host string) string {
	host = strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":80")
	return strings.ToLower(host)
}
