package credentials

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// config is what a config.json says, by normalized registry.
type config struct {
	auths   entries
	helpers map[string]chosen
	store   string // the helper for all registries without their own
}

// holds reports whether it says anything.
func (c *config) holds() bool {
	return c != nil && (len(c.auths) > 0 || len(c.helpers) > 0 || c.store != "")
}

// chosen is the helper that one registry names, or why that cannot be told.
type chosen struct {
	name string
	err  error
}

// parseConfig reads a config.json. One bad entry is that entry's trouble. No
// error holds a piece of the text, which may be a secret.
func parseConfig(source string, data []byte) (*config, error) {
	var in struct {
		Auths       map[string]json.RawMessage `json:"auths"`
		CredHelpers map[string]json.RawMessage `json:"credHelpers"`
		CredsStore  string                     `json:"credsStore"`
	}
	if len(bytes.TrimSpace(data)) > 0 {
		if err := json.Unmarshal(data, &in); err != nil {
			return nil, &Error{Op: "read", Source: source, Err: invalid("not a Docker config file: %s", describe(err))}
		}
	}
	auths, helpers := map[string]entry{}, map[string]chosen{}
	for key, raw := range in.Auths {
		login, err := parseAuth(raw)
		if err != nil {
			auths[key] = entry{err: &Error{Op: "decode", Source: source, Host: normalize(key), Err: err}}
		} else if !login.IsZero() { // else it is a mark that a credential store leaves
			login.Source = source
			auths[key] = entry{login: login}
		}
	}
	for key, raw := range in.CredHelpers {
		var c chosen
		if json.Unmarshal(raw, &c.name) != nil {
			c.err = &Error{Op: "decode", Source: source, Host: normalize(key), Err: invalid("its helper is no text")}
		}
		if c != (chosen{}) {
			helpers[key] = c
		}
	}
	return &config{auths: byName(auths), helpers: byName(helpers), store: in.CredsStore}, nil
}

// describe is a JSON error without the text it is about.
func describe(err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return "malformed JSON"
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return kind.Field + " is of another kind"
	}
	return "its JSON is no object"
}

func parseAuth(raw json.RawMessage) (Credential, error) {
	var in struct {
		Auth          string `json:"auth"`
		Username      string `json:"username"`
		Password      string `json:"password"`
		IdentityToken string `json:"identitytoken"`
		RegistryToken string `json:"registrytoken"`
	}
	if json.Unmarshal(raw, &in) != nil {
		return Credential{}, invalid("the entry is malformed")
	}
	c := Credential{
		Username: in.Username, Password: NewSecret(in.Password),
		IdentityToken: NewSecret(in.IdentityToken), RegistryToken: NewSecret(in.RegistryToken),
	}
	if in.Auth == "" {
		return c, nil
	}
	// People write the entry by hand: in either alphabet, with padding or not.
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(strings.TrimSpace(in.Auth), "="))
	text, err := base64.RawStdEncoding.DecodeString(plain)
	user, password, ok := strings.Cut(strings.TrimRight(string(text), "\x00\r\n"), ":")
	if err != nil || !ok || user == "" {
		return Credential{}, invalid(`its "auth" is not the base64 of user:password`)
	}
	c.Username = user
	if c.IdentityToken.IsZero() {
		c.Password = NewSecret(password)
	}
	return c, nil
}

// find answers as Docker does: the helper of that registry, else the credential
// store, else the entry in the file.
func (c *config) find(ctx context.Context, host string, h *helpers) (Credential, error) {
	if own, ok := lookup(c.helpers, host); ok {
		if own.err != nil {
			return Credential{}, own.err
		}
		return h.ask(ctx, own.name, host)
	}
	var storeErr error
	if c.store != "" {
		login, err := h.ask(ctx, c.store, host)
		if err == nil && !login.IsZero() {
			return login, nil
		}
		storeErr = err
	}
	if e, ok := lookup(c.auths, host); ok {
		return e.login, e.err
	}
	return Credential{}, storeErr
}
