package enginehost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// versioned is the path of a request that names an API version.
var versioned = regexp.MustCompile(`^/v1\.([0-9]+)(/.*)$`)

// Claim is an engine that says which API versions it speaks, true or not, and
// refuses all others in the words of Docker's own. A version the engine does not
// speak is answered in the nearest that it does.
type Claim struct {
	// Address is what DOCKER_HOST would hold.
	Address string

	host           *Host
	mu             sync.Mutex
	oldest, newest string
	requests       []string
}

// Speaks reports whether the engine itself speaks the API version.
func (h *Host) Speaks(version string) bool {
	return minor(h.oldest) <= minor(version) && minor(version) <= minor(h.APIVersion)
}

// Claim puts a proxy before the engine that speaks the versions from the oldest
// ("1.24") to the newest; it ends with the test.
func (h *Host) Claim(t testing.TB, oldest, newest string) *Claim {
	t.Helper()
	c := &Claim{host: h, oldest: oldest, newest: newest}
	forward := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
		Transport:      h.client.Transport,
		FlushInterval:  -1,
		ErrorLog:       log.New(io.Discard, "", 0), // clients that hang up are not worth a word
		ModifyResponse: c.lie,
	}
	c.Address = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if c.accepts(w, r) {
			forward.ServeHTTP(w, r)
		}
	})
	return c
}

// Speak changes what it claims, as if the engine had been replaced.
func (c *Claim) Speak(oldest, newest string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.oldest, c.newest = oldest, newest
}

// Requests returns the requests that named a version, "POST /v1.41/containers/create",
// since the last time it was asked; those that were refused are marked.
func (c *Claim) Requests() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.requests
	c.requests = nil
	return out
}

// accepts tells whether a request may go on, and refuses it as dockerd does.
func (c *Claim) accepts(w http.ResponseWriter, r *http.Request) bool {
	asked := versioned.FindStringSubmatch(r.URL.Path)
	if asked == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	request := r.Method + " " + r.URL.Path
	number, _ := strconv.Atoi(asked[1])
	refusal := ""
	switch {
	case number < minor(c.oldest):
		refusal = fmt.Sprintf("client version 1.%d is too old. Minimum supported API version is %s, please upgrade your client to a newer version", number, c.oldest)
	case number > minor(c.newest):
		refusal = fmt.Sprintf("client version 1.%d is too new. Maximum supported API version is %s", number, c.newest)
	}
	if refusal != "" {
		c.requests = append(c.requests, request+" refused")
		w.Header().Set("Api-Version", c.newest)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(Object{"message": refusal})
		return false
	}
	c.requests = append(c.requests, request)
	own := min(max(number, minor(c.host.oldest)), minor(c.host.APIVersion))
	r.URL.Path = fmt.Sprintf("/v1.%d%s", own, asked[2])
	return true
}

// lie puts the claim where the engine tells its versions.
func (c *Claim) lie(resp *http.Response) error {
	c.mu.Lock()
	oldest, newest := c.oldest, c.newest
	c.mu.Unlock()
	resp.Header.Set("Api-Version", newest)
	if !strings.HasSuffix(resp.Request.URL.Path, "/version") {
		return nil
	}
	var body Object
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return err
	}
	body["ApiVersion"], body["MinAPIVersion"] = newest, oldest
	data, err := json.Marshal(body)
	resp.Body = io.NopCloser(bytes.NewReader(data))
	resp.ContentLength = int64(len(data))
	resp.Header.Set("Content-Length", strconv.Itoa(len(data)))
	return err
}

// minor is 41 of 1.41.
func minor(version string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(version, "1."))
	return n
}
