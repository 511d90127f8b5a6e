package registry_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

// fake is a registry and its token service, with the faults that registries
// have. It counts what it is asked.
type fake struct {
	*httptest.Server

	mu         sync.Mutex
	manifests  map[string][]byte // "repository:tag" and "repository@digest"
	log        []string
	auth       string // "", "basic", "bearer"
	user, pass string // the login; empty with bearer: anybody gets a token
	generation int    // tokens of older ones are revoked
	tokenBody  func(token string) string
	fault      func(http.ResponseWriter, *http.Request) bool // answers in its place
	challenge  func(realm string) []string
	open       map[string]bool // repositories that need no token
	closed     map[string]bool // repositories that no token opens
	badLogin   int             // what the token service says to one; 401 if 0
	badLogins  int             // how many it got
}

func newFake(t *testing.T, auth string) *fake {
	t.Helper()
	f := &fake{manifests: map[string][]byte{}, auth: auth}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) addr() string { return strings.TrimPrefix(f.URL, "http://") }

// put stores a manifest and returns its digest.
func (f *fake) put(name string, manifest any) digest.Digest {
	body, err := json.Marshal(manifest)
	if err != nil {
		panic(err)
	}
	d := digest.FromBytes(body)
	repo, _, _ := strings.Cut(name, ":")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.manifests[name] = body
	f.manifests[repo+"@"+d.String()] = body
	return d
}

func image(seed string) map[string]any {
	return map[string]any{"schemaVersion": 2, "config": map[string]any{"digest": digest.FromString(seed)}}
}

func index(entries map[string]digest.Digest) map[string]any {
	var list []map[string]any
	for platform, d := range entries {
		parts := strings.SplitN(platform+"/", "/", 3)
		list = append(list, map[string]any{"digest": d, "platform": map[string]string{
			"os": parts[0], "architecture": parts[1], "variant": strings.Trim(parts[2], "/"),
		}})
	}
	return map[string]any{"schemaVersion": 2, "manifests": list}
}

// requests returns what was asked since the last call, by kind.
func (f *fake) requests() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]int{}
	for _, line := range f.log {
		kind, _, _ := strings.Cut(line, " ")
		out[kind]++
		out["all"]++
	}
	f.log = nil
	return out
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := r.Method
	if r.URL.Path == "/token" {
		kind = "TOKEN"
	}
	f.mu.Lock()
	f.log = append(f.log, kind+" "+r.URL.String())
	fault := f.fault
	f.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	if r.URL.Path == "/token" {
		f.serveToken(w, r)
		return
	}
	repo, version, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/manifests/")
	if !f.allowed(r, repo) {
		realm := f.URL + "/token"
		headers := []string{fmt.Sprintf(`Bearer realm="%s",service="Test, Registry",scope="repository:%s:pull"`, realm, repo)}
		if f.auth == "basic" {
			headers = []string{`Basic realm="test"`}
		}
		if f.challenge != nil {
			headers = f.challenge(realm)
		}
		for _, h := range headers {
			w.Header().Add("WWW-Authenticate", h)
		}
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	f.mu.Lock()
	body := f.manifests[repo+":"+version]
	if strings.HasPrefix(version, "sha256:") {
		body = f.manifests[repo+"@"+version]
	}
	f.mu.Unlock()
	if !ok || body == nil || strings.Count(r.Header.Get("Accept"), ",") != 3 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Docker-Content-Digest", digest.FromBytes(body).String())
	_, _ = w.Write(body)
}

func (f *fake) allowed(r *http.Request, repo string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[repo] {
		return true
	}
	switch f.auth {
	case "basic":
		user, pass, given := r.BasicAuth()
		if given && (user != f.user || pass != f.pass) {
			f.badLogins++
		}
		return user == f.user && pass == f.pass && f.user != "" && !f.closed[repo]
	case "bearer":
		parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "|")
		if len(parts) < 2 || parts[0] != fmt.Sprint("g", f.generation) {
			return false
		}
		for _, opened := range parts[1:] {
			if opened == repo && !f.closed[repo] {
				return true
			}
		}
		return false
	}
	return true
}

func (f *fake) serveToken(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	scopes := r.Form["scope"]
	if len(scopes) == 1 {
		scopes = strings.Fields(scopes[0])
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	user, pass, given := r.BasicAuth()
	if given && (user != f.user || pass != f.pass) {
		f.badLogins++
		w.WriteHeader(cmp.Or(f.badLogin, http.StatusUnauthorized))
		return
	}
	if r.Form.Get("service") != "Test, Registry" || !given && f.user != "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	parts := []string{fmt.Sprint("g", f.generation)}
	for _, scope := range scopes {
		parts = append(parts, strings.TrimSuffix(strings.TrimPrefix(scope, "repository:"), ":pull"))
	}
	token := strings.Join(parts, "|")
	if f.tokenBody != nil {
		_, _ = w.Write([]byte(f.tokenBody(token)))
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": 300, "issued_at": time.Now()})
}
