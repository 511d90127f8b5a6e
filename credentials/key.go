package credentials

import "strings"

// hub is the one name of Docker Hub here; it has many in config files.
const hub = "docker.io"

// normalize gives a registry's name one spelling: no scheme, no API version, no
// slash at the end, the host in lower case, Docker Hub by one name. A path after
// the host stays.
func normalize(key string) string {
	key = strings.TrimSpace(key)
	if _, rest, ok := strings.Cut(key, "://"); ok {
		key = rest
	}
	host, path, _ := strings.Cut(key, "/")
	host = strings.ToLower(host)
	path = strings.Trim(path, "/")
	for _, version := range []string{"v1", "v2"} {
		if path == version {
			path = ""
		}
	}
	switch host {
	case "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com":
		host = hub
	}
	if path == "" {
		return host
	}
	return host + "/" + path
}

// lookup finds the entry whose key is the longest prefix of the name, segment by
// segment.
func lookup[T any](entries map[string]T, name string) (T, bool) {
	name = normalize(name)
	for {
		if entry, ok := entries[name]; ok {
			return entry, true
		}
		i := strings.LastIndex(name, "/")
		if i < 0 {
			var none T
			return none, false
		}
		name = name[:i]
	}
}

// serverURL is the name a helper knows the registry by: Docker Hub's is a URL.
func serverURL(name string) string {
	host, _, _ := strings.Cut(normalize(name), "/")
	if host == hub {
		return "https://index.docker.io/v1/"
	}
	return host
}
