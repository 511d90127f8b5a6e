package sweep_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// violations is what is wrong: there must be one container under each name, in
// the state it was in, with the data it had, on the old or the new image, and
// nothing else.
func (r *run) violations(t *testing.T) []string {
	t.Helper()
	var out []string
	bad := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	there := map[string]bool{}
	for _, name := range r.host.List(t) {
		there[name] = true
		if belongs(name, r.base) && strings.Contains(name, ".wt-") {
			bad("%s is left", name)
		}
	}
	for _, m := range r.members {
		name := r.base + m.suffix
		if !there[name] {
			bad("%s is gone", name)
			continue
		}
		seen := r.host.Inspect(t, name)
		state, _ := seen["State"].(object)
		if got := fmt.Sprint(state["Status"]); !m.mayBe(got) {
			bad("%s is %s, was %s", name, got, m.state)
		}
		if image := seen["Image"]; image != r.old[name] && image != r.new[name] {
			bad("%s is on the image %s", name, image)
		}
		if m.state != lifecycle.StateCreated {
			var file string
			r.host.API(t, "GET", "/containers/"+name+"/archive?path=/data/file", nil, &file)
			if !strings.Contains(file, precious) {
				bad("%s has lost its data", name)
			}
		}
		for _, problem := range append(r.network(m, seen), r.joined(t, m)...) {
			bad("%s %s", name, problem)
		}
	}
	return out
}

// mayBe: what is replaced while it is stopped was never started, and an engine
// that was killed leaves what has no policy as it died.
func (m member) mayBe(is string) bool {
	switch {
	case m.state == lifecycle.StateExited && is == string(lifecycle.StateCreated), m.dies && is == string(lifecycle.StateExited):
		return true
	}
	return is == string(m.state)
}

// network is what is wrong with the endpoints of one that has two.
func (r *run) network(m member, seen object) []string {
	if m.alias == "" {
		return nil
	}
	settings, _ := seen["NetworkSettings"].(object)
	networks, _ := settings["Networks"].(object)
	front, _ := networks[frontNet].(object)
	back, _ := networks[backNet].(object)
	static := m.body(r.number)["NetworkingConfig"].(object)["EndpointsConfig"].(object)[frontNet].(object)["IPAMConfig"] != nil
	if called(front, "front") && called(back, m.alias) && len(networks) == 2 && (!static || front["IPAddress"] == address(r.number)) {
		return nil
	}
	return []string{fmt.Sprintf("has lost its networks: %v", networks)}
}

func called(endpoint object, alias string) bool {
	aliases, _ := endpoint["Aliases"].([]any)
	return slices.Contains(aliases, any(alias))
}

// joined is what is wrong with a child's place in its parent's name space.
func (r *run) joined(t *testing.T, m member) []string {
	t.Helper()
	if m.parent == "" {
		return nil
	}
	space := func(suffix string) string {
		return r.host.Exec(t, r.base+suffix, "ls", "-l", "/proc/self/ns/net")
	}
	after := func(text string) string { return text[strings.LastIndex(text, "->")+1:] }
	child, parent := space(m.suffix), space(m.parent)
	if strings.Contains(child, "net:[") && after(child) == after(parent) {
		return nil
	}
	return []string{fmt.Sprintf("is not in the network of its parent: %q, %q", child, parent)}
}
