package watchtower

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// ownService is what this process knows of the service that it is a task of.
type ownService struct {
	looked   bool   // whether it is one
	id, task string // empty: it is none
	begun    string // the image that it gave the service, until it is told how that ended
	told     bool   // how the change ended that this task came of
}

// findOwn finds out, once, whether this process's container is a task.
func (t *Tower) findOwn(ctx context.Context) {
	_, updates := t.cfg.engine.(lifecycle.ServiceUpdater)
	if t.own.looked || !updates || t.cfg.self == "" {
		return
	}
	list, err := t.containers(ctx)
	if err != nil {
		return // the next look tells
	}
	t.own.looked = true
	for _, c := range list {
		if c.ID == t.cfg.self {
			t.own.id, t.own.task = c.Labels[lifecycle.LabelServiceID], c.Labels[lifecycle.LabelTaskID]
		}
	}
}

// beginOwn gives the service a new image whose task this process is, and waits for
// nothing: the cluster ends this process, or the one that it started beside it.
func (a *application) beginOwn(ctx context.Context, g PlannedGroup) {
	m := g.Members[0]
	var result lifecycle.Result
	target, err := a.target(ctx, g)
	if err == nil {
		target.OnStep = func(s lifecycle.Step) { a.emit(StepStarted{At: a.now(), Image: m.Image, Step: s}) }
		a.lastWord(g, &target)
		result, err = a.cfg.serviceUpdater(lifecycle.WithoutWait()).Update(ctx, target)
	}
	e := a.entry(m.ID)
	if err != nil {
		member, err := ended(m, 0, result, err)
		member.Warnings = slices.Concat(e.Warnings, member.Warnings)
		a.end(m, member, err)
		return
	}
	e.Warnings = slices.Concat(e.Warnings, result.Members[0].Warnings)
	e.Reason = "the swarm replaces its tasks, and this watchtower with them"
	a.own.begun = target.Members[0].Reference + "@" + target.Members[0].ImageID
	a.report.handedOver = true
	a.emit(SelfUpdateStarted{At: a.now(), Entry: *e})
}

// settleOwn tells how the change of the service ended that this process is a task of:
// of the one that it began, as long as it is there to tell, and of the one that it came
// of. It returns false while that is in hand. The cluster is the memory of it.
func (t *Tower) settleOwn(ctx context.Context) (done bool) {
	if t.own.told && t.own.begun == "" || t.cfg.services == ServicesOff {
		return true
	}
	var now lifecycle.Service
	var tasks []lifecycle.Task
	err := errclass.Within(ctx, inspectTimeout, func(ctx context.Context) (err error) {
		now, err = t.cfg.engine.(lifecycle.ServiceUpdater).Service(ctx, t.own.id)
		return err
	})
	if err == nil {
		tasks, err = t.tasks(ctx, t.own.id)
	}
	if err != nil { // of a worker it is none of its business
		t.cfg.logger.DebugContext(ctx, "this watchtower's own service is not seen", "err", err)
		return true
	}
	var own lifecycle.Task
	if i := slices.IndexFunc(tasks, func(task lifecycle.Task) bool { return task.ID == t.own.task }); i >= 0 {
		own = tasks[i]
	}
	switch {
	case t.own.begun == "" && !cameOf(now, own):
	case now.Rollout.InHand(), now.Rollout == lifecycle.RolloutNone && now.Image() == t.own.begun:
		return false
	case own.Wanted != "running": // those tell that stay
	default:
		if e, ok := ownEnd(now, own, tasks, t.own.begun); ok {
			if e.Status != StatusUpdated {
				t.kept(t.quarantine.add(e.failedAs(), e.Latest, t.now()))
			}
			t.emit(ctx, SelfUpdateEnded{At: t.now(), Entry: e})
		}
	}
	t.own.told, t.own.begun = true, ""
	return true
}

// cameOf reports whether the task was made in the service's last change.
func cameOf(s lifecycle.Service, task lifecycle.Task) bool {
	return !s.RolloutStarted.IsZero() && !task.Created.Before(s.RolloutStarted) &&
		(s.RolloutEnded.IsZero() || !task.Created.After(s.RolloutEnded))
}

// ownEnd is how the change ended, if it was one to another image. That it was made those
// tell whose task has it.
func ownEnd(now lifecycle.Service, own lifecycle.Task, tasks []lifecycle.Task, begun string) (Entry, bool) {
	e := Entry{Container: now.Container()}
	image := now.Image() // that it was to have
	switch {
	case now.Rollout == lifecycle.RolloutCompleted:
		if _, e.Container.ImageID, _ = strings.Cut(now.PreviousImage, "@"); own.Image != image || cmp.Or(now.PreviousImage, image) == image {
			return e, false
		}
		e.Status, e.NewContainerID = StatusUpdated, now.ID
	case now.Rollout.Paused(), now.Rollout.Undone():
		if now.Rollout.Undone() {
			image = takenBack(now, tasks, begun)
		}
		if image == "" || image == now.PreviousImage && now.Rollout == lifecycle.RolloutPaused {
			return e, false
		}
		e.Status, e.OutOfDate = StatusFailed, now.Rollout.Undone()
		if now.Rollout == lifecycle.RolloutRollbackCompleted {
			e.Status = StatusRolledBack
		}
		e.Err = errclass.With(errdefs.ErrAborted, errors.New(whyUndone(now, tasks, image)))
	default:
		return e, false // somebody has changed it once more
	}
	reference, digest, _ := strings.Cut(image, "@")
	e.Latest, e.NewImageID = digest, digest
	if reference != e.Container.Image {
		e.NewReference = reference
	}
	return e, true
}

// takenBack is the image that the service was taken back from; empty if nobody knows.
func takenBack(s lifecycle.Service, tasks []lifecycle.Task, begun string) string {
	images := []string{begun, s.PreviousImage}
	for _, task := range tasks {
		images = append(images, task.Image)
	}
	for _, image := range images {
		if image != "" && s.Undid(image, tasks) {
			return image
		}
	}
	return ""
}

func whyUndone(s lifecycle.Service, tasks []lifecycle.Task, image string) string {
	text := fmt.Sprintf("watchtower: the swarm's change of %s: %s", s.Name, s.Message)
	for _, task := range tasks {
		if task.Image == image && task.Err != "" {
			return text + ": " + task.Err
		}
	}
	return text
}
