package lifecycle

import (
	"path"
	"slices"
	"strings"
)

// successorSpec is what to ask of the engine for the container that follows
// old: what the user asked for, on top of the new image's defaults. The user's
// part is what differs from the old image's defaults; what the engine made up
// for the old container (its short ID as host name and alias, dynamic
// addresses) is left out, so that it is made up anew.
// Of the volumes, those that are renewed are left out.
func successorSpec(old Snapshot, oldImage Image, m Member, inherited, renewed []string) Spec {
	config := userConfig(old.Config, oldImage.Config)
	config["Image"] = m.Reference
	if labels := config.Object("Labels"); labels["com.docker.compose.image"] != nil {
		// Compose compares this label to decide whether its container is current.
		labels["com.docker.compose.image"] = m.ImageID
	}
	keepReference(config, m)
	dropGenerated(config, old)
	host := old.HostConfig.Clone()
	if host == nil {
		host = Document{}
	}
	keepExposed(config, old.Config, host)
	forgetVolumes(host, renewed)
	keepVolumes(host, slices.DeleteFunc(slices.Clone(old.Mounts), func(m Mount) bool { return slices.Contains(renewed, m.Name) }), inherited)
	return Spec{Config: config, HostConfig: host, Networks: endpoints(old)}
}

// copySpec is the old container once more, on the image it runs: it has to be
// named by its ID, since the reference may lead elsewhere by now.
func copySpec(old Snapshot, inherited []string) Spec {
	config := old.Config.Clone()
	config["Image"] = old.ImageID
	if config["Entrypoint"] == nil {
		config["Entrypoint"] = []any{""} // null would be the image's
	}
	labels := withoutSwapLabels(config.Object("Labels"))
	if labels[LabelOriginalImage] == nil {
		labels[LabelOriginalImage] = old.Image
	}
	config["Labels"] = map[string]any(labels)
	dropGenerated(config, old)
	host := old.HostConfig.Clone()
	keepVolumes(host, old.Mounts, inherited)
	return Spec{Config: config, HostConfig: host, Networks: endpoints(old)}
}

// keepReference writes down what the successor follows, where it is created by an
// image's ID, or where that was written down before.
func keepReference(config Document, m Member) {
	labels, follows := config.Object("Labels"), m.Reference
	switch {
	case strings.HasPrefix(follows, "sha256:"):
		if follows = m.Container.Image; strings.HasPrefix(follows, "sha256:") {
			return
		}
	case labels[LabelOriginalImage] == nil:
		return
	}
	if labels == nil {
		labels = Document{}
	}
	labels[LabelOriginalImage] = follows
	config["Labels"] = map[string]any(labels)
}

// dropGenerated removes what the engine made up for the old container.
func dropGenerated(config Document, old Snapshot) {
	mode := old.HostConfig.Text("NetworkMode")
	if config.Text("Hostname") == old.ShortID() || strings.HasPrefix(mode, "container:") ||
		old.HostConfig.Text("UTSMode") == "host" {
		delete(config, "Hostname")
	}
	if strings.HasPrefix(mode, "container:") {
		// The parent's, and refused by the engine beside its name space.
		delete(config, "ExposedPorts")
		delete(config, "MacAddress")
	}
}

// keepExposed exposes every published port, although the old image may have
// been the one to do it: the new one may not.
func keepExposed(config, old, host Document) {
	was := old.Object("ExposedPorts")
	for port := range host.Object("PortBindings") {
		if _, ok := was[port]; !ok {
			continue
		}
		if config.Object("ExposedPorts") == nil {
			config["ExposedPorts"] = map[string]any{}
		}
		config.Object("ExposedPorts")[port] = map[string]any{}
	}
}

// keepVolumes names every volume that is mounted but not named in host, the
// anonymous ones, so that the successor mounts the same. Destinations that come
// from another container (volumes-from) are inherited again by themselves.
func keepVolumes(host Document, mounts []Mount, inherited []string) {
	list, _ := host["Mounts"].([]any)
	for _, item := range list {
		m, _ := item.(map[string]any)
		doc := Document(m)
		if doc.Text("Type") == "volume" && doc.Text("Source") == "" {
			for _, mount := range mounts {
				if mount.Destination == path.Clean(doc.Text("Target")) {
					doc["Source"] = mount.Name
				}
			}
		}
	}
	keepMounts(host, mounts, "volume", inherited)
}

// keepMounts names what is mounted of a kind, a volume or a directory, and not named in
// host.
func keepMounts(host Document, mounts []Mount, kind string, inherited []string) {
	named := append(mountPoints(host), inherited...)
	binds, _ := host["Binds"].([]any)
	for _, m := range mounts {
		source := m.Source
		if kind == "volume" {
			source = m.Name
		}
		if m.Type != kind || source == "" || slices.Contains(named, m.Destination) {
			continue
		}
		bind := source + ":" + m.Destination
		if m.ReadOnly {
			bind += ":ro"
		}
		binds = append(binds, bind)
	}
	if len(binds) > 0 {
		host["Binds"] = binds
	}
}

// mountPoints are those that the settings name, as the engine shows where it mounts:
// the settings themselves it keeps as they were written.
func mountPoints(host Document) []string {
	var out []string
	for _, bind := range host.Texts("Binds") {
		if parts := strings.Split(bind, ":"); len(parts) > 1 {
			out = append(out, path.Clean(parts[1]))
		}
	}
	list, _ := host["Mounts"].([]any)
	for _, item := range list {
		m, _ := item.(map[string]any)
		out = append(out, path.Clean(Document(m).Text("Target")))
	}
	return out
}

// endpointFields are the parts of an endpoint a user sets; the rest the engine
// fills in.
var endpointFields = []string{"IPAMConfig", "Links", "Aliases", "DriverOpts", "GwPriority"}

// endpoints are the old container's networks as a user would ask for them.
func endpoints(old Snapshot) map[string]Document {
	mode := old.HostConfig.Text("NetworkMode")
	if mode == "host" || mode == "none" || strings.HasPrefix(mode, "container:") {
		return nil
	}
	out := make(map[string]Document, len(old.Networks))
	for name, endpoint := range old.Networks {
		kept := Document{}
		for _, field := range endpointFields {
			if value := endpoint[field]; !empty(value) {
				kept[field] = cloneValue(value)
			}
		}
		if aliases := aliasesOf(endpoint, old.ID); len(aliases) > 0 {
			kept["Aliases"] = aliases
		} else {
			delete(kept, "Aliases")
		}
		if mac := givenMAC(endpoint, old.Config.Text("MacAddress")); mac != "" {
			kept["MacAddress"] = mac
		}
		if endpoint.Text("NetworkID") == mode && mode != "" {
			name = mode // asked for by ID: one network must not appear under two names
		}
		if (mode == "default" || mode == "bridge") && name == "bridge" && len(kept) == 0 {
			continue // the engine's own default; naming it says nothing
		}
		out[name] = kept
	}
	return out
}

// aliasesOf leaves out the short ID, which older engines list among them.
func aliasesOf(endpoint Document, id string) []any {
	var out []any
	for _, alias := range endpoint.Texts("Aliases") {
		if alias != short(id) {
			out = append(out, alias)
		}
	}
	return out
}
