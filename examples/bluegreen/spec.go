package main

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// specOf is what to ask of the engine for the container beside old: what somebody asked
// for, which is what differs from the old image's defaults, on top of the new image's.
// lifecycle.Recreate knows far more special cases; a service behind a proxy has few.
func specOf(old lifecycle.Snapshot, image lifecycle.Image, reference string) lifecycle.Spec {
	config := old.Config.Clone()
	env, _ := config["Env"].([]any)
	env = slices.DeleteFunc(env, func(v any) bool { return slices.Contains(image.Config.Texts("Env"), fmt.Sprint(v)) })
	labels := config.Object("Labels")
	for key, value := range image.Config.Object("Labels") {
		if labels[key] == value {
			delete(labels, key)
		}
	}
	for key, value := range image.Config {
		if reflect.DeepEqual(config[key], value) {
			delete(config, key)
		}
	}
	if config.Text("Hostname") == old.ShortID() { // the engine made it up
		delete(config, "Hostname")
	}
	config["Image"], config["Env"], config["Labels"] = reference, env, map[string]any(labels)

	networks := map[string]lifecycle.Document{}
	for name, endpoint := range old.Networks {
		aliases, _ := endpoint.Clone()["Aliases"].([]any)
		aliases = slices.DeleteFunc(aliases, func(alias any) bool { return alias == old.ShortID() })
		networks[name] = lifecycle.Document{}
		if len(aliases) > 0 {
			networks[name]["Aliases"] = aliases
		}
	}
	return lifecycle.Spec{Config: config, HostConfig: old.HostConfig.Clone(), Networks: networks}
}
