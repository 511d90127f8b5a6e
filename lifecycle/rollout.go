package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/errclass"
)

const (
	// DefaultRolloutTimeout is how long an update of a service is waited for: one of
	// many tasks, one at a time and each watched for minutes, takes that long.
	DefaultRolloutTimeout = time.Hour
	// DefaultRolloutPatience is how long nobody may answer meanwhile. An engine answers
	// within twenty seconds that its managers have none to lead them; to find another
	// takes them ten to thirty, and an engine that is restarted seldom a minute.
	DefaultRolloutPatience = time.Minute
	// rolloutTries bounds how often somebody else's change of a service may come
	// between the look at it and its update. Each is a person's or a program's, and
	// seldom: more than a few are a loop.
	rolloutTries = 5
	// rolloutPoll is the time between two looks: a cluster takes seconds for a task.
	rolloutPoll = time.Second
	// rolloutStuck is how long an update may stand still while a task of it finds no node:
	// longer than one that is restarted is away. It stands still until somebody makes room.
	rolloutStuck = 5 * time.Minute
	// rolloutSettle is how long a service may say nothing, or its tasks not run once it
	// says that it is done, before that is its last word. A manager begins within a tenth
	// of a second.
	rolloutSettle = 10 * time.Second
)

// RollOutOption sets one thing of the Updater that RollOut makes.
type RollOutOption func(*rollOut)

// WithRolloutTimeout sets how long an update is waited for; what it has not done by
// then the cluster goes on with. Zero or less: DefaultRolloutTimeout.
func WithRolloutTimeout(d time.Duration) RollOutOption {
	return func(r *rollOut) {
		if d > 0 {
			r.timeout = d
		}
	}
}

// WithRolloutPatience sets how long nobody may answer while an update is waited for: the
// cluster goes on without whoever watches it, and the next one sees what became of it.
// Zero or less: DefaultRolloutPatience.
func WithRolloutPatience(d time.Duration) RollOutOption {
	return func(r *rollOut) {
		if d > 0 {
			r.patience = d
		}
	}
}

// WithServiceLogin sets where logins for registries come from, by reference. What fails
// there is a warning, and the cluster keeps the login it has. Nil, the default: always.
func WithServiceLogin(login func(ctx context.Context, reference string) (credentials.Credential, error)) RollOutOption {
	return func(r *rollOut) { r.login = login }
}

// WithoutWait leaves an update that was begun to the cluster: its outcome is
// OutcomeUnfinished, without an error. It is for the service whose task this process is,
// which the update ends.
func WithoutWait() RollOutOption { return func(r *rollOut) { r.leaves = true } }

// RollOut makes the Updater for services: of a target with one Member, whose Container
// has a Service, and whose ImageID is the digest that its Reference is pinned to. The
// cluster's managers do the work, as the service's own update and rollback settings say;
// a specification is sent back as it came, but for the image (see WithRollbackUnlessSet).
// Order, StopTimeout, Start and FreshVolumes are not heard.
//
// The service must still have the image that was judged: FailedPrecondition. Whatever
// else somebody changes meanwhile is kept: an update that the cluster refuses for that
// is made anew from what there is then. An update is waited for until the cluster says
// that it is over. A rollback is Aborted, and the digest is to blame
// (MemberResult.ImageFailed); so it is where the cluster pauses, or says completed and no
// task runs: the service stays as it is then, OutcomeUnfinished. Unavailable: the update
// is in hand, and was not waited for to its end: it takes too long, nobody answers, or
// for five minutes the cluster has had no node for a task of it.
func RollOut(engine ServiceUpdater, opts ...RollOutOption) Updater {
	r := &rollOut{engine: patientManager{engine}, timeout: DefaultRolloutTimeout, patience: DefaultRolloutPatience}
	for _, opt := range opts {
		if opt != nil {
			opt(r)
		}
	}
	return r
}

type rollOut struct {
	engine            ServiceUpdater
	timeout, patience time.Duration
	leaves            bool // the end to the cluster
	rollback          bool // of what has no settings of its own
	login             func(ctx context.Context, reference string) (credentials.Credential, error)
}

// Update rolls one service out.
func (r *rollOut) Update(ctx context.Context, t Target) (Result, error) {
	if len(t.Members) != 1 || t.Members[0].Container.Service == nil || t.Members[0].Container.Service.Image() == "" {
		return Result{}, errclass.With(errdefs.ErrInvalidArgument, errors.New("lifecycle: RollOut: want a target of one service"))
	}
	m := t.Members[0]
	u := &serviceUpdate{rollOut: r, member: m, step: func(action, detail string) {
		if t.OnStep != nil {
			t.OnStep(Step{Container: m.Container.Name, Action: action, Detail: detail})
		}
	}}
	u.result = MemberResult{Name: m.Container.Name, Outcome: OutcomeUntouched, OldID: m.Container.ID, NewID: m.Container.ID}
	op := "update"
	err := u.begin(ctx, t.BeforeSwap)
	if err == nil {
		op = "verify"
		u.result.Outcome = OutcomeUnfinished
		if !r.leaves {
			err = u.await(ctx)
		}
	}
	if err != nil {
		err = &Error{Op: op, Container: m.Container.Name, Err: err}
	}
	return Result{Members: []MemberResult{u.result}}, err
}

// serviceUpdate is one service on its way.
type serviceUpdate struct {
	*rollOut
	member Member
	step   func(action, detail string)
	result MemberResult
	whole  time.Time // since when all tasks run, while the cluster is at it
}

// image is what the service is to have.
func (u *serviceUpdate) image() string { return u.member.Reference + "@" + u.member.ImageID }

// begin gives the service its new image, unless it no longer is what was judged.
func (u *serviceUpdate) begin(ctx context.Context, lastWord func(context.Context) error) error {
	opts := ServiceOptions{Service: u.member.Container.ID, Reference: u.member.Reference}
	for try := 1; ; try++ {
		now, err := u.engine.Service(ctx, opts.Service)
		if errdefs.IsNotFound(err) {
			return precondition("somebody has removed it: %v", err)
		}
		if err != nil {
			return err
		}
		if err := u.unlike(now); err != nil {
			return err
		}
		if try == 1 {
			if lastWord != nil {
				if err := lastWord(ctx); err != nil {
					return err
				}
			}
			opts.Credential = u.credential(ctx)
			u.step("update", u.image())
		}
		opts.Version, opts.Spec = now.Version, now.Spec.Clone()
		opts.Spec.Object("TaskTemplate").Object("ContainerSpec")["Image"] = u.image()
		if u.rollback && opts.Spec["UpdateConfig"] == nil {
			opts.Spec["UpdateConfig"] = rollbackConfig()
		}
		warnings, err := u.engine.UpdateService(ctx, opts)
		switch {
		case err == nil:
			u.result.Warnings = append(u.result.Warnings, warnings...)
			return nil
		case errdefs.IsConflict(err) && try < rolloutTries:
			continue // looked at anew
		case errdefs.IsConflict(err):
			return err
		}
		return u.begun(ctx, err)
	}
}

// begun sees whether what was answered by an error was done all the same.
func (u *serviceUpdate) begun(ctx context.Context, answer error) error {
	now, err := u.engine.Service(context.WithoutCancel(ctx), u.member.Container.ID)
	switch {
	case err != nil:
		u.result.Outcome = OutcomeUnfinished
		return fmt.Errorf("%w; and nobody says whether it was done: %w", answer, err)
	case now.Image() == u.image():
		return nil
	}
	return answer
}

// unlike says why the service is not the one that was judged.
func (u *serviceUpdate) unlike(now Service) error {
	judged := u.member.Container.Service
	switch {
	case now.Image() == u.image() && judged.Image() != u.image():
		return precondition("somebody else has given it this image meanwhile: %s", u.image())
	case now.Image() != judged.Image():
		return precondition("its image is %s now, not %s", now.Image(), judged.Image())
	case now.Rollout.InHand():
		return precondition("the cluster has a change of it in hand: %s", now.Message)
	}
	return nil
}

// credential is the registry's login, if there is any to give.
func (u *serviceUpdate) credential(ctx context.Context) credentials.Credential {
	if u.login == nil {
		return credentials.Credential{}
	}
	login, err := u.login(ctx, u.member.Reference)
	if err != nil {
		u.result.Warnings = append(u.result.Warnings, fmt.Sprintf("the cluster keeps the login it has: %v", err))
	}
	return login
}

// look is one look at a service that is on its way.
type look struct {
	service Service
	tasks   tally
}

// await looks until the cluster is done. One that does not answer is asked again: a
// manager that is lost takes the others seconds to replace.
func (u *serviceUpdate) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, u.timeout, errTooLong)
	defer cancel()
	ticker := time.NewTicker(rolloutPoll)
	defer ticker.Stop()
	var told string
	var state RolloutState
	since := time.Now() // it is in that state, whatever its tasks do
	answered, moved := since, since
	u.step("verify", "")
	for {
		var at look
		err := errclass.Within(ctx, u.patience, func(ctx context.Context) (err error) {
			at, err = u.look(ctx)
			return err
		})
		switch {
		case errdefs.IsNotFound(err):
			return fmt.Errorf("somebody removed the service: %w", err)
		case err != nil && ctx.Err() == nil && time.Since(answered) >= u.patience:
			return unwatched(fmt.Errorf("nobody answers: %w", err))
		case err != nil:
			since, moved, u.whole = time.Now(), time.Now(), time.Time{} // whatever it was meanwhile
		default:
			answered = time.Now()
			if text := at.String(); text != told {
				told, moved = text, answered
				u.step("verify", text)
			}
			if at.service.Rollout != state {
				state, since = at.service.Rollout, time.Now()
			}
			if over, err := u.over(at, time.Since(since)); over {
				return err
			}
			if at.tasks.homeless != "" && time.Since(moved) >= rolloutStuck {
				return unwatched(fmt.Errorf("it has no node for a task: %s", at.tasks.homeless))
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return unwatched(context.Cause(ctx))
		}
	}
}

// unwatched is the error of an update that somebody else will see the end of.
func unwatched(why error) error {
	return errclass.With(errdefs.ErrUnavailable, fmt.Errorf("not waited for any longer, the cluster goes on by itself: %w", why))
}

var errTooLong = errors.New("it takes too long")

func (u *serviceUpdate) look(ctx context.Context) (at look, err error) {
	if at.service, err = u.engine.Service(ctx, u.member.Container.ID); err != nil {
		return at, err
	}
	tasks, err := u.engine.Tasks(ctx, u.member.Container.ID)
	at.tasks = tallyOf(tasks, u.image())
	return at, err
}
