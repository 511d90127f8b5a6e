package watchtower

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/containerd/errdefs"
	"golang.org/x/sync/errgroup"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// DependsOnLabel names, separated by commas or blanks, the containers that a
// container needs: it is stopped before them, started after them, and restarted
// with them.
const DependsOnLabel = "com.centurylinklabs.watchtower.depends-on"

// What Compose writes on its containers.
const (
	composeProject   = "com.docker.compose.project"
	composeService   = "com.docker.compose.service"
	composeDependsOn = "com.docker.compose.depends_on"
	composeOneOff    = "com.docker.compose.oneoff"
)

// relation says that one container needs another.
type relation struct {
	child, parent string // IDs
	moves         bool   // the child is replaced, or restarted, with the parent
	ready         bool   // the parent must have proven itself before the child starts
	why           string // "it lives in the network of vpn"
}

// snapshots inspects every container: the list does not show what the relations
// are made of.
func (t *Tower) snapshots(ctx context.Context, inv *inventory) ([]lifecycle.Snapshot, error) {
	snaps := make([]lifecycle.Snapshot, len(inv.containers))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inspectConcurrency)
	for i, c := range inv.containers {
		group.Go(func() error {
			snap, err := t.inspect(ctx, c.ID)
			if err != nil && !errdefs.IsNotFound(err) {
				return fmt.Errorf("inspect %s: %w", c.Name, err)
			}
			snap.Container = c
			snaps[i] = snap
			return nil
		})
	}
	return snaps, group.Wait()
}

// relations reads who needs whom, by whatever means it was said.
func relations(snaps []lifecycle.Snapshot) []relation {
	var out []relation
	for _, child := range snaps {
		add := func(ref string, moves bool, why string) {
			if parent := named(snaps, ref); parent != nil && parent.ID != child.ID {
				out = append(out, relation{child.ID, parent.ID, moves, false, fmt.Sprintf(why, parent.Name)})
			}
		}
		host := child.HostConfig
		for _, space := range []struct{ mode, why string }{
			{"NetworkMode", "it lives in the network of %s"},
			{"IpcMode", "it shares the memory of %s"},
			{"PidMode", "it lives among the processes of %s"},
		} {
			if ref, ok := strings.CutPrefix(host.Text(space.mode), "container:"); ok {
				add(ref, true, space.why)
			}
		}
		for _, from := range host.Texts("VolumesFrom") {
			ref, _, _ := strings.Cut(from, ":")
			add(ref, true, "it has the volumes of %s")
		}
		for _, link := range host.Texts("Links") { // "/db:/web/alias"
			ref, _, _ := strings.Cut(strings.TrimPrefix(link, "/"), ":")
			add(ref, true, "it is linked to %s")
		}
		for _, name := range strings.FieldsFunc(child.Labels[DependsOnLabel], func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
			add(path.Base(name), true, "its label says that it depends on %s")
		}
		out = append(out, composeRelations(child, snaps)...)
	}
	return out
}

// composeRelations reads Compose's "db:service_healthy:true,cache:service_started:false".
// Only the last word restarts the child with the parent; without it the
// relation is about order.
func composeRelations(child lifecycle.Snapshot, snaps []lifecycle.Snapshot) []relation {
	var out []relation
	for _, item := range strings.Split(child.Labels[composeDependsOn], ",") {
		service, rest, _ := strings.Cut(strings.TrimSpace(item), ":")
		condition, restart, _ := strings.Cut(rest, ":")
		for _, parent := range snaps {
			same := service != "" && parent.ID != child.ID && parent.Labels[composeService] == service &&
				parent.Labels[composeProject] == child.Labels[composeProject] && !strings.EqualFold(parent.Labels[composeOneOff], "true")
			if same {
				out = append(out, relation{
					child.ID, parent.ID, restart == "true", condition == "service_healthy",
					fmt.Sprintf("Compose restarts it with %s", parent.Name),
				})
			}
		}
	}
	return out
}

// named finds a container by ID, name or the beginning of an ID.
func named(snaps []lifecycle.Snapshot, ref string) *lifecycle.Snapshot {
	for _, match := range []func(lifecycle.Container) bool{
		func(c lifecycle.Container) bool { return c.ID == ref || c.Name == ref },
		func(c lifecycle.Container) bool { return len(ref) >= 12 && strings.HasPrefix(c.ID, ref) },
	} {
		for i := range snaps {
			if snaps[i].ID != "" && match(snaps[i].Container) {
				return &snaps[i]
			}
		}
	}
	return nil
}
