package registry

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/credentials"
)

// accept names all that a tag can point at. A registry that is told less answers
// with something else, or not at all. It is one line: some read the first only.
const accept = "application/vnd.oci.image.index.v1+json, " +
	"application/vnd.docker.distribution.manifest.list.v2+json, " +
	"application/vnd.oci.image.manifest.v1+json, " +
	"application/vnd.docker.distribution.manifest.v2+json"

// attempts bound one question: as nobody asked for more, as the challenge says,
// with a token of the repository's own, as anybody. They are tried only where the
// refusal gives reason to believe that they help.
const attempts = 4

// ask sends a request about the reference's repository, "/manifests/1.2" say,
// with what the registry wants to see. The caller discards the answer.
func (h *host) ask(ctx context.Context, method string, ref Reference, path string) (*http.Response, error) {
	resp, err := h.askAs(ctx, method, ref, path)
	refused := errdefs.IsUnauthorized(err) || errdefs.IsPermissionDenied(err) ||
		err == nil && (resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden)
	if !refused || !h.open(ctx, ref) {
		return resp, err
	}
	if err == nil {
		discard(resp)
	}
	return h.askAs(ctx, method, ref, path)
}

// askAs asks as whoever login says.
func (h *host) askAs(ctx context.Context, method string, ref Reference, path string) (*http.Response, error) {
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
		if attempt < attempts && (h.relearn(ref, resp, auth) || h.invites(ctx, ref, resp, auth)) {
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

// get sends a request with a body-less method. A registry that may be reached in
// two ways is asked in the second if the first is not answered, or answered as a
// server does that wants TLS; the way that was answered is kept. That comes before
// anything is known of it, so that no login goes the way that is not taken.
func (h *host) get(ctx context.Context, method, path, authorization string) (*http.Response, error) {
	h.mu.Lock()
	bases := h.bases
	h.mu.Unlock()
	resp, err := h.try(ctx, method, bases[0]+path, authorization)
	if len(bases) > 1 && ctx.Err() == nil && (err != nil && !spoke(err) || err == nil && wantsTLS(resp, bases[0])) {
		second, failed := h.try(ctx, method, bases[1]+path, authorization)
		switch {
		case failed != nil && !spoke(failed):
		case failed == nil && err == nil && second.StatusCode == resp.StatusCode: // it is refused, however it is asked
		default:
			bases, resp, err = bases[1:], second, failed
		}
	}
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.bases) > 1 { // else another request has settled it
		h.bases = bases[:1]
	}
	h.multiplex = resp.ProtoMajor > 1
	h.observe(resp.Header, time.Now())
	return resp, nil
}

// spoke: what failed there is not the way it was asked.
func spoke(err error) bool {
	var late timeout
	return errdefs.IsFailedPrecondition(err) || errors.As(err, &late)
}

// wantsTLS: so refuses what speaks TLS that which does not.
func wantsTLS(resp *http.Response, base string) bool {
	return strings.HasPrefix(base, "http://") && resp.StatusCode == http.StatusBadRequest
}

func (h *host) try(ctx context.Context, method, target, authorization string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := h.send(req, false)
	if err == nil && resp.StatusCode != http.StatusOK {
		discard(resp) // its status and header say it all, and the next request may need its place
	}
	return resp, err
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
