package dockerengine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/swarm"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

var (
	_ lifecycle.ServiceLister  = (*Engine)(nil)
	_ lifecycle.ServiceUpdater = (*Engine)(nil)
)

// roleAge is how long what /info said of the engine's part in a swarm holds: as long as
// one look at the engine, which asks for its registries by the same call.
const roleAge = 10 * time.Second

// swarmInfo is what /info says of a swarm, and when it was asked.
type swarmInfo struct {
	state   string
	manager bool
	cluster string // its ID; a manager's only
	at      time.Time
}

func (i swarmInfo) role() lifecycle.ClusterRole {
	switch {
	case i.manager:
		return lifecycle.RoleManager
	case i.state == "" || i.state == "inactive":
		return lifecycle.RoleNone
	default:
		return lifecycle.RoleWorker
	}
}

// noteSwarm keeps what /info said.
func (e *Engine) noteSwarm(info swarm.Info) swarmInfo {
	now := swarmInfo{state: string(info.LocalNodeState), manager: info.ControlAvailable, at: time.Now()}
	if info.Cluster != nil {
		now.cluster = info.Cluster.ID
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.swarm = now
	return now
}

// Cluster says which part the engine has in a swarm, by a call of /info unless another
// has just told; a manager is asked for its nodes' platforms, too.
func (e *Engine) Cluster(ctx context.Context) (lifecycle.Cluster, error) {
	e.mu.Lock()
	known := e.swarm
	e.mu.Unlock()
	if time.Since(known.at) > roleAge {
		err := e.do(ctx, "info", "", func(s *session) error {
			info, err := s.Info(ctx)
			if err == nil {
				known = e.noteSwarm(info.Swarm)
			}
			return err
		})
		if err != nil {
			return lifecycle.Cluster{}, err
		}
	}
	out := lifecycle.Cluster{Role: known.role()}
	if out.Role != lifecycle.RoleManager {
		return out, nil
	}
	out.ID = known.cluster
	err := e.do(ctx, "list", "nodes", func(s *session) error {
		var nodes []struct {
			Description struct {
				Platform struct{ Architecture, OS string }
			}
		}
		if err := e.get(ctx, s, s.version, "/nodes", nil, &nodes); err != nil {
			return err
		}
		for _, n := range nodes {
			p := nodePlatform(n.Description.Platform.OS, n.Description.Platform.Architecture)
			if p != "" && !slices.Contains(out.Platforms, p) {
				out.Platforms = append(out.Platforms, p)
			}
		}
		slices.Sort(out.Platforms)
		return nil
	})
	return out, err
}

// nodePlatform is a node's platform in the words of images: nodes say what their
// kernels say. One that has not told yet, as it was never up, has none.
func nodePlatform(os, arch string) string {
	if os == "" || arch == "" {
		return ""
	}
	if named, ok := map[string]string{
		"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "armv6l": "arm/v6", "i386": "386", "i686": "386",
	}[arch]; ok {
		arch = named
	}
	return os + "/" + arch
}

// answeredService is the part of the API's service that is read, with its specification
// as it is.
type answeredService struct {
	ID           string
	Version      struct{ Index uint64 }
	CreatedAt    time.Time
	Spec         json.RawMessage
	PreviousSpec struct {
		TaskTemplate struct{ ContainerSpec struct{ Image string } }
	}
	UpdateStatus struct {
		State, Message         string
		StartedAt, CompletedAt time.Time
	}
}

func (a answeredService) service() (lifecycle.Service, error) {
	spec, err := lifecycle.ParseDocument(a.Spec)
	out := lifecycle.Service{
		ID: a.ID, Name: spec.Text("Name"), Version: a.Version.Index, Spec: spec, Created: a.CreatedAt,
		Rollout: lifecycle.RolloutState(a.UpdateStatus.State), Message: a.UpdateStatus.Message, Mode: lifecycle.ModeReplicated,
		RolloutStarted: a.UpdateStatus.StartedAt, RolloutEnded: a.UpdateStatus.CompletedAt,
		PreviousImage: a.PreviousSpec.TaskTemplate.ContainerSpec.Image,
	}
	for key, mode := range map[string]lifecycle.ServiceMode{
		"Global": lifecycle.ModeGlobal, "ReplicatedJob": lifecycle.ModeReplicatedJob, "GlobalJob": lifecycle.ModeGlobalJob,
	} {
		if _, ok := spec.Object("Mode")[key]; ok {
			out.Mode = mode
		}
	}
	return out, err
}

// Services lists all services, in one call.
func (e *Engine) Services(ctx context.Context) ([]lifecycle.Service, error) {
	var out []lifecycle.Service
	err := e.do(ctx, "list", "services", func(s *session) error {
		var list []answeredService
		if err := e.get(ctx, s, s.version, "/services", nil, &list); err != nil {
			return err
		}
		out = make([]lifecycle.Service, len(list))
		for i, a := range list {
			var err error
			if out[i], err = a.service(); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// Service shows one service.
func (e *Engine) Service(ctx context.Context, service string) (out lifecycle.Service, err error) {
	err = e.do(ctx, "inspect service", service, func(s *session) error {
		var a answeredService
		err := e.get(ctx, s, s.version, "/services/"+url.PathEscape(service), nil, &a)
		if err == nil {
			out, err = a.service()
		}
		return err
	})
	return out, err
}

// Tasks lists a service's tasks.
func (e *Engine) Tasks(ctx context.Context, service string) ([]lifecycle.Task, error) {
	var out []lifecycle.Task
	err := e.do(ctx, "list tasks", service, func(s *session) error {
		filters, err := json.Marshal(map[string][]string{"service": {service}})
		if err != nil {
			return err
		}
		var list []struct {
			ID           string
			CreatedAt    time.Time
			Spec         struct{ ContainerSpec struct{ Image string } }
			DesiredState string
			Status       struct {
				State, Err      string
				ContainerStatus struct{ ExitCode int }
			}
		}
		if err := e.get(ctx, s, s.version, "/tasks", url.Values{"filters": {string(filters)}}, &list); err != nil {
			return err
		}
		out = make([]lifecycle.Task, len(list))
		for i, t := range list {
			out[i] = lifecycle.Task{
				ID: t.ID, Created: t.CreatedAt, Image: t.Spec.ContainerSpec.Image, Wanted: t.DesiredState, State: t.Status.State, Err: t.Status.Err,
				ExitCode: t.Status.ContainerStatus.ExitCode,
			}
		}
		return nil
	})
	return out, err
}

// UpdateService posts the specification as it is: the client's own types would drop the
// fields they do not know. Without a login the swarm keeps the one of the specification
// before.
func (e *Engine) UpdateService(ctx context.Context, opts lifecycle.ServiceOptions) ([]string, error) {
	var said struct{ Warnings []string }
	err := e.do(ctx, "update service", opts.Service, func(s *session) error {
		data, err := json.Marshal(opts.Spec)
		if err != nil {
			return err
		}
		named, err := parse(opts.Reference)
		if err != nil {
			return err
		}
		auth, err := encodeAuth(reference.Domain(named), opts.Credential)
		if err != nil {
			return err
		}
		target := s.base + "/v" + s.version + "/services/" + url.PathEscape(opts.Service) + "/update?version=" +
			strconv.FormatUint(opts.Version, 10)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(data))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		if auth != "" {
			req.Header.Set("X-Registry-Auth", auth)
		}
		resp, err := s.HTTPClient().Do(req)
		if err != nil {
			return e.unreachable(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode >= http.StatusBadRequest {
			return outOfSequence(answered(resp))
		}
		return decode(resp, &said)
	})
	return said.Warnings, err
}

// outOfSequence reads from its words that somebody else has changed the service: the
// engine's status is that of a fault of its own, 500.
func outOfSequence(err error) error {
	if strings.Contains(err.Error(), "update out of sequence") {
		return errclass.With(errdefs.ErrConflict, fmt.Errorf("it was changed meanwhile: %s", err.Error()))
	}
	return err
}
