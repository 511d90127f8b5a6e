package credentials

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// config is what a config.json says, by normalized registry.
type config struct {
	path    string
	auths   map[string]Credential
	bad     map[string]error // entries that cannot be read; the others can
	helpers map[string]string
	store   string
}

// parseConfig reads a config.json. One bad entry is that entry's trouble.
func parseConfig(path string, data []byte) (*config, error) {
	var in struct {
		Auths       map[string]json.RawMessage `json:"auths"`
		CredHelpers map[string]string          `json:"credHelpers"`
		CredsStore  string                     `json:"credsStore"`
	}
	if len(strings.TrimSpace(string(data))) > 0 {
		if err := json.Unmarshal(data, &in); err != nil {
			return nil, invalid(path, "", "not a Docker config file: %s", describe(err))
		}
	}
	c := &config{
		path: path, store: in.CredsStore,
		auths: map[string]Credential{}, bad: map[string]error{}, helpers: map[string]string{},
	}
	for key, raw := range in.Auths {
		name := normalize(key)
		entry, err := parseAuth(raw)
		if err != nil {
			c.bad[name] = invalid(path, key, "%w", err)
			continue
		}
		if entry.IsZero() {
			continue // a mark that a credential store leaves
		}
		entry.Source = path
		c.auths[name] = entry
	}
	for key, helper := range in.CredHelpers {
		c.helpers[normalize(key)] = helper
	}
	return c, nil
}

// describe is a JSON error without the text it is about.
func describe(err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return syntax.Error()
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return "a " + kind.Value + " at " + kind.Field
	}
	return "malformed JSON"
}

func parseAuth(raw json.RawMessage) (Credential, error) {
	var in struct {
		Auth          string `json:"auth"`
		Username      string `json:"username"`
		Password      string `json:"password"`
		IdentityToken string `json:"identitytoken"`
		RegistryToken string `json:"registrytoken"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return Credential{}, errors.New("the entry is malformed")
	}
	c := Credential{
		Username: in.Username, Password: NewSecret(in.Password),
		IdentityToken: NewSecret(in.IdentityToken), RegistryToken: NewSecret(in.RegistryToken),
	}
	if in.Auth == "" {
		return c, nil
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(in.Auth))
	if err != nil {
		text, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(in.Auth), "="))
	}
	user, password, ok := strings.Cut(strings.TrimRight(string(text), "\x00\r\n"), ":")
	if err != nil || !ok || user == "" {
		return Credential{}, errors.New(`its "auth" is not the base64 of user:password`)
	}
	c.Username = user
	if c.IdentityToken.IsZero() {
		c.Password = NewSecret(password)
	}
	return c, nil
}

// find answers as Docker does: a helper of that registry, else the credential
// store, else the entry in the file.
func (c *config) find(ctx context.Context, host string) (Credential, error) {
	if helper, ok := lookup(c.helpers, host); ok {
		return askHelper(ctx, helper, host, helperTimeout)
	}
	var storeErr error
	if c.store != "" {
		entry, err := askHelper(ctx, c.store, host, helperTimeout)
		if err == nil && !entry.IsZero() {
			return entry, nil
		}
		storeErr = err
	}
	if entry, ok := lookup(c.auths, host); ok {
		return entry, nil
	}
	if err, ok := lookup(c.bad, host); ok {
		return Credential{}, err
	}
	return Credential{}, storeErr
}
