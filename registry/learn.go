package registry

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/watchtower-go/watchtower/credentials"
)

// relearn takes in an answer and says whether to ask again.
func (h *host) relearn(ref Reference, resp *http.Response, used authorization) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, repository := used.token, ref.Repository
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized:
	case code == http.StatusForbidden && t != nil && !t.proven[repository]:
		// Some say so to a token that is for another repository.
	case code < http.StatusInternalServerError && code != http.StatusForbidden && code != http.StatusTooManyRequests:
		h.prove(used, repository)
		return false
	default:
		return false
	}
	h.take(resp, repository, used)
	switch {
	case h.challenge.scheme != used.challenge.scheme: // learned, by this request or another
		h.drop(func(have *token, _ string) bool { return have == t })
	case used.header == "":
		return false
	case t == nil:
		r := refusal{login: used.login}
		if h.works == used.login { // elsewhere; a second one in a row is about the login
			r.repository, h.works = repository, credentials.Credential{}
		}
		h.refuse(r)
	case t.scopes[repository] != h.scopeOf(repository): // asked for under another name
		h.drop(func(have *token, of string) bool { return have == t && of == repository })
	case t.proven[repository]: // revoked; the others are not likely to have been spared
		if h.tokens[repository] == t {
			h.drop(func(have *token, _ string) bool { return have.login == t.login })
		}
	case len(t.repositories) > 1: // it may be good for others only
		h.alone[repository] = true
		h.drop(func(have *token, of string) bool { return have == t && of == repository })
	default: // not open to this login, so there is no doubt about shared tokens
		if h.alone[repository] {
			h.alone[repository] = false
		}
		h.drop(func(have *token, _ string) bool { return have == t }) // access may come with a new one
		if used.login.IsZero() {
			return false
		}
		h.refuse(refusal{login: used.login, repository: repository})
	}
	return true
}

// take keeps the challenge of an answer, about a repository or about none. One
// that asks for the login in place of a token, as Harbor's does once a token is
// refused, is of no use to who has none. The caller holds the lock.
func (h *host) take(resp *http.Response, repository string, used authorization) {
	c, ok := pick(parseChallenges(resp.Header))
	if !ok || c.scheme == "basic" && used.token != nil && used.login.Username == "" {
		return
	}
	if c.scheme == "bearer" {
		h.service = c
	}
	if scope := c.params["scope"]; scope != "" && repository != "" {
		h.scopes[repository] = scope
	}
	h.challenge = c
}

// prove notes that the login or token opens the repository. If only its own token
// did, the service's shared ones are of no use. The caller holds the lock.
func (h *host) prove(used authorization, repository string) {
	t := used.token
	if t == nil && !used.login.IsZero() {
		h.works = used.login
	}
	if t == nil || t.proven[repository] {
		return
	}
	t.proven[repository] = true
	if len(t.repositories) > 1 {
		return
	}
	if h.alone[repository] {
		h.single = true
		h.drop(func(have *token, of string) bool { return len(have.repositories) > 1 && !have.proven[of] })
	}
	delete(h.alone, repository)
}

// drop forgets tokens by repository. The caller holds the lock.
func (h *host) drop(gone func(t *token, repository string) bool) {
	for repository, t := range h.tokens {
		if gone(t, repository) {
			delete(h.tokens, repository)
		}
	}
}

// invites: some registries that serve the public without a login do not ask for
// one where there is something to hide; they do at their own address, where
// engines ask first. It is asked once, and only for those who have a login.
func (h *host) invites(ctx context.Context, ref Reference, resp *http.Response, used authorization) bool {
	if used.challenge.scheme != "" || resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusNotFound {
		return false
	}
	if login, err := h.login(ctx, ref); err != nil || login.IsZero() {
		return false
	}
	if h.fetching.Acquire(ctx, 1) != nil {
		return false
	}
	defer h.fetching.Release(1)
	h.mu.Lock()
	invited, learned := h.invited, h.challenge.scheme != ""
	h.invited = true
	h.mu.Unlock()
	if invited || learned {
		return learned
	}
	own, err := h.get(ctx, http.MethodGet, "/v2/", "")
	if err != nil {
		h.client.logger.Log(ctx, slog.LevelDebug, "registry did not answer at its own address", "host", h.name)
		return false
	}
	defer discard(own)
	h.mu.Lock()
	defer h.mu.Unlock()
	if own.StatusCode == http.StatusUnauthorized {
		h.take(own, "", authorization{})
	}
	return h.challenge.scheme != ""
}
