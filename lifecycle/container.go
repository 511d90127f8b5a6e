package lifecycle

import (
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
)

// State is a container's state, in the engine's words.
type State string

// The states an engine reports.
const (
	StateCreated    State = "created"
	StateRunning    State = "running"
	StatePaused     State = "paused"
	StateRestarting State = "restarting"
	StateRemoving   State = "removing"
	StateExited     State = "exited"
	StateDead       State = "dead"
)

// Up reports whether the container has, or is about to have, a process:
// running, paused or restarting.
func (s State) Up() bool {
	return s == StateRunning || s == StatePaused || s == StateRestarting
}

// Container is one container as the engine's list shows it. It is data: filters
// and updaters read it, nobody calls it.
type Container struct {
	// ID is the full ID, 64 hexadecimal digits.
	ID string
	// Name is without the leading slash.
	Name string
	// Image is the reference the container was created with ("nginx:1.27"). The
	// list shows an image ID in its place once the local tag has moved; a pass
	// completes it by an inspect before filters see it.
	Image string
	// ImageID is the image it runs, as the engine names it: "sha256:…".
	ImageID string
	// ImageManifest is the digest of the manifest, of those the image has for
	// several platforms, that it runs, and ImagePlatform is that platform:
	// "os/arch" or "os/arch/variant". Empty with the classic image store, whose
	// images are for one, and below API 1.48.
	ImageManifest, ImagePlatform string
	// Labels are the container's own and those of its image, merged by the
	// engine.
	Labels map[string]string
	// State is the state when listed.
	State State
	// Created is when it was created.
	Created time.Time
	// Service is set if it is no container but a service of a cluster, which is
	// selected, checked and judged as one: see Service.Container.
	Service *Service
}

// ShortID returns the first 12 digits of the ID.
func (c Container) ShortID() string { return short(c.ID) }

// Image is one image as the engine's list shows it.
type Image struct {
	// ID is "sha256:…": the digest of the configuration with the classic image
	// store, of the index or manifest with containerd's.
	ID string
	// Tags are the references that point at it ("nginx:1.27"), as the engine
	// writes them. An untagged image has none.
	Tags []string
	// Digests are the references with digest it was pulled as
	// ("nginx@sha256:…"). An image that was built or loaded has none with the
	// classic store, and one for each of its tags with containerd's.
	Digests []string
	// Origin is where it came from, if the list tells.
	Origin Origin
	// Platform is "os/arch" or "os/arch/variant"; empty where the list does not
	// tell, always set by InspectImage.
	Platform string
	// Labels are the image's, and Created is when it says it was made, if the list
	// tells; nil and zero else. InspectImage has the labels in Config.
	Labels  map[string]string
	Created time.Time
	// Config are the image's defaults for its containers, in the shape of the
	// engine's API; nil where the list does not tell, always set by
	// InspectImage.
	Config Document
}

// Origin is where an image came from.
type Origin string

// The origins. With the classic image store an image that has digests was pulled,
// or pushed from here; the engine says no more.
const (
	// OriginUnknown: the engine does not tell.
	OriginUnknown Origin = ""
	// OriginRegistry: it was pulled, or has been pushed.
	OriginRegistry Origin = "registry"
	// OriginLocal: it was built or loaded here, and no registry had it.
	OriginLocal Origin = "local"
)

// Identity returns all digests that name this image: its ID and those of its
// Digests, whatever repository they were pulled from.
func (i Image) Identity() []digest.Digest {
	ids := make([]digest.Digest, 0, 1+len(i.Digests))
	for _, text := range append([]string{i.ID}, i.Digests...) {
		d := digest.Digest(afterLast(text, "@"))
		if d.Validate() == nil && !slices.Contains(ids, d) {
			ids = append(ids, d)
		}
	}
	return ids
}

// Snapshot is one container as the engine's inspect shows it.
type Snapshot struct {
	Container
	// Platform is what the engine says of the container's platform; classic
	// engines tell the operating system only.
	Platform string
	// Config, HostConfig and Networks are the engine's own JSON: fields newer
	// than this module survive in them. Networks maps a network's name to its
	// endpoint's settings.
	Config     Document
	HostConfig Document
	Networks   map[string]Document
	// Mounts are all mounts in effect, anonymous volumes included.
	Mounts []Mount
	// Status is the run time's side of it.
	Status Status
}

// Mount is one mount in effect.
type Mount struct {
	// Type is "bind", "volume", "tmpfs", …
	Type string
	// Name is the volume's name; 64 hexadecimal digits for an anonymous one.
	Name string
	// Source is the path on the engine's host.
	Source string
	// Destination is the path in the container.
	Destination string
	// Driver is the volume's driver.
	Driver string
	// ReadOnly is set for a mount that cannot be written.
	ReadOnly bool
}

// Status is what an inspect tells of a container's process.
type Status struct {
	// ExitCode is the last exit code; 0 if it never ended.
	ExitCode int
	// OOMKilled tells that the kernel ended it for its memory.
	OOMKilled bool
	// Error is the engine's text of the last failed start.
	Error string
	// StartedAt and FinishedAt are zero if it never started or never ended.
	StartedAt, FinishedAt time.Time
	// RestartCount counts the restarts its restart policy made.
	RestartCount int
	// Health is "", "starting", "healthy" or "unhealthy"; empty without a
	// health check.
	Health string
	// HealthLog is the output of the last probe.
	HealthLog string
}

func short(id string) string {
	if len(id) > 12 {
		return id[:12]
	}
	return id
}
