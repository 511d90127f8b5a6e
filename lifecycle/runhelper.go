package lifecycle

import (
	"context"
	"fmt"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// RunHelper is what a helper does: it repairs what an earlier life of its may have
// left, and makes the swap it was created for. helper is its own container's name.
//
// OutcomeUnfinished, and it alone, asks for another try: the program is to end with
// an exit code other than 0, for the engine to start it again. err then tells why;
// otherwise why the predecessor serves.
func RunHelper(ctx context.Context, engine Engine, helper string, onStep func(Step)) (Outcome, error) {
	r := &recreator{engine: engine}
	own, err := r.inspect(ctx, helper)
	if errdefs.IsNotFound(err) {
		if _, err := r.inspect(ctx, helper+failedMark); err == nil {
			return OutcomeRolledBack, nil // it has judged, and was killed before it ended
		}
	}
	if err != nil {
		return OutcomeUnfinished, &Error{"help", helper, err}
	}
	job, ok := taskOf(own.Container)
	if !ok {
		return OutcomeUntouched, &Error{"help", helper, errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("it is no helper: it has no label %s", labelTask))}
	}
	probe, err := ParseProbe(job.Probe)
	if err != nil {
		return OutcomeUntouched, err
	}
	opts := []RecreateOption{WithHolder(own.ID), WithStableTime(job.StableTime), WithProbe(probe, job.ProbeTimeout)}
	r = Recreate(engine, opts...).(*recreator)
	recovered, err := r.Recover(ctx, RecoverOptions{StopTimeout: job.StopTimeout, OnStep: onStep, Only: job.Service})
	if err != nil {
		return OutcomeUnfinished, err
	}
	outcome := OutcomeUntouched
	for _, rec := range recovered {
		if rec.Outcome == OutcomeUnfinished {
			return OutcomeUnfinished, rec.Err
		}
		if rec.Name == job.Service {
			outcome = rec.Outcome
		}
	}
	return r.help(ctx, own.Name, job, outcome, onStep)
}

// help makes the swap, unless it has been made.
func (r *recreator) help(ctx context.Context, helper string, job task, repaired Outcome, onStep func(Step)) (Outcome, error) {
	if len(job.Members) == 0 || repaired == OutcomeUpdated {
		return repaired, nil
	}
	list, err := r.list(ctx)
	if err != nil {
		return OutcomeUnfinished, &Error{"help", helper, err}
	}
	if byID(list, job.Self) == nil && repaired == OutcomeUntouched {
		return OutcomeUpdated, nil // and the one who knew was killed
	}
	if byID(list, job.Self) == nil {
		return repaired, nil // what was put back is a copy
	}
	t := Target{Order: job.Order, StopTimeout: job.StopTimeout, OnStep: onStep}
	for _, m := range job.Members {
		t.Members = append(t.Members, Member{
			Container: Container{ID: m.ID, Name: m.Name, ImageID: m.ImageID, State: m.State},
			Reference: m.Reference, ImageID: m.NewImageID, NeedsReady: m.NeedsReady,
		})
	}
	result, err := r.Update(ctx, t)
	if err == nil {
		return OutcomeUpdated, nil
	}
	outcome := result.Members[0].Outcome
	for _, m := range result.Members {
		if m.Outcome == OutcomeRolledBack && m.ImageFailed {
			// The verdict outlives this process by its container's name.
			if renamed := r.rename(context.WithoutCancel(ctx), helper, helper+failedMark); renamed != nil {
				return OutcomeUnfinished, &Error{"help", helper, renamed}
			}
			break
		}
	}
	return outcome, err
}
