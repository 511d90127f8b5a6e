package enginetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// Swarm is an Engine that is a manager of a cluster in memory. Its services have no
// containers: only what managers tell of them. It is safe for use by many goroutines.
type Swarm struct {
	*Engine

	cluster  lifecycle.Cluster
	services []*service
	bad      map[string]bool // images, with digest
	posted   []lifecycle.ServiceOptions
	before   func(n int)
	updates  int
}

// service is one service; its rollout goes on by a step each time it is looked at.
type service struct {
	lifecycle.Service
	previous lifecycle.Document // the specification before the rollout in hand
	history  []lifecycle.Task   // what was replaced or failed, the last first
}

// historyMost is how many tasks are remembered, as by a cluster.
const historyMost = 5

var (
	_ lifecycle.ServiceLister  = (*Swarm)(nil)
	_ lifecycle.ServiceUpdater = (*Swarm)(nil)
)

// NewSwarm makes a Swarm of one manager, with the Engine's Platform.
func NewSwarm(opts ...Option) *Swarm {
	return &Swarm{
		Engine: New(opts...), bad: map[string]bool{},
		cluster: lifecycle.Cluster{Role: lifecycle.RoleManager, Platforms: []string{Platform}},
	}
}

// SetCluster sets what Cluster tells.
func (s *Swarm) SetCluster(c lifecycle.Cluster) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cluster = c
}

// SetBad says that tasks of the image, with its digest, do not run. The service's
// FailureAction rules then; "pause" is the default.
func (s *Swarm) SetBad(image string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bad[image] = true
}

// BeforeUpdate lets f come before each UpdateService, n counting from 1 on: it may change
// the service that is to be updated. Nil ends it.
func (s *Swarm) BeforeUpdate(f func(n int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.updates = f, 0
}

// CreateService creates a service with the specification, replicated unless that has
// another mode, and returns its ID.
func (s *Swarm) CreateService(spec lifecycle.Document) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	made := &service{Service: lifecycle.Service{
		ID: fmt.Sprintf("service%d", s.made), Name: spec.Text("Name"), Version: 1, Spec: spec.Clone(), Mode: lifecycle.ModeReplicated,
	}}
	if spec.Object("Mode").Object("ReplicatedJob") != nil {
		made.Mode = lifecycle.ModeReplicatedJob
	}
	s.services = append(s.services, made)
	return made.ID
}

// ChangeService changes a service as somebody else would, without a rollout.
func (s *Swarm) ChangeService(id string, change func(*lifecycle.Service)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.find(id); found != nil {
		change(&found.Service)
		found.Version++
	}
}

// Posted returns what UpdateService was given and did, in order.
func (s *Swarm) Posted() []lifecycle.ServiceOptions {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posted)
}

func (s *Swarm) find(ref string) *service {
	i := slices.IndexFunc(s.services, func(found *service) bool { return found.ID == ref || found.Name == ref })
	if i < 0 {
		return nil
	}
	return s.services[i]
}

// Cluster tells what it was set to.
func (s *Swarm) Cluster(ctx context.Context) (out lifecycle.Cluster, err error) {
	err = s.read(ctx, "Cluster", "", func() error { out = s.cluster; return nil })
	return out, err
}

// Services lists all services.
func (s *Swarm) Services(ctx context.Context) (out []lifecycle.Service, err error) {
	err = s.read(ctx, "Services", "", func() error {
		for _, found := range s.services {
			out = append(out, found.shown())
		}
		return nil
	})
	return out, err
}

func (s *service) shown() lifecycle.Service {
	out := s.Service
	out.Spec = s.Spec.Clone()
	return out
}

// Service shows one, and its rollout goes on by a step.
func (s *Swarm) Service(ctx context.Context, ref string) (out lifecycle.Service, err error) {
	err = s.read(ctx, "Service", ref, func() error {
		found := s.find(ref)
		if found == nil {
			return fail(errdefs.ErrNotFound, "service %s not found", ref)
		}
		out = found.shown()
		s.made++
		found.advance(s.bad[found.Image()], fmt.Sprintf("task%d", s.made))
		return nil
	})
	return out, err
}

// advance does one step of a rollout; a task that it ends has the ID.
func (s *service) advance(bad bool, id string) {
	action := s.Spec.Object("UpdateConfig").Text("FailureAction")
	switch {
	case s.Rollout == lifecycle.RolloutRollbackStarted:
		s.Rollout, s.Message, s.RolloutEnded = lifecycle.RolloutRollbackCompleted, "rollback completed", time.Now()
	case s.Rollout == lifecycle.RolloutNone && s.previous != nil:
		s.Rollout, s.Message, s.RolloutStarted = lifecycle.RolloutUpdating, "update in progress", time.Now()
	case s.Rollout != lifecycle.RolloutUpdating:
		return
	case !bad, action == "continue":
		s.Rollout, s.Message, s.previous, s.RolloutEnded = lifecycle.RolloutCompleted, "update completed", nil, time.Now()
	case action == "rollback":
		s.Rollout, s.Message = lifecycle.RolloutRollbackStarted, "update rolled back due to failure or early termination of task 1"
		s.ended(id)
		s.Spec, s.previous, s.PreviousImage = s.previous, nil, ""
	default:
		s.previous = nil
		s.Rollout, s.Message = lifecycle.RolloutPaused, "update paused due to failure or early termination of task 1"
	}
	s.Version++
}

// ended notes a task of the image that did not run.
func (s *service) ended(id string) {
	s.history = slices.Insert(s.history, 0, lifecycle.Task{
		ID: id, Created: time.Now(), Image: s.Image(), Wanted: "shutdown", State: "failed", Err: "task: non-zero exit (3)", ExitCode: 3,
	})
	s.history = s.history[:min(len(s.history), historyMost)]
}

// Tasks tells of one task of the service's image, and of those that failed.
func (s *Swarm) Tasks(ctx context.Context, ref string) (out []lifecycle.Task, err error) {
	err = s.read(ctx, "Tasks", ref, func() error {
		found := s.find(ref)
		if found == nil {
			return fail(errdefs.ErrNotFound, "service %s not found", ref)
		}
		task := lifecycle.Task{ID: found.ID + "task", Created: found.RolloutStarted, Image: found.Image(), Wanted: "running", State: "running"}
		if s.bad[task.Image] {
			task.State, task.Err, task.ExitCode = "failed", "task: non-zero exit (3)", 3
		}
		out = append(append(out, task), found.history...)
		return nil
	})
	return out, err
}

// UpdateService begins a rollout, if the image is another one.
func (s *Swarm) UpdateService(ctx context.Context, opts lifecycle.ServiceOptions) ([]string, error) {
	s.mu.Lock()
	s.updates++
	before, n := s.before, s.updates
	s.mu.Unlock()
	if before != nil {
		before(n)
	}
	return nil, s.change(ctx, "UpdateService", opts.Service, func() error {
		found := s.find(opts.Service)
		switch {
		case found == nil:
			return fail(errdefs.ErrNotFound, "service %s not found", opts.Service)
		case found.Version != opts.Version:
			return fail(errdefs.ErrConflict, "update out of sequence")
		}
		image := found.Image()
		found.Rollout, found.Message, found.previous, found.PreviousImage = lifecycle.RolloutNone, "", nil, image
		found.RolloutStarted, found.RolloutEnded = time.Time{}, time.Time{}
		if next := (lifecycle.Service{Spec: opts.Spec}); next.Image() != image {
			found.previous = found.Spec
		}
		found.Spec = opts.Spec.Clone()
		found.Version++
		s.posted = append(s.posted, opts)
		return nil
	})
}
