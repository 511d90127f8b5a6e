package lifecycle

import (
	"context"
	"io"
	"io/fs"
	"time"

	"github.com/watchtower-go/watchtower/credentials"
)

// Engine is all that a pass asks of a container engine: a union of small
// interfaces, so that a wrapper overrides the few methods it is about.
//
// Every method takes a container by full ID or by name, whichever the caller
// gives: the swap addresses what it journals by name on purpose (a name that
// has changed hands answers NotFound). Errors carry their errdefs class:
// NotFound (no such container or image), Conflict (name taken, wrong state),
// InvalidArgument (the engine refused the request), Unauthenticated or
// PermissionDenied (a pull), Unavailable (the engine does not answer). An
// Engine is used by many goroutines at once.
//
// Abilities beyond it are small interfaces found by type assertion: Pinger,
// Describer, LogReader, Differ, Archiver, Connector, Execer, PlatformInspector,
// RegistryConfigurer, Preflighter, VolumeRemover, PeerTeller, ServiceLister,
// ServiceUpdater. A wrapper that embeds this interface has none of them; one that
// embeds an engine's own type keeps its.
type Engine interface {
	Lister
	Inspector
	Puller
	Runner
}

// Lister shows everything there is, one call each.
type Lister interface {
	// Containers lists all containers, in whatever state.
	Containers(ctx context.Context) ([]Container, error)
	// Images lists all images with their tags and digests.
	Images(ctx context.Context) ([]Image, error)
}

// Inspector shows one thing whole.
type Inspector interface {
	// Inspect shows one container.
	Inspect(ctx context.Context, container string) (Snapshot, error)
	// InspectImage shows one image, by reference or ID.
	InspectImage(ctx context.Context, image string) (Image, error)
}

// PlatformInspector is an engine whose images may each be for several platforms.
// Inspector shows one of them, if it has the engine's own.
type PlatformInspector interface {
	// InspectImageFor shows what an image has for a platform, "os/arch" or
	// "os/arch/variant"; NotFound if that is not here. Of the answer Platform
	// and Config count: engines give it an ID of its own.
	InspectImageFor(ctx context.Context, image, platform string) (Image, error)
}

// InspectImageFor shows an image as InspectImage does, with the platform and the
// defaults of its containers on that platform; empty: the engine's own. Where it
// has none for it, the error is of class NotFound, or the image of another
// platform if the engine is no PlatformInspector.
func InspectImageFor(ctx context.Context, e Inspector, image, platform string) (Image, error) {
	out, err := e.InspectImage(ctx, image)
	able, ok := e.(PlatformInspector)
	if err != nil || !ok || platform == "" || out.Platform == platform {
		return out, err
	}
	own, err := able.InspectImageFor(ctx, image, platform)
	out.Platform, out.Config = own.Platform, own.Config
	return out, err
}

// Puller changes the engine's images.
type Puller interface {
	// Pull pulls a reference. It returns after the last byte; an error the
	// engine reports in mid-stream is an error.
	Pull(ctx context.Context, opts PullOptions) error
	// Tag points the reference at the image.
	Tag(ctx context.Context, image, reference string) error
	// RemoveImage removes an image by ID, never by force: an image that a
	// container or a second tag holds is a Conflict.
	RemoveImage(ctx context.Context, image string) error
}

// PullOptions says what to pull.
type PullOptions struct {
	// Reference is what to pull, with its tag.
	Reference string
	// Platform is "os/arch" or "os/arch/variant"; empty: the engine's own.
	Platform string
	// Credential is sent to the registry by the engine; zero: anonymous.
	Credential credentials.Credential
	// Progress is told how far it is, at the engine's pace; may be nil.
	Progress func(PullProgress)
}

// PullProgress is one line of a pull's progress.
type PullProgress struct {
	// Layer is the short digest of a layer, empty for the pull as a whole.
	Layer string
	// Status is the engine's word: "Downloading", "Pull complete", …
	Status string
	// Current and Total are bytes; 0 where the engine does not tell.
	Current, Total int64
}

// Runner changes the engine's containers: a union as well.
type Runner interface {
	Creator
	Starter
}

// Creator makes, names and removes containers.
type Creator interface {
	// Create creates a container, with all its networks, and does not start
	// it. A taken name is a Conflict and changes nothing.
	Create(ctx context.Context, opts CreateOptions) (id string, err error)
	// Rename gives the container another name. A taken name is a Conflict and
	// changes nothing.
	Rename(ctx context.Context, container, name string) error
	// Remove removes a container that is not up, by RemoveOptions one that is.
	// It never removes a volume.
	Remove(ctx context.Context, container string, opts RemoveOptions) error
}

// CreateOptions says what to create.
type CreateOptions struct {
	// Name is the container's name.
	Name string
	// Platform is "os/arch" or "os/arch/variant"; empty: the image's own.
	Platform string
	// Spec is what to create.
	Spec Spec
}

// Spec is a container as it is asked of the engine, in the shape of the
// engine's API; what it does not know it carries along.
type Spec struct {
	// Config holds the image's reference, environment, command, labels, …
	Config Document
	// HostConfig holds mounts, limits, ports, restart policy, …
	HostConfig Document
	// Networks maps a network's name to its endpoint's settings.
	Networks map[string]Document
}

// Clone returns a deep copy.
func (s Spec) Clone() Spec {
	out := Spec{Config: s.Config.Clone(), HostConfig: s.HostConfig.Clone()}
	if s.Networks != nil {
		out.Networks = make(map[string]Document, len(s.Networks))
		for name, endpoint := range s.Networks {
			out.Networks[name] = endpoint.Clone()
		}
	}
	return out
}

// RemoveOptions says how to remove a container.
type RemoveOptions struct {
	// Force ends its process first.
	Force bool
}

// Starter changes a container's state.
type Starter interface {
	// Start starts it; starting what runs is no error.
	Start(ctx context.Context, container string) error
	// Stop stops it; stopping what is not up is no error.
	Stop(ctx context.Context, container string, opts StopOptions) error
	// Pause freezes a running one.
	Pause(ctx context.Context, container string) error
}

// StopOptions says how to stop a container.
type StopOptions struct {
	// Signal is the signal's name or number; empty: the container's own.
	Signal string
	// Timeout is how long it may take before it is killed, in whole seconds,
	// rounded up. Nil: the container's own, else the engine's. Zero: at once.
	Timeout *time.Duration
}

// Pinger is an engine that says quickly whether it answers at all.
type Pinger interface {
	Ping(ctx context.Context) error
}

// Describer is an engine that tells what it is.
type Describer interface {
	Describe(ctx context.Context) (EngineInfo, error)
}

// EngineInfo describes an engine.
type EngineInfo struct {
	// Name is the product: "Docker Engine".
	Name string
	// Version is the product's: "20.10.24".
	Version string
	// APIVersion is the version in use, after negotiation: "1.41".
	APIVersion string
	// Address is where it was reached, without secrets: "unix:///var/run/docker.sock".
	Address string
	// Platform is "os/arch" of the engine's host.
	Platform string
}

// RegistryConfigurer is an engine that tells how it is configured to reach
// registries, so that who asks them in its stead can do the same.
type RegistryConfigurer interface {
	// RegistryConfig is the configuration in force now; an engine may be told
	// another one while it runs.
	RegistryConfig(ctx context.Context) (RegistryConfig, error)
}

// RegistryConfig is how an engine reaches registries. The zero value is that of
// one that was told nothing.
type RegistryConfig struct {
	// Mirrors are Docker Hub's, as URLs, in the order they are asked.
	Mirrors []string
	// Insecure are the registries, "host:port", and networks, "10.0.0.0/8", whose
	// certificates are not looked at and that may lack TLS. The loopback's
	// networks are among them.
	Insecure []string
}

// Connector is an engine whose containers can join and leave networks. Without it
// a container that is found by network aliases cannot be updated start-first.
type Connector interface {
	// Connect gives the container an endpoint with these settings, up or not.
	Connect(ctx context.Context, network, container string, endpoint Document) error
	// Disconnect takes the container's endpoint away, up or not.
	Disconnect(ctx context.Context, network, container string) error
}

// VolumeRemover is an engine that removes volumes. Without it a member with
// FreshVolumes is refused, if it has any to renew.
type VolumeRemover interface {
	// RemoveVolume removes a volume, never by force: one that a container has, up or
	// not, is a Conflict.
	RemoveVolume(ctx context.Context, volume string) error
}

// LogReader is an engine that shows what a container wrote.
type LogReader interface {
	// Logs writes the last lines of the container's output to w, standard
	// output and error together.
	Logs(ctx context.Context, container string, lines int, w io.Writer) error
}

// Execer is an engine that runs commands in its containers. Without it a
// container with an exec probe cannot be updated.
type Execer interface {
	// Exec runs a command in a container that runs, with its environment, and
	// returns once it has ended: with whatever exit code, that is no error. A
	// container that is paused or not up is a Conflict. Exec returns when ctx
	// ends, with what the command wrote until then if the engine can tell; it
	// depends on the engine whether the command ends, too.
	Exec(ctx context.Context, container string, opts ExecOptions) (ExecResult, error)
}

// ExecOptions says what to run in a container.
type ExecOptions struct {
	// Command is the program and its arguments. No shell reads it.
	Command []string
	// User is "user[:group]", names or numbers; empty: the container's own.
	User string
	// Env are variables beside the container's own: "KEY=value".
	Env []string
}

// ExecResult is how a command ended.
type ExecResult struct {
	// ExitCode is the command's. One that could not be started has what the
	// engine gives it: 126 or 127.
	ExitCode int
	// Output is the end of what it wrote, or why it could not be started. Of
	// standard output and error, which are together, each alone is in its order.
	// An engine bounds it.
	Output string
}

// Differ is an engine that tells what was written into a container.
type Differ interface {
	// Changes lists the paths, files and directories, that were added or
	// modified in the container's own layer since it was created.
	Changes(ctx context.Context, container string) ([]string, error)
}

// Archiver is an engine that copies files from and to containers, whether they
// run or not. With Differ it lets an update carry over what Compose copied into
// a container; without, such files are not looked for.
type Archiver interface {
	// StatFile describes one path; a link is not followed.
	StatFile(ctx context.Context, container, path string) (FileStat, error)
	// CopyFrom reads one path as a tar archive. The caller closes it.
	CopyFrom(ctx context.Context, container, path string) (io.ReadCloser, error)
	// CopyTo unpacks a tar archive at the container's root, with the owners,
	// modes and times in it.
	CopyTo(ctx context.Context, container string, archive io.Reader) error
}

// FileStat describes a file in a container.
type FileStat struct {
	// Size is in bytes.
	Size int64
	// Mode has the type's bits as well.
	Mode fs.FileMode
	// ModTime is when it was last written, as exactly as its file system keeps
	// it.
	ModTime time.Time
}
