package dockerengine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs/pkg/errhttp"
	"github.com/docker/docker/api/types/container"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// maxErrorBody bounds what is read of an answer that is an error.
const maxErrorBody = 64 << 10

// undoWithin is how long the removal of a container may take that was created
// and could not be finished: one that never ran is gone in a moment.
const undoWithin = 5 * time.Second

// Create creates a container. The body is the specification as it is, posted by
// ourselves: the client's own types would drop the fields they do not know.
func (e *Engine) Create(ctx context.Context, opts lifecycle.CreateOptions) (string, error) {
	var created struct {
		ID string `json:"Id"`
	}
	err := e.do(ctx, "create", opts.Name, func(s *session) error {
		query := url.Values{"name": {opts.Name}}
		if opts.Platform != "" && s.atLeast("1.41") {
			query.Set("platform", opts.Platform)
		}
		spec := opts.Spec.Clone()
		if spec.Config == nil {
			spec.Config = lifecycle.Document{}
		}
		placeMAC(s, &spec)
		now, later := splitNetworks(s, spec)
		body := spec.Config
		body["HostConfig"] = spec.HostConfig
		body["NetworkingConfig"] = map[string]any{"EndpointsConfig": now}
		if err := e.post(ctx, s, "/containers/create", query, body, &created); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(later)) {
			if err := e.join(ctx, s, name, created.ID, later[name]); err != nil {
				// Half a container is none. If it cannot be removed, the caller
				// finds it by its name.
				undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoWithin)
				defer cancel()
				_ = s.ContainerRemove(undo, created.ID, container.RemoveOptions{Force: true})
				return fmt.Errorf("connect to %s: %w", name, err)
			}
		}
		return nil
	})
	return created.ID, err
}

// splitNetworks says which endpoints go into the create call: all from API
// 1.44, before that the one of the network mode, the others being connected
// afterwards.
func splitNetworks(s *session, spec lifecycle.Spec) (now, later map[string]lifecycle.Document) {
	if s.atLeast("1.44") {
		return spec.Networks, nil
	}
	mode := modeNetwork(spec)
	now, later = map[string]lifecycle.Document{}, map[string]lifecycle.Document{}
	for name, endpoint := range spec.Networks {
		if name == mode {
			now[name] = endpoint
		} else {
			later[name] = endpoint
		}
	}
	return now, later
}

// modeNetwork is the network of the network mode; other modes name none.
func modeNetwork(spec lifecycle.Spec) string {
	if mode := spec.HostConfig.Text("NetworkMode"); mode != "" && mode != "default" {
		return mode
	}
	return "bridge"
}

// placeMAC puts MAC addresses where this API has them: from 1.44 on at each
// endpoint, before that one for the container, which is its mode's network's.
func placeMAC(s *session, spec *lifecycle.Spec) {
	if !s.atLeast("1.44") {
		for _, endpoint := range spec.Networks {
			delete(endpoint, "MacAddress")
		}
		return
	}
	mac, mode := spec.Config.Text("MacAddress"), modeNetwork(*spec)
	delete(spec.Config, "MacAddress")
	if mac == "" || mode == "host" || mode == "none" || strings.HasPrefix(mode, "container:") {
		return
	}
	if spec.Networks == nil {
		spec.Networks = map[string]lifecycle.Document{}
	}
	if spec.Networks[mode] == nil {
		spec.Networks[mode] = lifecycle.Document{}
	}
	spec.Networks[mode]["MacAddress"] = mac
}

// post sends one request of our own and decodes the answer into out.
func (e *Engine) post(ctx context.Context, s *session, endpoint string, query url.Values, body, out any) error {
	resp, err := e.send(ctx, s, endpoint, query, body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return decode(resp, out)
}

// get is post for what is only read, at an API version that may be newer than
// the client's.
func (e *Engine) get(ctx context.Context, s *session, version, endpoint string, query url.Values, out any) error {
	resp, err := e.request(ctx, s, http.MethodGet, version, endpoint, query, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return decode(resp, out)
}

func decode(resp *http.Response, out any) error {
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// send sends one request of our own over the client's connection. The caller
// closes the answer, which is no refusal.
func (e *Engine) send(ctx context.Context, s *session, endpoint string, query url.Values, body any) (*http.Response, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return e.request(ctx, s, http.MethodPost, s.version, endpoint, query, data)
}

func (e *Engine) request(ctx context.Context, s *session, method, version, endpoint string, query url.Values, body []byte) (*http.Response, error) {
	target := s.base + path.Join("/", "v"+version, endpoint)
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.HTTPClient().Do(req)
	if err != nil {
		return nil, e.unreachable(err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		defer func() { _ = resp.Body.Close() }()
		return nil, answered(resp)
	}
	return resp, nil
}

// answered is the engine's refusal, with the class of its status.
func answered(resp *http.Response) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		raw = nil
	}
	var said struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &said) != nil || said.Message == "" {
		said.Message = resp.Status
	}
	return errclass.With(errhttp.ToNative(resp.StatusCode), fmt.Errorf("%s", said.Message))
}
