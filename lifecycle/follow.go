package lifecycle

import (
	"path"
	"strings"
)

// follow points a spec at what takes the place of its parents: a container that
// lives in another's name space, mounts its volumes or is linked to it names it,
// mostly by an ID that is about to be gone. made are the new IDs by the old.
func follow(spec Spec, old Snapshot, moves []*move, made map[string]string) {
	successor := func(ref string) (id string, byName bool) {
		for _, m := range moves {
			id := made[m.old.ID]
			switch {
			case id == "":
			case ref == m.old.Name:
				return id, true
			case len(ref) >= 12 && strings.HasPrefix(m.old.ID, ref):
				return id, false
			}
		}
		return "", false
	}
	for _, mode := range []string{"NetworkMode", "IpcMode", "PidMode"} {
		if ref, ok := strings.CutPrefix(spec.HostConfig.Text(mode), "container:"); ok {
			if id, _ := successor(ref); id != "" {
				spec.HostConfig[mode] = "container:" + id
			}
		}
	}
	if from := spec.HostConfig.Texts("VolumesFrom"); len(from) > 0 {
		spec.HostConfig["VolumesFrom"] = followVolumes(from, len(moves) > 0 && len(moves[0].renewed) > 0, successor)
	}
	if links := old.HostConfig.Texts("Links"); len(links) > 0 {
		for i, text := range links {
			target, alias := link(text)
			if id, _ := successor(target); id != "" {
				target = id
			}
			links[i] = target + ":" + alias
		}
		spec.HostConfig["Links"] = anyTexts(links)
	}
}

// followVolumes points a list of containers whose volumes are mounted at the new ones.
// A name stays: it leads to the old one now and to the new one later, and the volumes
// are the same, unless they are renewed.
func followVolumes(from []string, renewed bool, successor func(ref string) (id string, byName bool)) []any {
	list := make([]any, len(from))
	for i, text := range from {
		ref, access, _ := strings.Cut(text, ":")
		if id, byName := successor(ref); id != "" && (renewed || !byName) {
			text = strings.TrimSuffix(id+":"+access, ":")
		}
		list[i] = text
	}
	return list
}

// link reads a link as inspects show it, "/db:/web/alias", or as people write it.
func link(text string) (target, alias string) {
	target, alias, _ = strings.Cut(text, ":")
	return strings.TrimPrefix(target, "/"), path.Base(alias)
}
