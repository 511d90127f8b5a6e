package registrytest

import (
	"net/http"
	"slices"
	"strings"
)

// Access is who may read a repository.
type Access int

// Who may.
const (
	// Public is for all; a Bearer registry wants a token all the same, which
	// all get.
	Public Access = iota
	// Open is for all, without a token.
	Open
	// Private is for the login, or the identity token.
	Private
	// Closed is for nobody.
	Closed
)

// SetAccess says who may read a repository, whoever may read the others.
func (r *Registry) SetAccess(repository string, a Access) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.access[repository] = a
}

type login struct{ user, password string }

// SetLogin sets the login that is taken, in place of the last one. From then on
// repositories are Private unless SetAccess says otherwise. Tokens live on.
func (r *Registry) SetLogin(user, password string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.login = &login{user, password}
}

// SetIdentityToken sets the identity token that the token service exchanges, as
// SetLogin does with a login.
func (r *Registry) SetIdentityToken(token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.identityToken = token
}

// accessTo is who may read the repository.
func (r *Registry) accessTo(repository string) Access {
	a, set := r.access[repository]
	if !set && (r.profile.Private || r.login != nil || r.identityToken != "") {
		return Private
	}
	return a
}

// mayRead says whether one who is known, or is not, may read the repository.
func (r *Registry) mayRead(repository string, known bool) bool {
	a := r.accessTo(repository)
	return a == Public || a == Open || a == Private && known
}

// knows says whether the login is taken.
func (r *Registry) knows(user, password string) bool {
	usual := len(r.profile.Usernames) == 0 || slices.Contains(r.profile.Usernames, user)
	return r.login != nil && usual && *r.login == login{user, password}
}

// scheme is how a request proves who it is.
func scheme(req *http.Request) string {
	text, _, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	return strings.ToLower(text)
}

// refuse says whether the request may not have what it is about, and what it is
// told then.
func (r *Registry) refuse(req *http.Request, about subject, entry *Request) (reply, bool) {
	carried := entry.Credentials != ""
	limit := r.profile.HeaderLimit
	switch {
	case limit > 0 && len(req.Header.Get("Authorization")) > limit:
		return failure(http.StatusRequestHeaderFieldsTooLarge, "UNSUPPORTED", "header too large"), true
	case r.allowed(req, about):
		return reply{}, false
	case r.profile.Auth == None, r.profile.Hides && !carried && about.kind != KindPing:
		return failure(http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry"), true
	}
	c := Challenge{Realm: r.realm.String(), Service: r.profile.Service, Carried: carried}
	if r.profile.Auth == Basic {
		c.Realm = r.profile.Realm
	}
	if about.repository != "" {
		c.Scope = r.scope(about.repository) + ":pull"
	}
	out := failure(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	for _, header := range r.profile.Challenges(c) {
		out = out.with("WWW-Authenticate", header)
	}
	return out, true
}

// allowed says whether the request may have what it is about.
func (r *Registry) allowed(req *http.Request, about subject) bool {
	ping := about.repository == ""
	access := r.accessTo(about.repository)
	if access == Public && r.profile.Hides {
		access = Open
	}
	switch {
	case access == Closed:
		return false
	case r.profile.Auth == None, access == Open && !ping:
		return true
	}
	if user, password, given := req.BasicAuth(); given {
		return (r.profile.Auth == Basic || r.profile.TakesBasic) && r.knows(user, password)
	}
	if r.profile.Auth == Basic {
		return access == Public && !ping && req.Header.Get("Authorization") == ""
	}
	return r.opens(req.Header.Get("Authorization"), about.repository)
}
