package lifecycle

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// exitTryLater is EX_TEMPFAIL of sysexits.h.
const exitTryLater = 75

// How much of what a command wrote a result keeps, and its error repeats.
const (
	hookLines = 64
	hookBytes = 8 << 10
	hookTail  = 1 << 10
)

// HookVerdict is what a hook says. The zero value: go on. Only PreUpdate's counts
// for anything; elsewhere it is told, and changes nothing.
type HookVerdict struct {
	// Skip leaves the container, and the group it moves with, as it is until the
	// next pass, and says why.
	Skip string
	// Err does the same and is a failure; it wins over Skip. It is held neither
	// against the container nor against its new image: the next pass tries again.
	Err error
}

// HookResult is what became of one hook.
type HookResult struct {
	// Point is where it ran.
	Point HookPoint
	// Verdict is what it says.
	Verdict HookVerdict
	// NotRun is why a command was not run: the container was not up. Empty if it
	// was.
	NotRun string
	// ExitCode is the command's; 0 if it did not end by itself.
	ExitCode int
	// Output is the end of what the command wrote, standard output and error, at
	// most 64 lines and 8 KiB.
	Output string
	// Duration is how long it took.
	Duration time.Duration
}

// writtenHook is how a HookResult is written.
type writtenHook struct {
	Point    HookPoint `json:"point"`
	Skip     string    `json:"skip,omitempty"`
	Error    string    `json:"error,omitempty"`
	NotRun   string    `json:"not_run,omitempty"`
	ExitCode int       `json:"exit_code,omitempty"`
	Output   string    `json:"output,omitempty"`
	Duration int64     `json:"duration_ms"`
}

// MarshalJSON writes point and duration_ms and, where they say something, skip,
// error, not_run, exit_code and output.
func (r HookResult) MarshalJSON() ([]byte, error) {
	out := writtenHook{r.Point, r.Verdict.Skip, "", r.NotRun, r.ExitCode, r.Output, r.Duration.Milliseconds()}
	if r.Verdict.Err != nil {
		out.Error = r.Verdict.Err.Error()
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote; of an error that is its text.
func (r *HookResult) UnmarshalJSON(data []byte) error {
	var in writtenHook
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*r = HookResult{
		Point: in.Point, Verdict: HookVerdict{Skip: in.Skip}, NotRun: in.NotRun, ExitCode: in.ExitCode, Output: in.Output,
		Duration: time.Duration(in.Duration) * time.Millisecond,
	}
	if in.Error != "" {
		r.Verdict.Err = errors.New(in.Error)
	}
	return nil
}

// Run runs the command of a point in its container, if there is one, as the labels'
// user, else as the given one. A container that is not running is left alone.
//
// Exit code 75 at PreUpdate means: try later. Any other than 0 is an error in the
// verdict, as is a command that cannot be started, that takes too long, or that ctx
// cuts short: class Unknown, DeadlineExceeded or the cause's. One that does not end
// in time is ended, with all it has started: by SIGTERM, two seconds later by
// SIGKILL. An engine that is no Execer is an error of class NotImplemented.
//
// The command has WT_CONTAINER in its environment: name, id, image_name, stop_signal
// and this program's labels of its container, as a JSON object.
func (h Hooks) Run(ctx context.Context, engine Engine, c Snapshot, point HookPoint, user HookUser) HookResult {
	out := HookResult{Point: point}
	command, ok := h.Commands[point]
	if !ok {
		return out
	}
	if c.State != StateRunning {
		out.NotRun = fmt.Sprintf("it is %s", c.State)
		return out
	}
	execer, ok := engine.(Execer)
	if !ok {
		out.Verdict.Err = errclass.With(errdefs.ErrNotImplemented, errors.New("this engine cannot run commands in containers"))
		return out
	}
	started := time.Now()
	run := hookRun{execer: execer, container: c.ID, user: h.User.over(user).text(c.Config.Text("User")), mark: rand.Text()}
	out.ExitCode, out.Output, out.Verdict = run.do(ctx, command, c, h.Timeout(point), point)
	out.Duration = time.Since(started)
	return out
}

// hookRun is one command in a container.
type hookRun struct {
	execer    Execer
	container string
	user      string
	mark      string // in its environment, to find it and what it has started
}

func (r hookRun) do(ctx context.Context, command string, c Snapshot, timeout time.Duration, point HookPoint) (int, string, HookVerdict) {
	timed := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		timed, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	result, err := r.execer.Exec(timed, r.container, ExecOptions{
		// The outer shell outlives the signal that ends the inner one, so that what
		// that has started is found until the end.
		Command: []string{"sh", "-c", `trap : TERM; sh -c "$1"; exit $?`, "sh", command},
		User:    r.user,
		Env:     []string{"WT_CONTAINER=" + describeFor(c), hookMark + "=" + r.mark},
	})
	output := lastLines(strings.TrimSpace(strings.ToValidUTF8(result.Output, "")))
	said := withText(end(output, hookTail))
	switch {
	case err != nil && ctx.Err() != nil:
		return 0, output, HookVerdict{Err: fmt.Errorf("cut short: %w%s%s", context.Cause(ctx), r.ended(ctx), said)}
	case err != nil && timed.Err() != nil:
		return 0, output, HookVerdict{Err: errclass.With(context.DeadlineExceeded,
			fmt.Errorf("timed out after %v%s%s", timeout, r.ended(ctx), said))}
	case err != nil:
		return 0, output, HookVerdict{Err: err}
	case result.ExitCode == 0:
		return 0, output, HookVerdict{}
	case result.ExitCode == exitTryLater && point == PreUpdate:
		return exitTryLater, output, HookVerdict{Skip: fmt.Sprintf("exit code %d, try later%s", exitTryLater, said)}
	}
	return result.ExitCode, output, HookVerdict{Err: errclass.With(errdefs.ErrUnknown,
		fmt.Errorf("exit code %d%s", result.ExitCode, said))}
}

// describeFor is WT_CONTAINER.
func describeFor(c Snapshot) string {
	text, err := json.Marshal(struct {
		Name       string            `json:"name"`
		ID         string            `json:"id"`
		ImageName  string            `json:"image_name"`
		StopSignal string            `json:"stop_signal"`
		Labels     map[string]string `json:"labels"`
	}{
		c.Name, c.ID, c.Image,
		cmp.Or(c.Labels[LabelStopSignal], c.Config.Text("StopSignal"), "SIGTERM"), hookLabels(c.Labels),
	})
	if err != nil {
		return "{}" // text and a map of text have no way to fail
	}
	return string(text)
}

// lastLines keeps the end of an output.
func lastLines(text string) string {
	lines := strings.Split(end(text, hookBytes), "\n")
	return strings.Join(lines[max(0, len(lines)-hookLines):], "\n")
}
