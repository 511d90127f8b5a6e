package watchtower

import (
	"context"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// chainLabel lists the IDs of the containers a watchtower of the fork descends
// from.
const chainLabel = "com.centurylinklabs.watchtower.container-chain"

// What predecessors were renamed to by updates of themselves: 32 letters at random
// by the original program, a word and their own short ID by its fork.
var (
	originalsName = regexp.MustCompile(`^[a-zA-Z]{32}$`)
	forksName     = regexp.MustCompile(`^watchtower-old-([0-9a-f]{12})$`)
)

// clearLeftovers removes, once in this process, predecessors that the original
// program's or its fork's update of itself left, and tells of one that still runs. It
// is a predecessor's if it is marked as a watchtower, in the same scope, of the same
// image repository, older, and named so; and if this container's label names it,
// for the fork's, or, for the original's, its host configuration and command are
// this one's to the letter.
func (t *Tower) clearLeftovers(ctx context.Context) {
	if t.cleared {
		return
	}
	list, err := t.containers(ctx)
	i := slices.IndexFunc(list, func(c lifecycle.Container) bool { return c.ID == t.cfg.self })
	if err != nil || i < 0 {
		return
	}
	t.cleared = true
	for _, c := range list {
		if !t.descendsFrom(ctx, list[i], c) {
			continue
		}
		found := LeftoverFound{Container: c}
		if !c.State.Up() {
			found.Err = errclass.Within(ctx, listTimeout, func(ctx context.Context) error {
				return t.cfg.engine.Remove(ctx, c.ID, lifecycle.RemoveOptions{})
			})
			found.Removed = found.Err == nil
		}
		found.At = t.now()
		t.emit(ctx, found)
	}
}

func (t *Tower) descendsFrom(ctx context.Context, own, c lifecycle.Container) bool {
	fork := forksName.FindStringSubmatch(c.Name)
	if fork == nil && !originalsName.MatchString(c.Name) || c.ID == own.ID || !c.Created.Before(own.Created) ||
		c.Labels[lifecycle.LabelInstance] != "true" || scopeOf(c) != scopeOf(own) {
		return false
	}
	if fork != nil && (fork[1] != c.ShortID() || !inChain(own.Labels[chainLabel], c)) {
		return false
	}
	// The list may show an image's ID in place of the reference.
	mine, err := t.inspect(ctx, own.ID)
	if err != nil {
		return false
	}
	its, err := t.inspect(ctx, c.ID)
	if err != nil || repository(mine.Image) == "" || repository(mine.Image) != repository(its.Image) {
		return false
	}
	return fork != nil || reflect.DeepEqual(mine.HostConfig, its.HostConfig) && reflect.DeepEqual(mine.Config["Cmd"], its.Config["Cmd"])
}

func scopeOf(c lifecycle.Container) string {
	if s := c.Labels[filter.ScopeLabel]; s != filter.NoScope {
		return s
	}
	return ""
}

// inChain: the fork writes IDs, separated by commas.
func inChain(chain string, c lifecycle.Container) bool {
	return slices.ContainsFunc(strings.Split(chain, ","), func(id string) bool {
		id = strings.TrimSpace(id)
		return id == c.ID || id == c.ShortID()
	})
}

// repository is a reference's, with its host; empty for what is none.
func repository(reference string) string {
	ref, err := registry.Parse(reference)
	if err != nil || isID(reference) {
		return ""
	}
	return ref.Host + "/" + ref.Repository
}

func logLeftover(ctx context.Context, l *slog.Logger, e LeftoverFound) {
	switch {
	case e.Removed:
		l.InfoContext(ctx, "removed a predecessor of this watchtower", about(e.Container)...)
	case e.Err != nil:
		l.WarnContext(ctx, "a predecessor of this watchtower was not removed", append(about(e.Container), "err", e.Err)...)
	default:
		l.WarnContext(ctx, "a predecessor of this watchtower still runs: stop and remove it", about(e.Container)...)
	}
}
