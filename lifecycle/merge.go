package lifecycle

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// effective is the configuration a container gets that is created with config
// from image: the engine's own rules, so that what it made can be compared with
// what it should have made. What an image says of other fields, as one does
// that was committed from a container, counts for nothing.
func effective(config, image Document) Document {
	out := config.Clone()
	if out == nil {
		out = Document{}
	}
	out["Env"] = mergeEnv(image.Texts("Env"), config.Texts("Env"))
	for _, key := range []string{"Labels", "ExposedPorts", "Volumes"} {
		out[key] = mergePairs(image.Object(key), config.Object(key), false)
	}
	if config.Object("Healthcheck") == nil {
		out["Healthcheck"] = cloneValue(image["Healthcheck"])
	} else {
		out["Healthcheck"] = mergePairs(image.Object("Healthcheck"), config.Object("Healthcheck"), true)
	}
	for _, key := range []string{"User", "WorkingDir", "StopSignal"} {
		if empty(config[key]) {
			out[key] = image[key]
		}
	}
	if empty(config["Entrypoint"]) {
		if empty(config["Cmd"]) {
			out["Cmd"] = image["Cmd"]
		}
		if config["Entrypoint"] == nil {
			out["Entrypoint"] = image["Entrypoint"]
		}
	}
	if entrypoint := out.Texts("Entrypoint"); len(entrypoint) == 1 && entrypoint[0] == "" {
		out["Entrypoint"] = nil
	}
	return out
}

func mergeEnv(image, user []string) any {
	var out []any
	for _, pair := range user {
		out = append(out, pair)
	}
	for _, pair := range image {
		key, _, _ := strings.Cut(pair, "=")
		if !slices.ContainsFunc(user, func(u string) bool { k, _, _ := strings.Cut(u, "="); return k == key }) {
			out = append(out, pair)
		}
	}
	return out
}

// mergePairs lets the user's pairs win; inherit: unless they say nothing.
func mergePairs(image, user Document, inherit bool) any {
	out := map[string]any{}
	for k, v := range image {
		out[k] = v
	}
	for k, v := range user {
		if _, ok := out[k]; !ok || !inherit || !empty(v) {
			out[k] = v
		}
	}
	return out
}

// empty reports whether the value says "not set".
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case json.Number:
		return v == "0"
	case float64:
		return v == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	case Document:
		return len(v) == 0
	default:
		return false
	}
}

// Difference is one field that is not as it should be.
type Difference struct {
	// Field is its path: "HostConfig.Memory", "Networks.front.IPAMConfig".
	Field string
	// Want and Got are the values as JSON.
	Want, Got string
}

// String reads "HostConfig.Memory: want 1024, got 0".
func (d Difference) String() string {
	return fmt.Sprintf("%s: want %s, got %s", d.Field, d.Want, d.Got)
}

// drift compares what the engine created with what it was asked for. Labels of
// the swap, the image's reference and what the engine generates are no drift.
func drift(spec Spec, image Image, got Snapshot) []Difference {
	var out []Difference
	add := func(field string, want, have any) {
		out = append(out, Difference{field, encode(want), encode(have)})
	}
	want := effective(spec.Config, image.Config)
	for key, value := range want {
		switch key {
		case "Hostname", "Image", "ArgsEscaped":
			continue
		case "Env":
			if !sameSet(want.Texts(key), got.Config.Texts(key)) {
				add("Config.Env", value, got.Config[key])
			}
		default:
			if !same(plain(value), plain(got.Config[key])) {
				add("Config."+key, value, got.Config[key])
			}
		}
	}
	out = append(out, hostDrift(spec.HostConfig, got.HostConfig)...)
	out = append(out, networkDrift(spec.Networks, got.Networks)...)
	sort.Slice(out, func(i, j int) bool { return out[i].Field < out[j].Field })
	return out
}

func hostDrift(want, got Document) []Difference {
	var out []Difference
	for key, value := range want {
		// A field that the engine does not show is lost only if it was set.
		have := got[key]
		if key == "Links" { // shown by the names of both ends, which change
			value, have = aliases(want.Texts(key)), aliases(got.Texts(key))
		}
		if !same(plain(value), plain(have)) {
			out = append(out, Difference{"HostConfig." + key, encode(value), encode(have)})
		}
	}
	return out
}

// aliases are what links are called in the container, sorted.
func aliases(links []string) []any {
	var names []string
	for _, text := range links {
		_, alias := link(text)
		names = append(names, alias)
	}
	slices.Sort(names)
	return anyTexts(names)
}

func networkDrift(want, got map[string]Document) []Difference {
	var out []Difference
	for name, endpoint := range want {
		have, ok := got[name]
		if !ok {
			out = append(out, Difference{"Networks." + name, encode(endpoint), "null"})
			continue
		}
		for _, field := range endpointFields {
			lost := !same(plain(endpoint[field]), plain(have[field]))
			if field == "Aliases" { // engines add some of their own
				lost = len(missingFrom(endpoint.Texts(field), have.Texts(field))) > 0
			}
			if lost {
				out = append(out, Difference{"Networks." + name + "." + field, encode(endpoint[field]), encode(have[field])})
			}
		}
	}
	return out
}

// lostVolumes are the volumes of the old container that the new one does not
// mount at the same place, but for those that are renewed.
func lostVolumes(old, got Snapshot, renewed []string) []Difference {
	var out []Difference
	for _, m := range old.Mounts {
		if m.Type != "volume" || slices.Contains(renewed, m.Name) {
			continue
		}
		if !slices.ContainsFunc(got.Mounts, func(n Mount) bool { return n.Destination == m.Destination && n.Name == m.Name }) {
			out = append(out, Difference{"Mounts." + m.Destination, encode(m.Name), "null"})
		}
	}
	return out
}

// plain turns Documents inside a value into plain maps, so that they compare.
func plain(v any) any { return cloneValue(v) }

func encode(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

func sameSet(a, b []string) bool {
	return len(missingFrom(a, b)) == 0 && len(missingFrom(b, a)) == 0
}

func missingFrom(want, have []string) []string {
	var out []string
	for _, w := range want {
		if !slices.Contains(have, w) {
			out = append(out, w)
		}
	}
	return out
}
