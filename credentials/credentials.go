package credentials

import (
	"context"
	"fmt"
	"log/slog"
	"unique"
)

// Secret is a password or token. It prints as *** wherever it is formatted,
// logged or encoded; Reveal is the only way to its text. The zero value is "no
// secret" and prints as the empty string. Two are == if their texts are.
type Secret struct {
	// Behind a pointer, since fmt calls no method on what it finds in an
	// unexported field: it prints an address there.
	text unique.Handle[string]
}

// NewSecret wraps text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{unique.Make(text)}
}

// Reveal returns the text itself. Call it only where it goes on the wire.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.text.Value()
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s == Secret{} }

// String returns *** or, for no secret, the empty string.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return "***"
}

// GoString is String: %#v must not reveal more than %v.
func (s Secret) GoString() string { return s.String() }

// Format is String for every verb, so that no verb reaches the field.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText is String: a secret does not survive encoding.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Credential is what one registry accepts. At most one of Password,
// IdentityToken and RegistryToken is normally set. The zero value means
// anonymous access.
type Credential struct {
	// Username goes with Password.
	Username string
	// Password goes with Username, as HTTP basic authentication or to the
	// registry's token service.
	Password Secret
	// IdentityToken is an OAuth2 refresh token, as `docker login` stores it for
	// registries that hand one out.
	IdentityToken Secret
	// RegistryToken is a bearer token sent to the registry as it is.
	RegistryToken Secret
	// Source says where it was found, for messages: a path, "environment", a
	// helper's name. It never holds a secret.
	Source string
	// Reserve: it was not given for this registry in particular, but for whichever
	// needs one. Whoever has it shows it to a registry only once that has refused to
	// answer without, over TLS or on the loopback, and to no mirror.
	Reserve bool
}

// IsZero reports whether there is nothing to authenticate with.
func (c Credential) IsZero() bool {
	return c.Username == "" && c.Password.IsZero() && c.IdentityToken.IsZero() && c.RegistryToken.IsZero()
}

// LogValue shows the user and the source, never a secret.
func (c Credential) LogValue() slog.Value {
	return slog.GroupValue(slog.String("username", c.Username), slog.String("source", c.Source))
}

// Store finds the credential for a registry.
//
// The host is the registry's host with its port if it has one, optionally
// followed by the repository's path ("ghcr.io", "registry.example:5000/team/app",
// "docker.io/library/nginx"): a store that keeps entries by path answers with
// the longest prefix that fits, the others look at the host alone. Docker Hub
// is "docker.io".
//
// A store without an entry answers with the zero Credential and no error. An
// error means that the store could not be asked; it never holds a secret. A
// Store that is a fmt.Stringer is called by that name in messages. A Store is
// used by many goroutines at once.
type Store interface {
	Credential(ctx context.Context, host string) (Credential, error)
}

// StoreFunc adapts a function to Store.
type StoreFunc func(ctx context.Context, host string) (Credential, error)

// Credential calls f.
func (f StoreFunc) Credential(ctx context.Context, host string) (Credential, error) {
	return f(ctx, host)
}
