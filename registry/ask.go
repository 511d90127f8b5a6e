package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/errclass"
)

// ask sends a request about a manifest, with what the registry wants to see. A
// refusal is answered once with a new token, where there is reason to believe
// that it helps.
func (h *host) ask(ctx context.Context, method string, ref Reference, version string) (*http.Response, error) {
	op := strings.ToLower(method)
	const attempts = 3 // as we are, as the challenge says, with a token for this repository alone
	for attempt := 1; ; attempt++ {
		auth, err := h.authorization(ctx, ref)
		if err != nil {
			return nil, err
		}
		resp, cancel, err := h.manifest(ctx, method, ref, version, auth.header)
		if err != nil {
			return nil, unanswered(ctx, op, ref, err)
		}
		if h.wantsTLS(ctx, resp) {
			_ = resp.Body.Close()
			cancel()
			continue
		}
		if resp.StatusCode != http.StatusUnauthorized || attempt == attempts || !h.relearn(ref, resp, auth) {
			h.mu.Lock()
			h.asked = true
			if auth.token != nil && resp.StatusCode != http.StatusUnauthorized {
				auth.token.proven[ref.Repository] = true
			}
			h.mu.Unlock()
			resp.Body = &cancelBody{resp.Body, cancel}
			return resp, nil
		}
		cancel()
	}
}

func (h *host) manifest(ctx context.Context, method string, ref Reference, version, auth string) (*http.Response, context.CancelFunc, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, h.client.timeout,
		errclass.With(errdefs.ErrUnavailable, errors.New("no answer within "+h.client.timeout.String())))
	h.mu.Lock()
	target := h.base + "/v2/" + ref.Repository + "/manifests/" + version
	h.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	req.Header["Accept"] = accept
	req.Header.Set("User-Agent", userAgent)
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	resp, err := h.send(req)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		cancel()
		return nil, nil, err
	}
	return resp, cancel, nil
}

const userAgent = "watchtower-go"

// wantsTLS: a registry on the loopback may speak TLS, and then refuses what
// does not. A handshake tells.
func (h *host) wantsTLS(ctx context.Context, resp *http.Response) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.loopback || h.asked || resp.StatusCode != http.StatusBadRequest || resp.Request.URL.Scheme != "http" {
		return false
	}
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // as the engine does on the loopback
	conn, err := dialer.DialContext(ctx, "tcp", resp.Request.URL.Host)
	if err != nil {
		return false
	}
	_ = conn.Close()
	h.base = "https://" + strings.TrimPrefix(h.base, "http://")
	return true
}

// authorization is what a request carries, and where it came from.
type authorization struct {
	header string
	token  *token
	login  credentials.Credential // for basic
}

// authorization is the one for a request about the reference.
func (h *host) authorization(ctx context.Context, ref Reference) (authorization, error) {
	h.mu.Lock()
	c := h.challenge
	h.mu.Unlock()
	switch c.scheme {
	case "bearer":
		t, err := h.token(ctx, ref)
		if err != nil {
			return authorization{}, err
		}
		return authorization{header: "Bearer " + t.value.Reveal(), token: t}, nil
	case "basic":
		login, err := h.login(ctx, ref)
		if err != nil || login.Username == "" {
			return authorization{}, err
		}
		return authorization{header: basic(login), login: login}, nil
	default:
		return authorization{}, nil
	}
}

// relearn takes in a refusal and says whether to ask again.
func (h *host) relearn(ref Reference, resp *http.Response, used authorization) bool {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again
	_ = resp.Body.Close()
	c, ok := pick(parseChallenges(resp.Header))
	if used.header != "" && used.token == nil {
		// This login is not taken; perhaps the image is for everybody.
		h.refuse(used.login, ref.Repository)
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch t := used.token; {
	case t == nil:
		learned := ok && c.scheme != h.challenge.scheme
		h.challenge = c
		return learned
	case t.proven[ref.Repository]: // it has worked here: revoked
		h.drop(t)
	case len(t.repositories) > 1: // it never has: good for others only
		h.alone[ref.Repository] = true
		delete(h.tokens, ref.Repository)
	default:
		return false
	}
	if ok {
		h.challenge = c
	}
	return true
}

func basic(c credentials.Credential) string {
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(c.Username, c.Password.Reveal())
	return req.Header.Get("Authorization")
}

// cancelBody ends the request's own deadline with its body.
type cancelBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *cancelBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
