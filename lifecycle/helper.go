package lifecycle

import "strings"

// LabelInstance marks with "true" a container that a watchtower runs in. Images
// of watchtower carry it.
const LabelInstance = "com.centurylinklabs.watchtower"

// labelTask holds what a helper is to do, as JSON. It makes a container a helper.
const labelTask = labelPrefix + "self-swap"

const (
	// helperMark is in a helper's name, between the service's and the ID.
	helperMark = ".wt-self-"
	// failedMark ends the name of a helper on whose watch the image failed: the
	// verdict, where whoever is started again can read it.
	failedMark = "-failed"
	// helperRetries is how often the engine starts a helper again that was
	// killed. It waits longer before each, a minute and a half in all.
	helperRetries = 10
)

// composeLabels say which of its services a container is Compose's.
const composeLabels = "com.docker.compose."

func helperName(service, self string) string { return service + helperMark + short(self) }

// helperSpec is a container that reaches what its parent reaches, as the same
// user and under the same restrictions: the parent's own, without what two cannot
// have at a time and what is for its service alone. It is of the image the parent
// runs, which is known to run.
func helperSpec(own Snapshot, name, task string, command []string) Spec {
	config := Document{
		"Image":       own.ImageID,
		"Entrypoint":  []any{command[0]},
		"Cmd":         append(anyTexts(command[1:]), name),
		"Labels":      helperLabels(own, task),
		"Healthcheck": map[string]any{"Test": []any{"NONE"}},
	}
	for _, key := range []string{"User", "Env", "WorkingDir"} {
		if !empty(own.Config[key]) {
			config[key] = cloneValue(own.Config[key])
		}
	}
	host := own.HostConfig.Clone()
	if host == nil {
		host = Document{}
	}
	inherited := len(host.Texts("VolumesFrom")) > 0
	for _, key := range []string{"PortBindings", "PublishAllPorts", "AutoRemove", "VolumesFrom", "ContainerIDFile"} {
		delete(host, key)
	}
	host["RestartPolicy"] = map[string]any{"Name": "on-failure", "MaximumRetryCount": helperRetries}
	keepVolumes(host, own.Mounts, nil)
	if inherited {
		keepMounts(host, own.Mounts, "bind", nil)
	}
	networks := endpoints(own)
	for _, endpoint := range networks {
		for _, key := range []string{"IPAMConfig", "Aliases", "MacAddress"} {
			delete(endpoint, key)
		}
	}
	spec := Spec{Config: config, HostConfig: host, Networks: networks}
	follow(spec, own, nil, nil) // nobody: its links are those its parent has
	return spec
}

// helperLabels are its own. Compose must not take it for one of its containers,
// whatever the image says.
func helperLabels(own Snapshot, task string) map[string]any {
	labels := map[string]any{LabelInstance: "true", labelTask: task}
	for key := range own.Labels {
		if strings.HasPrefix(key, composeLabels) {
			labels[key] = ""
		}
	}
	return labels
}
