package dockerengine

import (
	"context"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/watchtower-go/watchtower/lifecycle"
)

var _ lifecycle.Execer = (*Engine)(nil)

const (
	// execOutput bounds what is kept of a command's output, in bytes.
	execOutput = 16 << 10
	// execPoll is how often a command is looked at that has closed its output.
	execPoll = 20 * time.Millisecond
)

// Exec runs a command in a container. Of its output it keeps the last 16 KiB.
// Docker has no call that ends a command: one that still runs when ctx ends
// runs on, until it ends by itself or its container does; what it wrote until then
// is returned with the error.
func (e *Engine) Exec(ctx context.Context, ref string, opts lifecycle.ExecOptions) (lifecycle.ExecResult, error) {
	var out lifecycle.ExecResult
	err := e.do(ctx, "exec", ref, func(s *session) error {
		made, err := s.ContainerExecCreate(ctx, ref, container.ExecOptions{
			Cmd: opts.Command, User: opts.User, Env: opts.Env, AttachStdout: true, AttachStderr: true,
		})
		if err != nil {
			return err
		}
		// Not asked to switch protocols, engines answer with the output as the body:
		// no connection has to be taken out of the client, and ctx ends the reading.
		resp, err := e.send(ctx, s, "/exec/"+made.ID+"/start", nil, container.ExecStartOptions{})
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		var output tail
		_, err = stdcopy.StdCopy(&output, &output, resp.Body)
		out.Output = string(output)
		if err != nil {
			return err
		}
		out.ExitCode, err = exitCode(ctx, s, made.ID)
		return err
	})
	return out, err
}

// exitCode waits for the end of a command: its output may end before.
func exitCode(ctx context.Context, s *session, id string) (int, error) {
	for {
		seen, err := s.ContainerExecInspect(ctx, id)
		if err != nil || !seen.Running {
			return seen.ExitCode, err
		}
		if !pause(ctx, execPoll) {
			return 0, context.Cause(ctx)
		}
	}
}

// pause reports whether ctx lasted as long.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// tail keeps the last execOutput bytes of what is written to it.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	if over := len(*t) - execOutput; over > 0 {
		*t = append((*t)[:0], (*t)[over:]...)
	}
	return len(p), nil
}
