package registrytest

import (
	"net/http"
	"net/url"
	"time"
)

// Auth is what a registry asks of those who come without.
type Auth int

// What registries ask for.
const (
	// None: nothing; whoever comes is served, SetLogin or not.
	None Auth = iota
	// Basic: the login itself, with each request.
	Basic
	// Bearer: a token, which the token service gives.
	Bearer
)

// Profile is how a registry behaves. The zero value asks for nothing and does
// all as the distribution specification says; so does each zero field.
type Profile struct {
	// Name says what it reproduces, for test names: "Docker Hub".
	Name string
	// Host is the registry as references name it; "registry.example" if empty.
	Host string
	// Endpoint is the host that serves the API; Host if empty.
	Endpoint string

	// Auth is what is asked for.
	Auth Auth
	// Private says that repositories are for the login only, also while there
	// is none; otherwise they are for all until SetLogin is called.
	Private bool
	// Hides says that what is public is so without a token, and that who carries
	// no credentials gets status 404 for the rest and is asked for them at /v2/
	// only.
	Hides bool
	// TakesBasic says that a Bearer registry takes the login itself, too.
	TakesBasic bool
	// Usernames are the only ones taken, whatever SetLogin says; empty for any.
	Usernames []string
	// Challenges forms the WWW-Authenticate headers of a refusal. Nil is one
	// header, with all that Challenge has.
	Challenges func(Challenge) []string

	// Realm is the URL of the token service, or for Basic the text of the realm.
	// Empty: "/token" at Endpoint. One that listens on the loopback keeps the path
	// only.
	Realm string
	// Service is what the token service wants to be called; Host if empty.
	Service string
	// ServiceOptional says that it need not be called anything.
	ServiceOptional bool
	// ScopePrefix precedes the repository in scopes.
	ScopePrefix string
	// Expires is how long tokens live; 5 minutes if 0.
	Expires time.Duration
	// Answer forms what the token service answers. Nil is a JSON object with
	// token, access_token, expires_in and issued_at.
	Answer func(token string, expires time.Duration) string
	// FirstScopeOnly says that a token opens the first repository it was asked
	// for, and no other.
	FirstScopeOnly bool
	// BatchStatus is what a request for several scopes gets; 0 for a token.
	BatchStatus int
	// NobodyStatus is what those get who may read nothing of what they ask for; 0
	// for a token that opens nothing.
	NobodyStatus int
	// LoginStatus is what the token service answers to a wrong login; 401 if 0.
	// 200 is a token as anybody gets it.
	LoginStatus int
	// ScopeBytes is what each scope adds to a token's length.
	ScopeBytes int
	// HeaderLimit is the longest Authorization header that is read; longer ones
	// get status 431. 0 is no limit.
	HeaderLimit int

	// HeadStatus is what a HEAD for a manifest gets; 0 for the manifest.
	HeadStatus int
	// NoDigest leaves the Docker-Content-Digest header out.
	NoDigest bool
	// ManifestsAt is the path that requests for manifests are redirected to, on
	// the same host; empty for none.
	ManifestsAt string
	// NoReferrers says that the referrers API is not there.
	NoReferrers bool
	// PageSize is the most tags a page has; 0 for as many as the client wants.
	PageSize int
	// Limit is the pull rate limit.
	Limit Limit
}

// Limit is a pull rate limit as Docker Hub has it: it counts each GET of a
// manifest and no HEAD, tells what is left in the RateLimit-Limit and
// RateLimit-Remaining headers of both, and answers what is beyond it with
// status 429. The zero value is none.
type Limit struct {
	// Manifests is how many may be read within the window.
	Manifests int
	// Window begins with the first; whole seconds, at least one.
	Window time.Duration
}

// Challenge is what a refused request may be told.
type Challenge struct {
	// Realm is the token service's URL, or for Basic the text of the realm.
	Realm string
	// Service is the profile's.
	Service string
	// Scope is for the repository that was asked about; empty at /v2/.
	Scope string
	// Carried says that the request had credentials, which do not do.
	Carried bool
}

// bearer is the header that registries send.
func (c Challenge) bearer() string {
	text := `Bearer realm="` + c.Realm + `"`
	if c.Service != "" {
		text += `,service="` + c.Service + `"`
	}
	if c.Scope != "" {
		text += `,scope="` + c.Scope + `"`
	}
	return text
}

func (p Profile) withDefaults() Profile {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&p.Host, "registry.example")
	set(&p.Endpoint, p.Host)
	set(&p.Service, p.Host)
	if p.Auth == Basic {
		set(&p.Realm, p.Host)
	}
	if p.Expires == 0 {
		p.Expires = 5 * time.Minute
	}
	if p.LoginStatus == 0 {
		p.LoginStatus = http.StatusUnauthorized
	}
	if p.Challenges == nil {
		p.Challenges = func(c Challenge) []string {
			if p.Auth == Basic {
				return []string{`Basic realm="` + c.Realm + `"`}
			}
			return []string{c.bearer()}
		}
	}
	if p.Answer == nil {
		p.Answer = answerAll
	}
	return p
}

// realm is the token service's URL.
func (p Profile) realm() *url.URL {
	if u, err := url.Parse(p.Realm); err == nil && u.Host != "" {
		return u
	}
	return &url.URL{Scheme: "https", Host: p.Endpoint, Path: "/token"}
}
