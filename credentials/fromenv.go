package credentials

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// FromEnv reads what the environment holds, in this order:
//
//   - the logins in DOCKER_AUTH_CONFIG, which has the form of a config.json;
//     helpers it names are not asked
//   - Docker's config.json, the first that exists of $DOCKER_CONFIG/config.json,
//     /config.json and ~/.docker/config.json, looked for again on each use
//   - RepoFromEnv, but only with a REPO_HOST: to have one password shown to
//     every registry is for the program to choose, by adding it to a Chain
//
// A file or variable that is malformed now is an error that names it; the errors
// are those of File.
func FromEnv(opts ...FileOption) (Store, error) {
	var stores []Store
	const variable = "DOCKER_AUTH_CONFIG"
	if text := os.Getenv(variable); text != "" {
		c, err := parseConfig(variable, []byte(text))
		if err != nil {
			return nil, err
		}
		stores = append(stores, c.auths)
	}
	var paths []string
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		paths = append(paths, filepath.Join(dir, "config.json"))
	}
	paths = append(paths, "/config.json")
	if home, err := os.UserHomeDir(); err == nil {
		paths = append(paths, filepath.Join(home, ".docker", "config.json"))
	}
	file, err := firstOf(paths, opts)
	if err != nil {
		return nil, err
	}
	stores = append(stores, file)
	if repo, listed := repoFromEnv(); listed {
		stores = append(stores, repo)
	}
	return Chain(stores...), nil
}

// RepoFromEnv is the login in REPO_USER and REPO_PASS, for the registries, or
// paths on them, that REPO_HOST lists, separated by commas or white space.
// Without REPO_HOST it is for every registry, which shows the password to
// whichever an image names: put it last in a Chain. Without both of the others
// it knows none.
func RepoFromEnv() Store {
	store, _ := repoFromEnv()
	return store
}

// repoFromEnv is RepoFromEnv, and tells whether REPO_HOST lists somebody.
func repoFromEnv() (store Store, listed bool) {
	login := Credential{
		Username: os.Getenv("REPO_USER"), Password: NewSecret(os.Getenv("REPO_PASS")), Source: "REPO_USER, REPO_PASS",
	}
	hosts := strings.FieldsFunc(os.Getenv("REPO_HOST"), func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
	listed = len(hosts) > 0
	if login.Username == "" || login.Password.IsZero() {
		return Static(nil), listed
	}
	if !listed {
		return StoreFunc(func(context.Context, string) (Credential, error) { return login, nil }), false
	}
	logins := map[string]Credential{}
	for _, host := range hosts {
		logins[host] = login
	}
	return Static(logins), true
}
