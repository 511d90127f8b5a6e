package registry

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/credentials"
)

const (
	// longToken is where a shared token is asked for again for fewer
	// repositories: 8 KiB is what common servers take for one header.
	longToken = 7 << 10
	// longScopes bounds what is asked for at once: 8 KiB is what they take for
	// the request's line.
	longScopes = 4 << 10
)

// token is a bearer token, for one or more repositories.
type token struct {
	value        credentials.Secret
	login        credentials.Credential // what it was given for
	expires      time.Time
	repositories []string
	scopes       map[string]string // by repository, what was asked for; under the host's lock, as is
	proven       map[string]bool   // where it has worked
}

// token returns a live token for the reference's repository, from the login there
// is for it, or else as anybody gets it: the image may be public.
func (h *host) token(ctx context.Context, ref Reference) (*token, error) {
	login, err := h.login(ctx, ref)
	if err != nil {
		return nil, err
	}
	if t := h.live(ref.Repository, login); t != nil {
		return t, nil
	}
	if err := h.fetching.Acquire(ctx, 1); err != nil {
		return nil, unanswered(ctx, opToken, ref, err)
	}
	defer h.fetching.Release(1)
	// Fetched while this one waited, or its login refused, or none are to be had.
	if err := h.closed(ref); err != nil {
		return nil, err
	}
	if login, err = h.login(ctx, ref); err != nil {
		return nil, err
	}
	if t := h.live(ref.Repository, login); t != nil {
		return t, nil
	}
	t, err := h.obtain(ctx, ref, login)
	if login.IsZero() || !errdefs.IsUnauthorized(err) && !errdefs.IsPermissionDenied(err) {
		return t, err
	}
	h.mu.Lock()
	r := refusal{login: login}
	if h.forbidden++; !errdefs.IsUnauthorized(err) && h.forbidden < strikes {
		r.repository = ref.Repository // the login may be good for others
	}
	h.refuse(r)
	h.loginTrouble[ref.Repository] = refusedText(login)
	h.mu.Unlock()
	if public, again := h.obtain(ctx, ref, credentials.Credential{}); again == nil {
		return public, nil
	}
	return nil, err
}

// obtain gets a token with one request, for all repositories of the check that
// have none and share the login. Where the service refuses that, or makes a token
// of it that is too long to be sent, it is asked for less.
func (h *host) obtain(ctx context.Context, ref Reference, login credentials.Credential) (*token, error) {
	batch := h.batch(ctx, ref, login)
	scopes := map[string]string{}
	for _, repository := range batch {
		scopes[repository] = h.scope(repository)
	}
	t, err := h.fetch(ctx, ref, login, batch)
	for err == nil && len(batch) > 1 && len(t.value.Reveal()) > longToken {
		batch = batch[:len(batch)/2]
		h.mu.Lock()
		h.most = len(batch)
		h.mu.Unlock()
		t, err = h.fetch(ctx, ref, login, batch)
	}
	var e *Error
	if len(batch) > 1 && errors.As(err, &e) && e.Status != 0 && e.Status != http.StatusTooManyRequests &&
		(login.IsZero() || e.Status != http.StatusUnauthorized) { // a wrong login is not tried twice
		batch = batch[:1]
		if t, err = h.fetch(ctx, ref, login, batch); err == nil {
			h.mu.Lock()
			h.single = true
			h.mu.Unlock()
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.lost = errdefs.IsUnavailable(err)
		if errors.As(err, &e) {
			h.heed(e)
		}
		return nil, err
	}
	if !login.IsZero() {
		h.forbidden = 0
	}
	t.scopes = scopes
	for _, repository := range batch {
		h.tokens[repository] = t
	}
	return t, nil
}

// live is a token for the repository that has not expired and that this very
// login got.
func (h *host) live(repository string, login credentials.Credential) *token {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.tokens[repository]; t != nil && t.login == login && time.Now().Before(t.expires) {
		return t
	}
	return nil
}

// batch is the repositories one token is asked for, this one first: services
// that take the first only take the one that is needed now.
func (h *host) batch(ctx context.Context, ref Reference, login credentials.Credential) []string {
	h.mu.Lock()
	_, isAlone := h.alone[ref.Repository]
	single, most := h.single || isAlone, h.most
	repositories, alone := h.repositories, maps.Clone(h.alone)
	h.mu.Unlock()
	out := []string{ref.Repository}
	if single {
		return out
	}
	size := len(url.QueryEscape(h.scope(ref.Repository)))
	for _, repository := range repositories {
		if _, ok := alone[repository]; ok || repository == ref.Repository || h.live(repository, login) != nil {
			continue
		}
		other, err := h.login(ctx, Reference{Host: ref.Host, Repository: repository})
		if err != nil || other != login {
			continue
		}
		size += len("&scope=") + len(url.QueryEscape(h.scope(repository)))
		if len(out) == most || size > longScopes {
			break
		}
		out = append(out, repository)
	}
	return out
}

// scope is what a token for the repository has to allow: what the registry said,
// or else what registries say.
func (h *host) scope(repository string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.scopeOf(repository)
}

// scopeOf is scope. The caller holds the lock.
func (h *host) scopeOf(repository string) string {
	if scope, ok := h.scopes[repository]; ok {
		return scope
	}
	return "repository:" + repository + ":pull"
}
