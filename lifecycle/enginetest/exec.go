package enginetest

import (
	"context"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/lifecycle"
)

var _ lifecycle.Execer = (*Engine)(nil)

// Exec is what becomes of a command that is run in a container. The zero value
// ends at once, with exit code 0 and without a word.
type Exec struct {
	// ExitCode is what it ends with.
	ExitCode int
	// Output is what it writes.
	Output string
	// Takes is how long it runs.
	Takes time.Duration
	// Until is how long after the start of its container ExitCode holds: a
	// command run later ends with 0. Zero: for ever.
	Until time.Duration
}

// Exec runs a command in a container, to which happens what its image says.
func (e *Engine) Exec(ctx context.Context, ref string, opts lifecycle.ExecOptions) (lifecycle.ExecResult, error) {
	var behaviour Exec
	err := e.read(ctx, "Exec", ref, func() error {
		c, err := e.find(ref)
		if err != nil {
			return err
		}
		if c.state != lifecycle.StateRunning {
			return fail(errdefs.ErrConflict, "%s is %s", c.name, c.state)
		}
		behaviour = c.of.image.Exec
		if n := len(opts.Command); n > 0 {
			if own, ok := c.of.image.Execs[opts.Command[n-1]]; ok {
				behaviour = own
			}
		}
		if behaviour.Until > 0 && time.Since(c.started) >= behaviour.Until {
			behaviour.ExitCode = 0
		}
		return nil
	})
	if err != nil {
		return lifecycle.ExecResult{}, err
	}
	timer := time.NewTimer(behaviour.Takes)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return lifecycle.ExecResult{Output: behaviour.Output}, context.Cause(ctx)
	case <-timer.C:
		return lifecycle.ExecResult{ExitCode: behaviour.ExitCode, Output: behaviour.Output}, nil
	}
}
