package dockerengine

import (
	"context"
	"io"
	"strconv"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// Logs writes the last lines a container wrote, standard output and error in
// one stream.
func (e *Engine) Logs(ctx context.Context, ref string, lines int, w io.Writer) error {
	return e.do(ctx, "logs", ref, func(s *session) error {
		info, err := s.ContainerInspect(ctx, ref)
		if err != nil {
			return err
		}
		out, err := s.ContainerLogs(ctx, ref, container.LogsOptions{
			ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(lines),
		})
		if err != nil {
			return err
		}
		defer func() { _ = out.Close() }()
		if info.Config != nil && info.Config.Tty {
			_, err = io.Copy(w, out)
		} else {
			_, err = stdcopy.StdCopy(w, w, out)
		}
		return err
	})
}
