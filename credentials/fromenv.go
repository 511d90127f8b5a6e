package credentials

import (
	"context"
	"errors"
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
//   - RepoFromEnv; without a REPO_HOST as a Reserve, so that not every registry an
//     image names is shown the password
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
		stores = append(stores, named{c.auths, variable})
	}
	var paths []string
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		if info, err := os.Stat(dir); err == nil && !info.IsDir() {
			return nil, invalid("credentials: DOCKER_CONFIG: %q: want the directory that holds config.json", dir)
		}
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
	repo, err := repoFromEnv()
	if err != nil {
		return nil, err
	}
	repo.reserve = len(repo.hosts) == 0
	if repo.user.given() && repo.pass.given() {
		stores = append(stores, repo)
	}
	return Chain(stores...), nil
}

// RepoFromEnv is the login in REPO_USER and REPO_PASS, or in the files that
// REPO_USER_FILE and REPO_PASS_FILE name, which are read on each use. It is for
// the registries, or paths on them, that REPO_HOST lists, separated by commas or
// white space. Without REPO_HOST it is for every registry, which shows the
// password to whichever an image names: put it last in a Chain. Without a user
// or a password it knows none. A variable that is set along with its _FILE, and
// a file that is not one readable line, are errors that name them, of class
// InvalidArgument, or PermissionDenied for one that may not be read.
func RepoFromEnv() (Store, error) { return repoFromEnv() }

func repoFromEnv() (repoLogin, error) {
	user, userErr := settingFromEnv("REPO_USER")
	pass, passErr := settingFromEnv("REPO_PASS")
	hosts := map[string]bool{}
	for _, host := range strings.FieldsFunc(os.Getenv("REPO_HOST"), func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
		hosts[host] = true
	}
	return repoLogin{user: user, pass: pass, hosts: byName(hosts)}, errors.Join(userErr, passErr)
}

// repoLogin is one login for some registries, or for all if none is named.
type repoLogin struct {
	user, pass setting
	hosts      map[string]bool
	reserve    bool
}

// Credential reads the login if it is for that registry.
func (r repoLogin) Credential(_ context.Context, host string) (Credential, error) {
	if _, mine := lookup(r.hosts, host); !mine && len(r.hosts) > 0 || !r.user.given() || !r.pass.given() {
		return Credential{}, nil
	}
	user, userErr := r.user.text()
	pass, passErr := r.pass.text()
	if err := errors.Join(userErr, passErr); err != nil {
		return Credential{}, err
	}
	return Credential{Username: user, Password: NewSecret(pass), Source: r.String(), Reserve: r.reserve}, nil
}

// String names the settings.
func (r repoLogin) String() string { return r.user.name + ", " + r.pass.name }
