package lifecycle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Ambiguity is one value of a container that is the old image's default too, so
// that nobody can tell whether a user asked for it, and that the new image
// changes. An update takes it for the image's.
type Ambiguity struct {
	// Field is its path: "Config.User", "Config.Env.MODE",
	// "Config.Healthcheck.Interval".
	Field string `json:"field"`
	// Value and Becomes are the values now and on the new image, as JSON; null
	// for none.
	Value   string `json:"value"`
	Becomes string `json:"becomes"`
}

// String reads `Config.User: "app" is the old image's default, becomes "root"`.
func (a Ambiguity) String() string {
	return fmt.Sprintf("%s: %s is the old image's default, becomes %s", a.Field, a.Value, a.Becomes)
}

// describingLabels begin the labels with which an image tells its version, source
// and makers (the OCI image specification's annotations): nobody's setting.
const describingLabels = "org.opencontainers.image."

// Ambiguities are the values of a container that an update from one image to
// another changes, sorted by field: whoever meant one of them has to say so
// with another value, or pin the image. Both images are as InspectImage shows
// them.
func Ambiguities(container Snapshot, oldImage, newImage Image) []Ambiguity {
	was := parts(container.Config)
	is := parts(effective(userConfig(container.Config, oldImage.Config), newImage.Config))
	var out []Ambiguity
	for _, field := range slices.Sorted(maps.Keys(was)) {
		if strings.HasPrefix(field, "Config.Labels."+describingLabels) || strings.Contains(field, swapLabels) {
			continue
		}
		if value := was[field]; !empty(value) && !same(plain(value), plain(is[field])) {
			out = append(out, Ambiguity{Field: field, Value: encode(value), Becomes: encode(is[field])})
		}
	}
	return out
}

// parts are the fields that engines take from images, those they take key by
// key apart.
func parts(config Document) map[string]any {
	out := map[string]any{}
	for _, field := range []string{"User", "WorkingDir", "StopSignal", "Entrypoint", "Cmd"} {
		out["Config."+field] = config[field]
	}
	for _, field := range []string{"Labels", "ExposedPorts", "Volumes", "Healthcheck"} {
		for key, value := range config.Object(field) {
			if object, ok := value.(map[string]any); ok && len(object) == 0 {
				value = true // a set's member
			}
			out["Config."+field+"."+key] = value
		}
	}
	for _, pair := range config.Texts("Env") {
		key, value, _ := strings.Cut(pair, "=")
		out["Config.Env."+key] = value
	}
	return out
}
