package registry

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"

	"github.com/watchtower-go/watchtower/credentials"
)

// accept names all that a tag can point at. A registry that is told less answers
// with something else, or not at all. It is one line: some read the first only.
const accept = "application/vnd.oci.image.index.v1+json, " +
	"application/vnd.docker.distribution.manifest.list.v2+json, " +
	"application/vnd.oci.image.manifest.v1+json, " +
	"application/vnd.docker.distribution.manifest.v2+json"

// attempts bound one question: over TLS, as the challenge says, with a token of
// the repository's own, as anybody. They are tried only where the refusal gives
// reason to believe that they help.
const attempts = 5

// ask sends a request about the reference's repository, "/manifests/1.2" say,
// with what the registry wants to see. The caller discards the answer.
func (h *host) ask(ctx context.Context, method string, ref Reference, path string) (*http.Response, error) {
	op := strings.ToLower(method)
	var login error // how the login was refused
	for attempt := 1; ; attempt++ {
		auth, err := h.authorization(ctx, ref)
		if err != nil {
			if login != nil {
				return nil, login
			}
			return nil, err
		}
		resp, err := h.get(ctx, method, "/v2/"+ref.Repository+path, auth.header)
		if err != nil {
			return nil, unanswered(ctx, op, ref, err)
		}
		if attempt < attempts && (h.wantsTLS(ctx, resp) || h.relearn(ref, resp, auth) || h.invites(ctx, ref, resp, auth)) {
			if !auth.login.IsZero() {
				login = denied(op, ref, resp)
			}
			discard(resp)
			continue
		}
		if login != nil && (resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden) {
			discard(resp)
			return nil, login // it is not for anybody either, so the login is what is wrong
		}
		return resp, nil
	}
}

// get sends a request with a body-less method.
func (h *host) get(ctx context.Context, method, path, authorization string) (*http.Response, error) {
	h.mu.Lock()
	target := h.base + path
	h.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	return h.client.send(req)
}

// wantsTLS: a registry on the loopback may speak TLS, and then refuses what
// does not. A handshake tells.
func (h *host) wantsTLS(ctx context.Context, resp *http.Response) bool {
	h.mu.Lock()
	base, asked := h.base, h.asked
	h.asked = true
	h.mu.Unlock()
	plain, ok := strings.CutPrefix(base, "http://")
	if !h.loopback || asked || !ok || resp.StatusCode != http.StatusBadRequest {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, h.client.timeout)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // as the engine does on the loopback
	conn, err := dialer.DialContext(ctx, "tcp", plain)
	if err != nil {
		return false
	}
	_ = conn.Close()
	h.mu.Lock()
	h.base = "https://" + plain
	h.mu.Unlock()
	return true
}

// authorization is what a request carries, and where it came from.
type authorization struct {
	challenge challenge
	header    string
	token     *token
	login     credentials.Credential
}

// authorization is the one for a request about the reference.
func (h *host) authorization(ctx context.Context, ref Reference) (authorization, error) {
	h.mu.Lock()
	auth := authorization{challenge: h.challenge}
	h.mu.Unlock()
	switch auth.challenge.scheme {
	case "bearer":
		t, err := h.token(ctx, ref)
		if err != nil {
			return auth, err
		}
		auth.token, auth.login, auth.header = t, t.login, "Bearer "+t.value.Reveal()
	case "basic":
		login, err := h.login(ctx, ref)
		if err != nil {
			return auth, err
		}
		if login.Username != "" {
			auth.login, auth.header = login, basic(login)
		}
	}
	return auth, nil
}

func basic(c credentials.Credential) string {
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(c.Username, c.Password.Reveal())
	return req.Header.Get("Authorization")
}
