package dockerengine

import (
	"context"
	"errors"
	"io"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

var (
	_ lifecycle.Differ   = (*Engine)(nil)
	_ lifecycle.Archiver = (*Engine)(nil)
)

// Changes lists the paths that were added or modified in the container's own
// layer.
func (e *Engine) Changes(ctx context.Context, ref string) ([]string, error) {
	var out []string
	err := e.do(ctx, "changes", ref, func(s *session) error {
		changes, err := s.ContainerDiff(ctx, ref)
		for _, c := range changes {
			if c.Kind != container.ChangeDelete {
				out = append(out, c.Path)
			}
		}
		return err
	})
	return out, err
}

// StatFile describes one path of a container.
func (e *Engine) StatFile(ctx context.Context, ref, path string) (lifecycle.FileStat, error) {
	var out lifecycle.FileStat
	err := e.do(ctx, "stat "+path, ref, func(s *session) error {
		stat, err := s.ContainerStatPath(ctx, ref, path)
		out = lifecycle.FileStat{Size: stat.Size, Mode: stat.Mode, ModTime: stat.Mtime}
		return err
	})
	return out, err
}

// CopyFrom reads one path of a container as a tar archive.
func (e *Engine) CopyFrom(ctx context.Context, ref, path string) (io.ReadCloser, error) {
	var out io.ReadCloser
	err := e.do(ctx, "copy "+path+" from", ref, func(s *session) (err error) {
		out, _, err = s.CopyFromContainer(ctx, ref, path)
		return err
	})
	return out, err
}

// CopyTo unpacks a tar archive at a container's root. The archive can be read
// once: whether the engine still speaks the agreed version is found out before,
// and what was sent is not sent again.
func (e *Engine) CopyTo(ctx context.Context, ref string, archive io.Reader) error {
	sent := false
	return e.do(ctx, "copy to", ref, func(s *session) error {
		if sent {
			return errclass.With(errdefs.ErrUnavailable, errors.New("the engine was replaced while it was copied to"))
		}
		if _, err := s.ContainerInspect(ctx, ref); err != nil {
			return err
		}
		sent = true
		return s.CopyToContainer(ctx, ref, "/", archive, container.CopyToContainerOptions{AllowOverwriteDirWithFile: false})
	})
}
