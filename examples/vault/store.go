package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/credentials"
)

// vault is a credentials.Store on a service that lends logins for a short time. One that
// has less than a third of its time left is renewed before it is used, or another one is
// lent if that cannot be. While the vault does not answer, what is still valid is used.
//
// It has no goroutine: a login that nobody asks for runs out, as it should.
type vault struct {
	url    string // without a slash at the end
	token  credentials.Secret
	client *http.Client
	now    func() time.Time

	mu     sync.Mutex // also while the vault is asked: one question at a time
	leases map[string]lease
}

// lease is a login, and for how long it is one.
type lease struct {
	login         credentials.Credential
	id            string
	begun, expiry time.Time
}

// newVault is a store on the vault at a URL without a slash at the end.
func newVault(at string, token credentials.Secret, now func() time.Time) *vault {
	return &vault{
		url: at, token: token, now: now, leases: map[string]lease{},
		client: &http.Client{
			Timeout: 10 * time.Second,
			// The token would go along to whatever host an answer points at: net/http takes
			// only headers it knows to be secret off a request that is sent elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Credential answers for a host, whatever the repository.
func (v *vault) Credential(ctx context.Context, host string) (credentials.Credential, error) {
	host, _, _ = strings.Cut(host, "/")
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	have, ok := v.leases[host]
	if ok && have.expiry.Sub(now) >= have.expiry.Sub(have.begun)/3 {
		return have.login, nil
	}
	var answer reply
	err := errors.New("there is none to renew")
	if ok && now.Before(have.expiry) {
		err = v.ask(ctx, http.MethodPut, "/v1/sys/leases/renew", map[string]string{"lease_id": have.id}, &answer)
	}
	if err == nil { // the login is the same
		have.begun, have.expiry = now, now.Add(answer.lasts())
		v.leases[host] = have
		return have.login, nil
	}
	err = v.ask(ctx, http.MethodGet, "/v1/registry/creds/"+url.PathEscape(host), nil, &answer)
	switch {
	case errdefs.IsNotFound(err):
		delete(v.leases, host)
		return credentials.Credential{}, nil // anonymous
	case err != nil && ok && now.Before(have.expiry):
		return have.login, nil
	case err != nil:
		return credentials.Credential{}, err
	}
	v.leases[host] = lease{
		login: credentials.Credential{
			Username: answer.Data.Username, Password: credentials.NewSecret(answer.Data.Password), Source: v.String(),
		},
		id: answer.ID, begun: now, expiry: now.Add(answer.lasts()),
	}
	return v.leases[host].login, nil
}

// String names the store in messages.
func (v *vault) String() string { return "the vault" }

// reply is what the vault answers.
type reply struct {
	ID   string `json:"lease_id"`
	For  int    `json:"lease_duration"` // in seconds
	Data struct {
		Username string `json:"username"`
		Password string `json:"password"`
	} `json:"data"`
}

func (r reply) lasts() time.Duration { return time.Duration(r.For) * time.Second }

// ask asks the vault. Its errors hold neither the token nor what was answered.
func (v *vault) ask(ctx context.Context, method, path string, body map[string]string, into *reply) error {
	sent, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, v.url+path, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	req.Header.Set("X-Vault-Token", v.token.Reveal()) // the only place where it goes on the wire
	resp, err := v.client.Do(req)
	if err != nil {
		return fmt.Errorf("vault: %w: %w", errdefs.ErrUnavailable, err)
	}
	defer func() { _ = resp.Body.Close() }()
	var class error = errdefs.ErrUnavailable
	switch resp.StatusCode {
	case http.StatusOK:
		*into = reply{}
		if json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(into) == nil && into.For > 0 {
			return nil
		}
		return fmt.Errorf("vault: %s %s: the answer is no lease: %w", method, path, class)
	case http.StatusNotFound:
		class = errdefs.ErrNotFound
	case http.StatusForbidden:
		class = errdefs.ErrPermissionDenied
	}
	return fmt.Errorf("vault: %s %s: %s: %w", method, path, resp.Status, class)
}
