package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/errclass"
)

const (
	// maxToken bounds a token service's answer.
	maxToken = 128 << 10
	// defaultExpiry is how long a token lives whose service does not say: the
	// distribution specification's number.
	defaultExpiry = 60 * time.Second
	// refusedFor is how long a login that was refused is left alone.
	refusedFor = 15 * time.Minute
)

// token is a bearer token, for one or more repositories.
type token struct {
	value        credentials.Secret
	login        credentials.Credential // what it was given for
	expires      time.Time
	repositories []string
	proven       map[string]bool // where it has worked; under the host's lock
}

// refusal is a login that was refused, and when.
type refusal struct {
	login credentials.Credential
	until time.Time
}

// token returns a live token for the reference's repository. One request gets it
// for all repositories of the check that have none and share its login.
func (h *host) token(ctx context.Context, ref Reference) (*token, error) {
	login, err := h.login(ctx, ref)
	if err != nil {
		return nil, err
	}
	if t := h.live(ref.Repository, login); t != nil {
		return t, nil
	}
	h.fetching.Lock()
	defer h.fetching.Unlock()
	// Fetched while this one waited, or its login refused.
	if login, err = h.login(ctx, ref); err != nil {
		return nil, err
	}
	if t := h.live(ref.Repository, login); t != nil {
		return t, nil
	}
	batch := h.batch(ctx, ref, login)
	t, err := h.fetch(ctx, ref, login, batch)
	var e *Error
	if errors.As(err, &e) && len(batch) > 1 &&
		e.Status != 0 && e.Status != http.StatusUnauthorized && e.Status != http.StatusTooManyRequests {
		// Some services refuse several scopes.
		batch = batch[:1]
		h.mu.Lock()
		h.single = true
		h.mu.Unlock()
		t, err = h.fetch(ctx, ref, login, batch)
	}
	if errdefs.IsUnauthorized(err) && !login.IsZero() {
		// Asked once more as anybody: the image may be public.
		h.refuse(login, batch...)
		if public, again := h.fetch(ctx, ref, credentials.Credential{}, batch); again == nil {
			t, err = public, nil
		}
	}
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
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

// drop forgets a token everywhere. The caller holds the lock.
func (h *host) drop(t *token) {
	for repository, have := range h.tokens {
		if have == t {
			delete(h.tokens, repository)
		}
	}
}

// batch is the repositories one token is asked for, this one first: services
// that take the first only take the one that is needed now.
func (h *host) batch(ctx context.Context, ref Reference, login credentials.Credential) []string {
	h.mu.Lock()
	// Two that need their own tell of a service that takes one scope only; one
	// may simply be forbidden to this login.
	single := h.single || h.alone[ref.Repository] || len(h.alone) > 1
	repositories, alone := h.repositories, maps.Clone(h.alone)
	h.mu.Unlock()
	out := []string{ref.Repository}
	if single {
		return out
	}
	for _, repository := range repositories {
		if slices.Contains(out, repository) || alone[repository] || h.live(repository, login) != nil {
			continue
		}
		other, err := h.login(ctx, Reference{Host: ref.Host, Repository: repository})
		if err == nil && other == login {
			out = append(out, repository)
		}
	}
	return out
}

// login asks the store, and leaves a login alone that was refused lately.
func (h *host) login(ctx context.Context, ref Reference) (credentials.Credential, error) {
	login, err := h.client.store.Credential(ctx, ref.Host+"/"+ref.Repository)
	if err != nil {
		return credentials.Credential{}, &Error{Op: "credential", Reference: ref.String(), Err: err}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if r, ok := h.refusedLogin[ref.Repository]; ok && r.login == login && time.Now().Before(r.until) {
		return credentials.Credential{}, nil
	}
	return login, nil
}

func (h *host) refuse(login credentials.Credential, repositories ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, repository := range repositories {
		h.refusedLogin[repository] = refusal{login, time.Now().Add(refusedFor)}
	}
}

// fetch makes one token request.
func (h *host) fetch(ctx context.Context, ref Reference, login credentials.Credential, repositories []string) (*token, error) {
	if !login.RegistryToken.IsZero() {
		return &token{
			value: login.RegistryToken, login: login, expires: time.Now().Add(defaultExpiry),
			repositories: repositories[:1], proven: map[string]bool{},
		}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, h.client.timeout,
		errclass.With(errdefs.ErrUnavailable, errors.New("no token within "+h.client.timeout.String())))
	defer cancel()
	req, err := h.tokenRequest(ctx, login, repositories)
	if err != nil {
		return nil, broken(ref, err)
	}
	resp, err := h.send(req)
	if err != nil {
		return nil, unanswered(ctx, "token for", ref, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, refused("token for", ref, resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxToken+1))
	if err != nil {
		return nil, unanswered(ctx, "token for", ref, err)
	}
	value, lives, err := parseToken(body)
	if err != nil {
		return nil, broken(ref, err)
	}
	return &token{
		value: value, login: login, expires: time.Now().Add(lives), repositories: repositories, proven: map[string]bool{},
	}, nil
}

// parseToken reads a token service's answer. The margin never eats a short
// token's whole life.
func parseToken(body []byte) (credentials.Secret, time.Duration, error) {
	var answer struct {
		Token       string  `json:"token"`
		AccessToken string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"`
	}
	if len(body) > maxToken {
		return credentials.Secret{}, 0, fmt.Errorf("a token of more than %d bytes", maxToken)
	}
	if json.Unmarshal(body, &answer) != nil {
		return credentials.Secret{}, 0, errors.New("the token service's answer is not JSON")
	}
	value := answer.Token
	if value == "" {
		value = answer.AccessToken
	}
	if value == "" || strings.ContainsAny(value, "\r\n") {
		return credentials.Secret{}, 0, errors.New("the token service's answer holds no token")
	}
	lives := defaultExpiry
	if answer.ExpiresIn > 0 {
		lives = time.Duration(min(answer.ExpiresIn, 24*60*60) * float64(time.Second))
	}
	return credentials.NewSecret(value), lives - min(5*time.Second, lives/10), nil
}

// tokenRequest is a GET, or for an identity token the OAuth2 grant.
func (h *host) tokenRequest(ctx context.Context, login credentials.Credential, repositories []string) (*http.Request, error) {
	h.mu.Lock()
	params, base := h.challenge.params, h.base
	h.mu.Unlock()
	realm, err := url.Parse(params["realm"])
	if err != nil || realm.Host == "" {
		return nil, errors.New("the challenge names no realm")
	}
	if err := trusted(realm, base); err != nil {
		return nil, err
	}
	values := realm.Query()
	if service := params["service"]; service != "" {
		values.Set("service", service)
	}
	scopes := make([]string, len(repositories))
	for i, repository := range repositories {
		scopes[i] = "repository:" + repository + ":pull"
	}
	if login.IdentityToken.IsZero() {
		values["scope"] = scopes
		realm.RawQuery = values.Encode()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, realm.String(), nil)
		if err == nil && login.Username != "" {
			req.SetBasicAuth(login.Username, login.Password.Reveal())
		}
		return req, err
	}
	values.Set("grant_type", "refresh_token")
	values.Set("client_id", userAgent)
	values.Set("refresh_token", login.IdentityToken.Reveal())
	values.Set("scope", strings.Join(scopes, " "))
	realm.RawQuery = ""
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, realm.String(), strings.NewReader(values.Encode()))
	if err == nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req, err
}

// trusted: a registry behind TLS must not send a login in clear, nor to this
// machine or its network's own services.
func trusted(realm *url.URL, base string) error {
	registry, err := url.Parse(base)
	if err != nil {
		return err
	}
	if realm.Scheme != "https" && (realm.Scheme != "http" || registry.Scheme != "http") {
		return fmt.Errorf("its token service at %s is not reached over https", realm.Host)
	}
	ip, err := netip.ParseAddr(realm.Hostname())
	local := err == nil && (ip.IsLoopback() || ip.IsLinkLocalUnicast()) || realm.Hostname() == "localhost"
	if local && !isLoopback(registry.Host) && realm.Hostname() != registry.Hostname() {
		return fmt.Errorf("its token service at %s is on this machine, the registry is not", realm.Host)
	}
	return nil
}

// broken is a registry that breaks its own rules.
func broken(ref Reference, err error) *Error {
	return &Error{Op: "ask about", Reference: ref.String(), Err: errclass.With(errdefs.ErrUnavailable, err)}
}
