package httpapi

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/errclass"
)

const (
	// maxWaiting bounds the updates that are not over.
	maxWaiting = 32
	// maxJobs bounds those that are known, the oldest of which are forgotten.
	maxJobs = 100
	// maxJobReports bounds those whose report is kept: of a thousand containers it has
	// megabytes.
	maxJobReports = 10
)

// bounds are those of jobs of a kind.
type bounds struct {
	most    int   // that are not over
	crowded error // told to who asks for more
	known   int   // that can be found, the oldest of which are forgotten
	reports int   // that are kept along with them
}

var (
	updateBounds = bounds{maxWaiting, errCrowded, maxJobs, maxJobReports}
	checkBounds  = bounds{maxChecks, errManyChecks, 0, 0}
)

// jobState is how far an update is.
type jobState string

const (
	jobWaiting   jobState = "waiting" // for its turn
	jobRunning   jobState = "running"
	jobDone      jobState = "done"
	jobFailed    jobState = "failed"
	jobWithdrawn jobState = "withdrawn" // before its turn came
)

// job is a pass that somebody asked for. It is nobody's but its own: what is cut short
// would be told to everybody as what failed.
type job struct {
	id     string // others of the same errand have it, too
	asked  time.Time
	cancel context.CancelCauseFunc
	began  chan struct{} // closed when its turn has come
	done   chan struct{} // closed when it is over

	mu     sync.Mutex
	state  jobState
	begun  time.Time
	ended  time.Time
	report *watchtower.Report // nil: there is none, or it was given up
	made   *made              // nil: no report was made
	err    error
}

// made is what is kept of a report.
type made struct {
	summary        summary
	started, ended time.Time
}

// begin notes that its turn has come. One that was withdrawn at that moment finds its
// context ended, and does nothing.
func (j *job) begin() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state == jobWaiting {
		j.state, j.begun = jobRunning, time.Now()
		close(j.began)
	}
}

// withdraw takes it back if its turn has not come.
func (j *job) withdraw() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state != jobWaiting {
		return false
	}
	j.state = jobWithdrawn
	j.cancel(errWithdrawn)
	return true
}

func (j *job) end(report *watchtower.Report, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ended, j.report, j.err = time.Now(), report, err
	if report != nil {
		j.made = &made{summaryOf(report), report.Started, report.Ended}
	}
	switch {
	case j.state == jobWithdrawn:
	case errors.Is(err, context.Canceled):
		j.state, j.err = jobFailed, errClosing
	case err != nil:
		j.state = jobFailed
	default:
		j.state = jobDone
	}
	close(j.done)
}

// result reports whether nothing more becomes of it, and then why it made no report.
func (j *job) result() (over bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state == jobWithdrawn {
		return true, errWithdrawn
	}
	return j.over(), j.err
}

func (j *job) forget() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.report = nil
}

var (
	// Of class Canceled as well: it is its caller's own affair, and no failure of the watcher.
	errWithdrawn  = errclass.With(context.Canceled, errclass.With(errdefs.ErrUnavailable, errors.New("httpapi: withdrawn: its turn did not come in time, nothing was done")))
	errLate       = errclass.With(context.DeadlineExceeded, errors.New("httpapi: the check is not over yet"))
	errClosing    = errclass.With(errdefs.ErrUnavailable, errors.New("httpapi: ending: no update is begun, and what was begun ends between two swaps"))
	errManyChecks = errclass.With(errdefs.ErrResourceExhausted, errors.New("httpapi: too many checks are being made"))
	errCrowded    = errclass.With(errdefs.ErrResourceExhausted, errors.New("httpapi: too many updates wait for their turn"))
)

// jobs are those that are not over, and some that are.
type jobs struct {
	bounds

	mu     sync.Mutex
	list   []*job // in the order they were asked for
	whole  []*job // that have their report, in the order they ended
	live   int
	closed bool
	ended  sync.WaitGroup
}

// start begins a pass beside its caller. The values of ctx go along, its end does not.
func (js *jobs) start(ctx context.Context, id string, work func(context.Context, func()) (*watchtower.Report, error)) (*job, error) {
	js.mu.Lock()
	defer js.mu.Unlock()
	switch {
	case js.closed:
		return nil, errClosing
	case js.live >= js.most:
		return nil, js.crowded
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	j := &job{
		id: id, asked: time.Now(), cancel: cancel, state: jobWaiting,
		began: make(chan struct{}), done: make(chan struct{}),
	}
	js.live++
	js.list = append(js.list, j)
	if over := len(js.list) - js.known; over > 0 {
		js.list = slices.DeleteFunc(js.list, func(j *job) bool {
			if over <= 0 || !j.over() {
				return false
			}
			over--
			return true
		})
	}
	js.ended.Go(func() {
		defer cancel(nil)
		j.end(work(ctx, j.begin))
		js.mu.Lock()
		defer js.mu.Unlock()
		js.live--
		if js.whole = append(js.whole, j); len(js.whole) > js.reports {
			js.whole[0].forget()
			js.whole = slices.Delete(js.whole, 0, 1)
		}
	})
	return j, nil
}

func (j *job) over() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

func (js *jobs) find(id string) *job {
	js.mu.Lock()
	defer js.mu.Unlock()
	if i := slices.IndexFunc(js.list, func(j *job) bool { return j.id == id }); i >= 0 {
		return js.list[i]
	}
	return nil
}

// close lets none begin any more, and waits for those there are: each stops between
// two swaps.
func (js *jobs) close(ctx context.Context) error {
	js.mu.Lock()
	js.closed = true
	for _, j := range js.list {
		j.cancel(nil)
	}
	js.mu.Unlock()
	over := make(chan struct{})
	go func() { js.ended.Wait(); close(over) }()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
