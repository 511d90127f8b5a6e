package lifecycle

import (
	"reflect"
	"slices"
)

// userConfig is config without what the image gave it: what the least talkative
// user said who would have got this container from this image. Fields an engine
// does not take from images are the user's whatever the image says.
func userConfig(config, image Document) Document {
	user := config.Clone()
	if user == nil {
		user = Document{}
	}
	for key, value := range config {
		switch key {
		case "Env":
			user[key] = without(value, image[key])
		case "Labels":
			user[key] = map[string]any(withoutSwapLabels(withoutPairs(config.Object(key), image.Object(key))))
		case "ExposedPorts", "Volumes", "Healthcheck":
			user[key] = nilIfEmpty(withoutPairs(config.Object(key), image.Object(key)))
		case "User", "WorkingDir", "StopSignal":
			if same(value, image[key]) {
				delete(user, key)
			}
		}
	}
	userCommand(user, config, image)
	return user
}

// userCommand takes the image's part out of the pair of entrypoint and command:
// an entrypoint of the user's makes the engine forget the image's command. For
// the entrypoint null means the image's, an empty list none, and one empty
// string none and no command either.
func userCommand(user, config, image Document) {
	entrypoint, cmd := config["Entrypoint"], config["Cmd"]
	sameCmd := same(cmd, image["Cmd"])
	switch {
	case reflect.DeepEqual(entrypoint, image["Entrypoint"]):
		if sameCmd || !empty(cmd) {
			delete(user, "Entrypoint")
		}
		if sameCmd {
			delete(user, "Cmd")
		}
	case entrypoint == nil:
		user["Entrypoint"] = []any{""}
	case empty(entrypoint) && sameCmd:
		delete(user, "Cmd")
	}
	if _, ok := user["Cmd"]; !ok && same(config["ArgsEscaped"], image["ArgsEscaped"]) {
		delete(user, "ArgsEscaped") // some engines take it from the image with the command
	}
}

// without returns the entries of list that are not in image, nil for none.
func without(list, image any) any {
	have, _ := image.([]any)
	items, _ := list.([]any)
	var out []any
	for _, item := range items {
		if !slices.Contains(have, item) {
			out = append(out, item)
		}
	}
	if out == nil {
		return nil
	}
	return out
}

// withoutPairs returns the pairs of doc that are not the same in image.
func withoutPairs(doc, image Document) Document {
	out := make(Document, len(doc))
	for key, value := range doc {
		if have, ok := image[key]; !ok || !same(have, value) {
			out[key] = value
		}
	}
	return out
}

func nilIfEmpty(doc Document) any {
	if len(doc) == 0 {
		return nil
	}
	return map[string]any(doc)
}

// same compares two values as the engine means them: null, an empty list, an
// empty object, false, 0 and "" all say "not set".
func same(a, b any) bool {
	return empty(a) && empty(b) || reflect.DeepEqual(a, b)
}
