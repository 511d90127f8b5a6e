package registry

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/credentials"
)

// refusedFor is how long a login that was refused is left alone: long enough that
// no account is locked for it.
const refusedFor = 15 * time.Minute

// strikes are the repositories that a token service may forbid to logins in a
// row before the login itself is held to be wrong: some say forbidden of both.
const strikes = 3

// refusal is a login that was refused, for a repository or, if that is empty,
// altogether.
type refusal struct {
	login      credentials.Credential
	repository string
}

// login asks the store, and leaves a login alone that was refused lately. A store
// that cannot be asked must not keep public images from being checked.
func (h *host) login(ctx context.Context, ref Reference) (credentials.Credential, error) {
	login, err := h.client.store.Credential(ctx, ref.Host+"/"+ref.Repository)
	if ctx.Err() != nil {
		return credentials.Credential{}, unanswered(ctx, "login for", ref, ctx.Err())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.loginTrouble[ref.Repository] = "no login: " + err.Error()
		return credentials.Credential{}, nil
	}
	if login.Reserve && !h.opened[ref.Repository] {
		login = credentials.Credential{}
	}
	h.loginless[ref.Repository] = login.IsZero()
	for _, r := range []refusal{{login: login}, {login, ref.Repository}} {
		if time.Now().Before(h.refused[r]) {
			h.loginTrouble[ref.Repository] = refusedText(login)
			return credentials.Credential{}, nil
		}
	}
	return login, nil
}

// refusedText names no user: for some registries that is a secret, too.
func refusedText(login credentials.Credential) string {
	return "the login from " + cmp.Or(login.Source, "the store") + " was refused"
}

// loginlessText says who was asked for a login and had none; empty if the store
// has no name.
func loginlessText(store credentials.Store) string {
	if named, ok := store.(fmt.Stringer); ok && named.String() != "" {
		return "no login for it in " + named.String()
	}
	return ""
}

// refuse leaves a login alone for a while. The caller holds the lock.
func (h *host) refuse(r refusal) {
	h.refused[r] = time.Now().Add(refusedFor)
	h.client.logger.Warn("registry refused a login, which is left alone for a while",
		"host", h.name, "repository", r.repository, "source", r.login.Source, "for", refusedFor)
}

// open reports whether a registry that has refused to answer anybody is to be asked
// with a reserve login now: one that proves who it is, or is on this machine, and is
// no mirror.
func (h *host) open(ctx context.Context, ref Reference) bool {
	login, err := h.client.store.Credential(ctx, ref.Host+"/"+ref.Repository)
	if err != nil || !login.Reserve || h.mirror != nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	proven := !h.insecure && strings.HasPrefix(h.bases[0], "https://")
	if h.opened[ref.Repository] || !proven && !isLoopback(h.address) {
		return false
	}
	if len(h.opened) == 0 {
		h.client.logger.Info("registry is shown the login that is for whichever needs one", "host", h.name, "source", login.Source)
	}
	h.opened[ref.Repository] = true
	h.drop(func(_ *token, repository string) bool { return repository == ref.Repository })
	return true
}

// LoginFor is the login to pull a reference with: its store's, but for one in Reserve
// only if the registry refused to answer without. Errors are the store's, or those of
// Parse.
func (c *Client) LoginFor(ctx context.Context, reference string) (credentials.Credential, error) {
	ref, err := Parse(reference)
	if err != nil {
		return credentials.Credential{}, err
	}
	login, err := c.store.Credential(ctx, ref.Host+"/"+ref.Repository)
	h := c.host(ref)
	h.mu.Lock()
	defer h.mu.Unlock()
	if login.Reserve && !h.opened[ref.Repository] {
		return credentials.Credential{}, err
	}
	return login, err
}
