package credentials

import (
	"context"
	"os"
	"slices"
	"strings"
)

// RepoFromEnv is the login in REPO_USER and REPO_PASS, for the registries that
// REPO_HOST lists, separated by commas or white space. Without REPO_HOST, or
// without both of the others, it knows none: a password is not shown to
// registries nobody named.
func RepoFromEnv() Store {
	login := Credential{
		Username: os.Getenv("REPO_USER"), Password: NewSecret(os.Getenv("REPO_PASS")), Source: "REPO_USER, REPO_PASS",
	}
	hosts := strings.FieldsFunc(os.Getenv("REPO_HOST"), func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
	for i := range hosts {
		hosts[i] = normalize(hosts[i])
	}
	return StoreFunc(func(_ context.Context, host string) (Credential, error) {
		name, _, _ := strings.Cut(normalize(host), "/")
		if login.Username == "" || login.Password.IsZero() || !slices.Contains(hosts, name) {
			return Credential{}, nil
		}
		return login, nil
	})
}
