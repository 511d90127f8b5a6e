package dockerengine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// nothing is no container's, network's or image's name: what a trial asks for ends
// with something random besides.
const nothing = "watchtower-preflight"

// Try finds out whether an endpoint may be called, by a call that can change
// nothing: it is about something that does not exist, or makes no sense, and the
// engine's refusal shows that it came through. It returns nil if it did.
//
// PermissionDenied is the refusal of who stands between: a socket proxy, or a
// plugin of the engine's. NotImplemented is an engine that has no such endpoint,
// Unavailable one that does not answer.
func (e *Engine) Try(ctx context.Context, ep Endpoint) error {
	s, err := e.connect(ctx)
	if errdefs.IsPermissionDenied(err) {
		s, err = e.open() // the ping is one of those to be tried
	}
	switch {
	case err != nil:
	case ep.Path == pingPath:
		_, err = s.Ping(ctx) // by GET, if HEAD is refused
	default:
		err = e.try(ctx, s, ep)
	}
	if err != nil {
		return e.wrap("try", ep.Method+" "+ep.Path, err)
	}
	return nil
}

func (e *Engine) try(ctx context.Context, s *session, ep Endpoint) error {
	something := nothing + "." + strings.ToLower(rand.Text())
	fill := strings.NewReplacer("{id}", something, "{name}", nothing+".invalid/"+something+":none")
	target := s.base + "/v" + s.version + fill.Replace(ep.Path)
	if len(ep.query) > 0 {
		target += "?" + ep.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, ep.Method, target, strings.NewReader(ep.body))
	if err != nil {
		return err
	}
	if ep.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.HTTPClient().Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return passed(resp)
}

// passed tells the engine's answers from those of who stands before it: what the
// engine refuses it refuses with a message, in JSON.
func passed(resp *http.Response) error {
	if resp.StatusCode < http.StatusBadRequest {
		return nil
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return err
	}
	var said struct {
		Message string `json:"message"`
	}
	engines := json.Unmarshal(raw, &said) == nil && said.Message != "" || resp.Request.Method == http.MethodHead
	answer := errors.New(resp.Status)
	if said.Message != "" {
		answer = fmt.Errorf("%s: %s", resp.Status, said.Message)
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden, resp.StatusCode == http.StatusMethodNotAllowed:
		return errclass.With(errdefs.ErrPermissionDenied, answer)
	case resp.StatusCode == http.StatusNotFound && strings.Contains(said.Message, "page not found"):
		return errclass.With(errdefs.ErrNotImplemented, answer)
	case engines:
		return nil
	case resp.StatusCode >= http.StatusInternalServerError:
		return errclass.With(errdefs.ErrUnavailable, answer)
	default:
		return errclass.With(errdefs.ErrPermissionDenied, fmt.Errorf("%w, which is not the engine's answer", answer))
	}
}

// Preflight tries the calls that change the containers of an update, and those that
// are needed besides.
func (e *Engine) Preflight(ctx context.Context, needs lifecycle.Needs) error {
	var denied []error
	for _, ep := range Endpoints() {
		needed := ep.Feature == FeatureUpdate && strings.HasPrefix(ep.Path, "/containers/{id}") ||
			needs.Paused && ep.Feature == FeaturePaused || needs.Exec && ep.Feature == FeatureExec
		if !needed {
			continue
		}
		err := e.Try(ctx, ep)
		if errdefs.IsUnavailable(err) {
			return err
		}
		denied = append(denied, err)
	}
	return errors.Join(denied...)
}
