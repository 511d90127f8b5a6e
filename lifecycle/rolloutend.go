package lifecycle

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// tally counts a service's tasks.
type tally struct {
	wanted, running int // of the new image: that are to run, and that do
	others          int // of another image, that are to run
	failure         *Failure
	homeless        string // why one that is to run has no node
}

// tallyOf counts those of the image. Why one of them failed is told of the first.
func tallyOf(tasks []Task, image string) tally {
	var t tally
	for _, task := range tasks {
		wanted := task.Wanted == "running" || task.Wanted == "ready"
		if task.Image != image {
			if wanted {
				t.others++
			}
			continue
		}
		if wanted {
			t.wanted++
			if task.State == "running" {
				t.running++
			}
			if task.State == "pending" && task.Err != "" {
				t.homeless = task.Err
			}
		}
		if t.failure == nil && (task.State == "failed" || task.State == "rejected") {
			t.failure = &Failure{ExitCode: task.ExitCode, Log: cmp.Or(task.Err, task.State)}
		}
	}
	return t
}

// String reads "updating: 2 of 6 tasks run it".
func (l look) String() string {
	return fmt.Sprintf("%s: %d of %d tasks run it", cmp.Or(string(l.service.Rollout), "no change in hand"),
		l.tasks.running, l.tasks.wanted+l.tasks.others)
}

// over says whether the cluster is done, and how that ended. Quiet is how long the
// cluster has said the same.
func (u *serviceUpdate) over(at look, quiet time.Duration) (bool, error) {
	own := at.service.Image() == u.image()
	if at.tasks.failure != nil {
		u.result.Failure = at.tasks.failure
	}
	switch state := at.service.Rollout; {
	case state == RolloutRollbackCompleted:
		u.result.Outcome, u.result.ImageFailed = OutcomeRolledBack, true
		return true, u.aborted(at, "the cluster rolled back")
	case state.Paused():
		u.result.ImageFailed = true
		return true, u.aborted(at, "the cluster paused, and waits for a person")
	case state.InHand():
		return own && u.endless(at), nil
	case !own:
		return true, precondition("somebody has given it another image meanwhile: %s", at.service.Image())
	case state == RolloutNone && at.tasks.others > 0:
		return false, nil // not begun yet
	case at.tasks.running == at.tasks.wanted && (state == RolloutCompleted || quiet >= rolloutSettle):
		u.result.Outcome, u.result.Failure = OutcomeUpdated, nil
		return true, nil
	case quiet < rolloutSettle:
		return false, nil
	case at.tasks.running > 0:
		u.result.Outcome = OutcomeUpdated
		u.result.Warnings = append(u.result.Warnings, fmt.Sprintf("%d of %d tasks run%s", at.tasks.running, at.tasks.wanted, at.why()))
		return true, nil
	default:
		u.result.ImageFailed = true
		return true, u.aborted(at, fmt.Sprintf("the cluster is done, and none of %d tasks runs", at.tasks.wanted))
	}
}

// watchedDefault is how long a cluster watches each task unless the service says it.
const watchedDefault = 5 * time.Second

// endless says whether the update is done but for the cluster's word. Of a node that is
// lost while a task is on its way there the cluster awaits that one, though another runs
// in its place: until the node is back, and then it may take the update back.
func (u *serviceUpdate) endless(at look) bool {
	if at.tasks.others > 0 || at.tasks.wanted == 0 || at.tasks.running < at.tasks.wanted {
		u.whole = time.Time{}
		return false
	}
	if u.whole.IsZero() {
		u.whole = time.Now()
	}
	settings := at.service.Spec.Object("UpdateConfig")
	watched, said := number(settings["Monitor"])
	if !said {
		watched = int64(watchedDefault)
	}
	delay, _ := number(settings["Delay"])
	if time.Since(u.whole) < time.Duration(watched+delay)+rolloutSettle {
		return false
	}
	u.result.Outcome, u.result.Failure = OutcomeUpdated, nil
	u.result.Warnings = append(u.result.Warnings, fmt.Sprintf(
		"all %d tasks run, and the cluster waits for more: perhaps for a node that is lost, with whose return it may roll back", at.tasks.wanted))
	return true
}

// aborted is the error of an image that failed.
func (u *serviceUpdate) aborted(at look, what string) error {
	if at.service.Rollout != RolloutCompleted && at.service.Message != "" {
		what += ": " + at.service.Message
	}
	return errclass.With(errdefs.ErrAborted, errors.New(what+at.why()))
}

// why is what a task that failed said.
func (l look) why() string {
	if l.tasks.failure == nil {
		return ""
	}
	return ": " + l.tasks.failure.Log
}
