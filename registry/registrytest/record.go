package registrytest

import (
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
)

// Kind is what a request is about.
type Kind string

// The kinds of requests.
const (
	// KindPing is one for the API itself, "/v2/".
	KindPing Kind = "ping"
	// KindToken is one to the token service.
	KindToken Kind = "token"
	// KindHead asks where a tag points, or whether a manifest is there.
	KindHead Kind = "head"
	// KindManifest reads a manifest: what counts as a pull.
	KindManifest Kind = "manifest"
	// KindBlob is one for a blob.
	KindBlob Kind = "blob"
	// KindOther is any other: tags, referrers, redirects, what is not there.
	KindOther Kind = "other"
)

// Request is one that came in.
type Request struct {
	// Kind is what it is about.
	Kind Kind
	// Method, Host and Path are as it was sent, without its query.
	Method, Host, Path string
	// Status is what it was answered; 0 if it was not, or not yet.
	Status int
	// Credentials is how it proved who it is: "basic", "bearer", or at the token
	// service "refresh_token" or "password"; empty if it did not.
	Credentials string
	// Authorized says that the credentials were good for what it asked, or that
	// none were needed; at the token service, that the login is right or there was
	// none.
	Authorized bool
}

// String reads "head registry.example/v2/app/manifests/1 200 bearer".
func (r Request) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s%s %d %s", r.Kind, r.Host, r.Path, r.Status, r.Credentials))
}

// Requests are requests in the order in which they came.
type Requests []Request

// Requests returns the requests since the last time it was asked.
func (r *Registry) Requests() Requests {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(Requests, len(r.requests))
	for i, request := range r.requests {
		out[i] = *request
	}
	r.requests = nil
	return out
}

// String is a table of them, a line each.
func (rs Requests) String() string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range rs {
		authorized := "refused"
		if r.Authorized {
			authorized = "authorized"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s%s\t%d\t%s\t%s\n", r.Kind, r.Method, r.Host, r.Path, r.Status, authorized, r.Credentials)
	}
	_ = table.Flush()
	return b.String()
}

// Counts returns how many there are of each kind.
func (rs Requests) Counts() Counts {
	var c Counts
	for _, r := range rs {
		*c.of(r.Kind)++
	}
	return c
}

// BadLogins returns how many carried a login, or an identity token, that was not
// taken: what locks accounts.
func (rs Requests) BadLogins() int {
	n := 0
	for _, r := range rs {
		if r.Credentials != "" && r.Credentials != "bearer" && !r.Authorized {
			n++
		}
	}
	return n
}

// Counts are numbers of requests by kind. They can be compared with ==.
type Counts struct {
	Ping, Token, Head, Manifest, Blob, Other int
}

func (c *Counts) of(k Kind) *int {
	switch k {
	case KindPing:
		return &c.Ping
	case KindToken:
		return &c.Token
	case KindHead:
		return &c.Head
	case KindManifest:
		return &c.Manifest
	case KindBlob:
		return &c.Blob
	default:
		return &c.Other
	}
}

// All is their sum.
func (c Counts) All() int { return c.Ping + c.Token + c.Head + c.Manifest + c.Blob + c.Other }

// String reads "1 token, 11 head": those there are.
func (c Counts) String() string {
	var parts []string
	for _, k := range []Kind{KindPing, KindToken, KindHead, KindManifest, KindBlob, KindOther} {
		if n := *c.of(k); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k))
		}
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// recorder notes the status of an answer before it is sent, so that who has the
// answer finds it in the list.
type recorder struct {
	http.ResponseWriter
	registry *Registry
	request  *Request
}

func (w *recorder) note(status int) {
	w.registry.mu.Lock()
	defer w.registry.mu.Unlock()
	if w.request.Status == 0 {
		w.request.Status = status
	}
}

func (w *recorder) WriteHeader(status int) {
	w.note(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	w.note(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
