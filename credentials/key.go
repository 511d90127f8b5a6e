package credentials

import (
	"maps"
	"slices"
	"strings"
)

const (
	// hub is the one name of Docker Hub here; it has many in config files.
	hub = "docker.io"
	// hubURL is what Docker itself calls it, in files and to helpers.
	hubURL = "https://index.docker.io/v1/"
)

// normalize gives a registry's name one spelling: no scheme, no user, no API
// version, no slash at the end, the host in lower case, Docker Hub by one name.
// A path after the host stays.
func normalize(key string) string {
	key = strings.TrimSpace(key)
	if _, rest, ok := strings.Cut(key, "://"); ok {
		key = rest
	}
	host, path, _ := strings.Cut(key, "/")
	host = strings.ToLower(host[strings.LastIndex(host, "@")+1:])
	path = strings.Trim(path, "/")
	switch host {
	case "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com":
		host = hub
	}
	if path == "" || path == "v1" || path == "v2" {
		return host
	}
	return host + "/" + path
}

// byName turns keys in any spelling into names. Of two spellings of one registry
// the one Docker writes counts, else the first in the alphabet: the same each
// time.
func byName[T any](spelt map[string]T) map[string]T {
	out := make(map[string]T, len(spelt))
	for _, key := range slices.Sorted(maps.Keys(spelt)) {
		name := normalize(key)
		if _, taken := out[name]; !taken || key == name && name != hub || key == hubURL {
			out[name] = spelt[key]
		}
	}
	return out
}

// lookup finds the entry whose key is the longest prefix of the name, segment by
// segment. The port that goes without saying may be written in one and not in
// the other.
func lookup[T any](named map[string]T, name string) (T, bool) {
	const port = ":443"
	name = normalize(name)
	host, path, _ := strings.Cut(name, "/")
	other, written := strings.CutSuffix(host, port)
	if !written {
		other = host + port
	}
	for _, key := range []string{name, strings.TrimSuffix(other+"/"+path, "/")} {
		for {
			if found, ok := named[key]; ok {
				return found, true
			}
			i := strings.LastIndex(key, "/")
			if i < 0 {
				break
			}
			key = key[:i]
		}
	}
	var none T
	return none, false
}

// serverURL is the name a helper knows the registry by.
func serverURL(name string) string {
	host, _, _ := strings.Cut(normalize(name), "/")
	if host == hub {
		return hubURL
	}
	return host
}
