package lifecycle

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/credentials"
)

// The labels by which a cluster's engine marks the containers of a service's tasks.
const (
	LabelServiceID   = "com.docker.swarm.service.id"
	LabelServiceName = "com.docker.swarm.service.name"
	LabelTaskID      = "com.docker.swarm.task.id"
)

// labelStackImage is what `docker stack deploy` notes of its file, on the service. It
// is never changed: a deploy goes by it to see whether the file's image is another.
const labelStackImage = "com.docker.stack.image"

// TaskOf returns the service whose task a container is: its name, or its ID where the
// engine gives no name. The cluster puts another in the place of each that is missing,
// so that nobody else may replace one.
func TaskOf(c Container) (service string, ok bool) {
	if c.Labels[LabelTaskID] == "" && c.Labels[LabelServiceID] == "" {
		return "", false
	}
	return cmp.Or(c.Labels[LabelServiceName], c.Labels[LabelServiceID], c.Name), true
}

// ServiceLister is an engine that may be part of a cluster, which runs services on
// many engines.
type ServiceLister interface {
	// Cluster says which part the engine has in it, and of a manager what it manages.
	Cluster(ctx context.Context) (Cluster, error)
	// Services lists all services; only a manager can.
	Services(ctx context.Context) ([]Service, error)
}

// ServiceUpdater is a manager of a cluster, which changes services.
type ServiceUpdater interface {
	// Service shows one, by ID or name: NotFound if there is none.
	Service(ctx context.Context, service string) (Service, error)
	// Tasks lists what the service runs, and what it ran last.
	Tasks(ctx context.Context, service string) ([]Task, error)
	// UpdateService gives the service another specification and returns at once, with
	// what the cluster finds odd about it. A service that is no longer at the version
	// given is a Conflict, and nothing is changed.
	UpdateService(ctx context.Context, opts ServiceOptions) (warnings []string, err error)
}

// ClusterRole is the part an engine has in a cluster.
type ClusterRole string

// The roles.
const (
	// RoleNone: it is in no cluster.
	RoleNone ClusterRole = ""
	// RoleWorker: it runs tasks, and knows nothing of services; or it is a manager
	// that is locked.
	RoleWorker ClusterRole = "worker"
	// RoleManager: it lists and changes services, unless most managers are lost.
	RoleManager ClusterRole = "manager"
)

// Cluster is what an engine tells of the cluster it is in.
type Cluster struct {
	// Role is the engine's.
	Role ClusterRole
	// ID is the cluster's, the same at each of its managers; of a manager only. Empty: it is
	// not known whether two are of one.
	ID string
	// Platforms are those of all nodes, "os/arch" or "os/arch/variant", each once; of
	// a manager only.
	Platforms []string
}

// ServiceMode is how many tasks a service has.
type ServiceMode string

// The modes. A job's tasks end, and an update of its specification runs all of it
// once more.
const (
	ModeReplicated    ServiceMode = "replicated"
	ModeGlobal        ServiceMode = "global"
	ModeReplicatedJob ServiceMode = "replicated-job"
	ModeGlobalJob     ServiceMode = "global-job"
)

// Job reports whether the service's tasks are to end.
func (m ServiceMode) Job() bool { return m == ModeReplicatedJob || m == ModeGlobalJob }

// RolloutState is how far the last change of a service has got, in the cluster's words.
type RolloutState string

// The rollouts.
const (
	// RolloutNone: nothing is going on, as before the first change and after one that
	// asks for no other task.
	RolloutNone              RolloutState = ""
	RolloutUpdating          RolloutState = "updating"
	RolloutPaused            RolloutState = "paused"
	RolloutCompleted         RolloutState = "completed"
	RolloutRollbackStarted   RolloutState = "rollback_started"
	RolloutRollbackPaused    RolloutState = "rollback_paused"
	RolloutRollbackCompleted RolloutState = "rollback_completed"
)

// ServiceMode is the mode of the service that it is, ModeReplicated if that says none;
// empty for a container, by which the two are told apart.
func (c Container) ServiceMode() ServiceMode {
	if c.Service == nil {
		return ""
	}
	return cmp.Or(c.Service.Mode, ModeReplicated)
}

// InHand reports whether the cluster is still at it.
func (r RolloutState) InHand() bool { return r == RolloutUpdating || r == RolloutRollbackStarted }

// Paused reports whether it waits for a person.
func (r RolloutState) Paused() bool { return r == RolloutPaused || r == RolloutRollbackPaused }

// Undone reports whether the change was taken back, if maybe not everywhere.
func (r RolloutState) Undone() bool {
	return r == RolloutRollbackCompleted || r == RolloutRollbackPaused
}

// Service is one service of a cluster.
type Service struct {
	// ID and Name are the cluster's.
	ID, Name string
	// Version counts the changes of it: an update names the one it is for.
	Version uint64
	// Spec is its specification, the engine's own JSON: fields newer than this module
	// survive in it. It holds what its containers are given, secrets in Env among that, and
	// is left out of JSON: whoever writes an event down writes none of them.
	Spec Document `json:"-"`
	// Mode is what the specification says.
	Mode ServiceMode
	// Rollout is how its last change goes, and Message what the cluster says of that.
	Rollout RolloutState
	Message string
	// RolloutStarted and RolloutEnded are when that began and was over, by the managers'
	// clock; zero if it did not, or is not.
	RolloutStarted, RolloutEnded time.Time
	// PreviousImage is the image of the specification before the last change, or of the
	// one that a person rolled back; empty if the cluster keeps none: before the first
	// change, and after a rollback of its own.
	PreviousImage string
	// Created is when it was made.
	Created time.Time
}

// Image is what its tasks are created from, mostly with a digest:
// "nginx:1.27@sha256:…".
func (s Service) Image() string {
	return s.Spec.Object("TaskTemplate").Object("ContainerSpec").Text("Image")
}

// Undid reports whether the cluster, or a person by a rollback, took the service back
// from that image, with its digest, in the last change. The tasks are the service's, as
// far as their history goes: those that were made in that change and have another image
// than the service are the ones that it was taken back from, however they ended.
func (s Service) Undid(image string, tasks []Task) bool {
	return s.Rollout.Undone() && image != s.Image() && (image == s.PreviousImage || slices.ContainsFunc(tasks, func(t Task) bool {
		return t.Image == image && !t.Created.Before(s.RolloutStarted)
	}))
}

// Container is the service as what selects, checks and judges containers sees one. Its
// Image is the reference that it follows: `docker service create` and `docker stack
// deploy` add to it the digest that the tag had, which is its ImageID here, empty if
// there is none. It keeps a digest that stands alone, and one that is in a stack's
// file. The API takes a name alone: it has the tag here that it stands for, since without
// one an update would leave a digest that stands alone. Its Labels are the service's own over those of its containers, and it counts as
// running.
func (s Service) Container() Container {
	labels := map[string]string{}
	for _, from := range []Document{s.Spec.Object("TaskTemplate").Object("ContainerSpec").Object("Labels"), s.Spec.Object("Labels")} {
		for key := range from {
			labels[key] = from.Text(key)
		}
	}
	image, id := s.Image(), ""
	name, pin, pinned := strings.Cut(image, "@")
	tagged := strings.Contains(afterLast(name, "/"), ":")
	switch {
	case !pinned && !tagged && name != "":
		image += ":latest"
	case pinned && digest.Digest(pin).Validate() == nil:
		id = pin
		if tagged && !strings.Contains(labels[labelStackImage], "@") {
			image = name
		}
	}
	service := s
	service.Spec = s.Spec.Clone()
	return Container{
		ID: s.ID, Name: s.Name, Image: image, ImageID: id, Labels: labels,
		State: StateRunning, Created: s.Created, Service: &service,
	}
}

// Task is one task of a service.
type Task struct {
	// ID is the cluster's: its container has it as LabelTaskID.
	ID string
	// Created is when it was made, by the managers' clock.
	Created time.Time
	// Image is what it is created from, as its service's specification had it.
	Image string
	// Wanted is the state the cluster wants it in, State the one it is in, in the
	// cluster's words: "running", "shutdown", "rejected", …
	Wanted, State string
	// Err is why it is in that state, if something is wrong.
	Err string
	// ExitCode is its process's, if it has ended.
	ExitCode int
}

// ServiceOptions says how to change a service.
type ServiceOptions struct {
	// Service is its ID, and Version the one the specification was made from.
	Service string
	Version uint64
	// Spec is the whole of it.
	Spec Document
	// Reference is the image's, whose registry the Credential is for. The cluster keeps
	// that, and gives it to every node that pulls. Zero: it keeps the one it has.
	Reference  string
	Credential credentials.Credential
}
