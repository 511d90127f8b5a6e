package lifecycle

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// anonymousName is what engines call a volume that nobody named.
var anonymousName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// anonymousVolumes are the container's volumes that nobody named: those at paths for
// which it names none, and those that an earlier swap named to carry them on. One
// whose user names it stays out, whatever it is called, and so does what comes from
// another container.
func anonymousVolumes(old Snapshot, inherited []string) []string {
	var out []string
	carried, named := strings.Split(old.Labels[labelVolumes], ","), namedVolumes(old.HostConfig)
	for _, m := range old.Mounts {
		if m.Type == "volume" && anonymousName.MatchString(m.Name) && !slices.Contains(inherited, m.Destination) &&
			(slices.Contains(carried, m.Name) || !slices.Contains(named, m.Name)) {
			out = append(out, m.Name)
		}
	}
	return out
}

// namedVolumes are what the settings name, volumes and paths.
func namedVolumes(host Document) []string {
	var out []string
	for _, bind := range host.Texts("Binds") {
		name, _, _ := strings.Cut(bind, ":")
		out = append(out, name)
	}
	list, _ := host["Mounts"].([]any)
	for _, item := range list {
		m, _ := item.(map[string]any)
		out = append(out, Document(m).Text("Source"))
	}
	return out
}

// forgetVolumes takes the names of volumes out of the settings: what was carried on
// by its name is anonymous again.
func forgetVolumes(host Document, volumes []string) {
	if binds, ok := host["Binds"].([]any); ok {
		host["Binds"] = slices.DeleteFunc(binds, func(item any) bool {
			text, _ := item.(string)
			name, _, _ := strings.Cut(text, ":")
			return slices.Contains(volumes, name)
		})
	}
	list, _ := host["Mounts"].([]any)
	for _, item := range list {
		if m, _ := item.(map[string]any); slices.Contains(volumes, Document(m).Text("Source")) {
			delete(m, "Source")
		}
	}
}

// carried are the anonymous volumes that what is created in this role has by name.
func (m *move) carried(role string) []string {
	if role == roleNew && len(m.renewed) > 0 {
		return nil
	}
	return m.anonymous
}

// leaveVolumes tells all members what the group leaves behind: one with another's
// volumes gets that one's new ones.
func (s *swap) leaveVolumes() {
	var all []string
	for _, m := range s.moves {
		all = append(all, m.renewed...)
	}
	for _, m := range s.moves {
		m.renewed = all
	}
}

// begin notes the volumes that the engine made for a successor: those that neither its
// predecessor has, nor another container, nor its user.
func (m *move) begin(next Snapshot) {
	m.begun = slices.DeleteFunc(anonymousVolumes(next, m.inherited), func(name string) bool {
		return slices.ContainsFunc(m.old.Mounts, func(o Mount) bool { return o.Name == name })
	})
}

// leftBehind are the volumes that the member has no more, as it ended.
func (m *move) leftBehind(o Outcome) []string {
	switch {
	case !m.member.FreshVolumes:
		return nil // also of one that follows another whose volumes are renewed
	case o == OutcomeUpdated:
		return m.anonymous
	case o == OutcomeRolledBack, o == OutcomeUntouched:
		return m.begun
	default:
		return nil
	}
}

// removeVolumes removes what nobody will go back to any more, or came to. The engine
// refuses it for one that another container has.
func (s *swap) removeVolumes(ctx context.Context, result *Result) {
	engine, ok := s.engine.(VolumeRemover)
	if !ok {
		return
	}
	for i, m := range s.moves {
		for _, volume := range m.leftBehind(result.Members[i].Outcome) {
			err := errclass.Within(ctx, callTimeout, func(ctx context.Context) error { return engine.RemoveVolume(ctx, volume) })
			if err != nil && !errdefs.IsNotFound(err) {
				result.Members[i].Warnings = append(result.Members[i].Warnings,
					fmt.Sprintf("its anonymous volume %s was not removed: %v", short(volume), err))
			}
		}
	}
}
