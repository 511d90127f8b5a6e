package registrytest

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TokenPrefix is what all tokens begin with, so that a test can look for them
// where no token must be.
const TokenPrefix = "registrytest-token-"

// grant is what a token opens.
type grant struct {
	scopes  []string // without what they allow: "repository:team/app"
	expires time.Time
}

// Revoke ends the tokens that were given so far.
func (r *Registry) Revoke() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.tokens)
}

// Token gives a token for the repositories, without asking who wants it.
func (r *Registry) Token(repositories ...string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := &grant{expires: time.Now().Add(r.profile.Expires)}
	for _, repository := range repositories {
		g.scopes = append(g.scopes, r.scope(repository))
	}
	return r.give(g)
}

// give makes a token.
func (r *Registry) give(g *grant) string {
	r.given++
	token := TokenPrefix + strconv.Itoa(r.given) + "-" + rand.Text() + strings.Repeat("x", len(g.scopes)*r.profile.ScopeBytes)
	r.tokens[token] = g
	return token
}

// scope is a repository's, without what it allows.
func (r *Registry) scope(repository string) string {
	return "repository:" + r.profile.ScopePrefix + repository
}

// opens says whether the Authorization header is a token for the repository, or
// any if that is empty.
func (r *Registry) opens(authorization, repository string) bool {
	kind, token, _ := strings.Cut(authorization, " ")
	g := r.tokens[token]
	if !strings.EqualFold(kind, "bearer") || g == nil || !time.Now().Before(g.expires) {
		return false
	}
	return repository == "" || slices.Contains(g.scopes, r.scope(repository))
}

// replyToken is the token service: a GET with or without a login, or a POST of an
// OAuth2 grant.
func (r *Registry) replyToken(req *http.Request, entry *Request) reply {
	p := r.profile
	if req.Method != http.MethodGet && req.Method != http.MethodPost || req.ParseForm() != nil {
		return failure(http.StatusMethodNotAllowed, "UNSUPPORTED", "a token is asked for by GET or POST")
	}
	scopes := strings.Fields(strings.Join(req.Form["scope"], " "))
	known, right := r.identify(req, entry)
	entry.Authorized = right
	switch service := req.Form.Get("service"); {
	case service != p.Service && (service != "" || !p.ServiceOptional):
		return failure(http.StatusBadRequest, "UNSUPPORTED", "another service")
	case !right && p.LoginStatus != http.StatusOK:
		return failure(p.LoginStatus, "UNAUTHORIZED", "incorrect username or password")
	case p.BatchStatus != 0 && len(scopes) > 1:
		return failure(p.BatchStatus, "UNSUPPORTED", "one scope at a time")
	case p.FirstScopeOnly && len(scopes) > 1:
		scopes = scopes[:1]
	}
	g := &grant{expires: time.Now().Add(p.Expires)}
	for _, scope := range scopes {
		scope = scope[:max(0, strings.LastIndex(scope, ":"))] // without ":pull"
		repository, ok := strings.CutPrefix(scope, r.scope(""))
		if ok && r.mayRead(repository, known) {
			g.scopes = append(g.scopes, scope)
		}
	}
	if len(scopes) > 0 && len(g.scopes) == 0 && p.NobodyStatus != 0 {
		return failure(p.NobodyStatus, "DENIED", "requested access to the resource is denied")
	}
	return reply{mediaType: typeJSON, body: []byte(p.Answer(r.give(g), p.Expires))}
}

// identify finds out who asks: somebody who is known, or, without credentials,
// anybody. What is not right is a login that is not taken.
func (r *Registry) identify(req *http.Request, entry *Request) (known, right bool) {
	user, password, given := req.BasicAuth()
	switch req.PostFormValue("grant_type") {
	case "refresh_token":
		entry.Credentials = "refresh_token"
		known = r.identityToken != "" && req.PostFormValue("refresh_token") == r.identityToken
		return known, known
	case "password":
		entry.Credentials = "password"
		user, password, given = req.PostFormValue("username"), req.PostFormValue("password"), true
	}
	known = given && r.knows(user, password)
	return known, known || !given
}

// The forms that answers of token services have.

func answerAll(token string, expires time.Duration) string {
	return string(encode(object{
		"token": token, "access_token": token, "expires_in": int(expires / time.Second), "issued_at": time.Now().UTC(),
	}))
}

func answerToken(token string, _ time.Duration) string { return string(encode(object{"token": token})) }

func answerAccessToken(token string, _ time.Duration) string {
	return string(encode(object{"access_token": token}))
}
