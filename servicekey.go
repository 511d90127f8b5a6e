package watchtower

import (
	"strings"
)

// ofService begins the key of a service: no container's name has a blank.
const ofService = "service "

// keyOf is what is kept of a container by: its name, which a service may have as well.
func keyOf(c Container) string { return keyNamed(c.Name, c.Service != nil) }

func keyNamed(name string, service bool) string {
	if service {
		return ofService + name
	}
	return name
}

// apart are the names in keys, of containers and of services.
func apart(keys ...string) (containers, services []string) {
	for _, key := range keys {
		if name, ok := strings.CutPrefix(key, ofService); ok {
			services = append(services, name)
		} else {
			containers = append(containers, key)
		}
	}
	return containers, services
}

// keys are those of what a check that failed was about.
func (e CheckFailed) keys() []string {
	out := append([]string(nil), e.Containers...)
	for _, name := range e.Services {
		out = append(out, keyNamed(name, true))
	}
	return out
}
