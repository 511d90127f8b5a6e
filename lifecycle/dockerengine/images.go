package dockerengine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
	dockerregistry "github.com/docker/docker/api/types/registry"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// pullIdle is how long a pull may show no progress. A layer is extracted without
// a word, which takes a large one minutes on a slow disk; the whole may take as
// long as it needs.
const pullIdle = 5 * time.Minute

// Pull pulls a reference and reads the engine's stream to its end: what the
// stream reports as an error is one.
func (e *Engine) Pull(ctx context.Context, opts lifecycle.PullOptions) error {
	return e.do(ctx, "pull", opts.Reference, func(s *session) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		idle := time.AfterFunc(pullIdle, func() {
			cancel(errclass.With(errdefs.ErrUnavailable, fmt.Errorf("no progress for %v", pullIdle)))
		})
		defer idle.Stop()
		err := pull(ctx, s, opts, func() { idle.Reset(pullIdle) })
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	})
}

// pull calls moved for each message of the stream.
func pull(ctx context.Context, s *session, opts lifecycle.PullOptions, moved func()) error {
	named, err := parse(opts.Reference)
	if err != nil {
		return err
	}
	auth, err := encodeAuth(reference.Domain(named), opts.Credential)
	if err != nil {
		return err
	}
	stream, err := s.ImagePull(ctx, opts.Reference, image.PullOptions{RegistryAuth: auth, Platform: opts.Platform})
	if err != nil {
		return classifyPull(err)
	}
	defer func() { _ = stream.Close() }()
	return readProgress(stream, func(p lifecycle.PullProgress) {
		moved()
		if opts.Progress != nil {
			opts.Progress(p)
		}
	})
}

// readProgress reads the stream of a pull.
func readProgress(stream io.Reader, progress func(lifecycle.PullProgress)) error {
	dec := json.NewDecoder(stream)
	for {
		var m struct {
			Status         string                         `json:"status"`
			ID             string                         `json:"id"`
			ProgressDetail struct{ Current, Total int64 } `json:"progressDetail"`
			Error          string                         `json:"error"`
			ErrorDetail    *struct {
				Message string `json:"message"`
			} `json:"errorDetail"`
		}
		switch err := dec.Decode(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errclass.With(errdefs.ErrUnavailable, fmt.Errorf("the stream broke off: %w", err))
		case m.ErrorDetail != nil && m.ErrorDetail.Message != "":
			return classifyPull(errors.New(m.ErrorDetail.Message))
		case m.Error != "":
			return classifyPull(errors.New(m.Error))
		}
		progress(lifecycle.PullProgress{
			Layer: m.ID, Status: m.Status, Current: m.ProgressDetail.Current, Total: m.ProgressDetail.Total,
		})
	}
}

// classifyPull reads the class from the text: older engines answer 500 for
// whatever a registry said, and a stream has no status at all.
func classifyPull(err error) error {
	text := strings.ToLower(err.Error())
	for _, c := range []struct {
		class error
		words []string
	}{
		{errdefs.ErrResourceExhausted, []string{"toomanyrequests", "too many requests", "no space left"}},
		{errdefs.ErrUnauthenticated, []string{"unauthorized", "authentication required", "no basic auth credentials"}},
		{errdefs.ErrPermissionDenied, []string{"access denied", "access is denied", "forbidden", "denied:"}},
		{errdefs.ErrNotFound, []string{"manifest unknown", "not found", "no matching manifest", "name unknown"}},
		{errdefs.ErrUnavailable, []string{"connection refused", "no such host", "i/o timeout", "connection reset", "unexpected eof", "tls handshake"}},
	} {
		for _, word := range c.words {
			if strings.Contains(text, word) {
				return errclass.With(c.class, err)
			}
		}
	}
	return err
}

// parse reads a reference. What the client itself says of a bad one has no class.
func parse(ref string) (reference.Named, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	return named, errclass.With(errdefs.ErrInvalidArgument, err)
}

// encodeAuth is the login as the engine wants it in a header.
func encodeAuth(server string, c credentials.Credential) (string, error) {
	if c.IsZero() {
		return "", nil
	}
	if server == "docker.io" {
		server = "https://index.docker.io/v1/" // Docker Hub's name in every login
	}
	return dockerregistry.EncodeAuthConfig(dockerregistry.AuthConfig{
		Username: c.Username, Password: c.Password.Reveal(), ServerAddress: server,
		IdentityToken: c.IdentityToken.Reveal(), RegistryToken: c.RegistryToken.Reveal(),
	})
}

// Tag points the reference at the image.
func (e *Engine) Tag(ctx context.Context, img, ref string) error {
	return e.do(ctx, "tag", ref, func(s *session) error {
		if _, err := parse(ref); err != nil {
			return err
		}
		return s.ImageTag(ctx, img, ref)
	})
}

// RemoveImage removes an image, never by force.
func (e *Engine) RemoveImage(ctx context.Context, img string) error {
	return e.do(ctx, "remove image", img, func(s *session) error {
		_, err := s.ImageRemove(ctx, img, image.RemoveOptions{PruneChildren: true})
		return err
	})
}
