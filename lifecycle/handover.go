package lifecycle

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
)

// Handover is how the container is replaced that this process itself runs in: a
// process does not outlive its container, so a short-lived one beside it, the
// helper, makes the same transaction. Start creates the helper; what the helper
// runs is RunHelper; and whoever runs in the container afterwards, the successor
// or again the predecessor, learns by Settle how it ended.
//
// The helper is of the image this process runs. The engine starts it again if it
// is killed, and it then finishes or undoes what it had begun. Only one that somebody
// stops by the engine stays stopped: while this process runs, or its successor, Settle
// starts it again; between the two nobody is there to do so but another watchtower.
type Handover struct {
	engine  Engine
	self    string
	command []string
}

// NewHandover makes a Handover for the container with this full ID. The command is
// a program of its image, with the arguments that make it call RunHelper with the
// argument that follows them. Everybody who may list containers can read it: it is
// no place for a secret. It panics without a command.
func NewHandover(engine Engine, self string, command ...string) *Handover {
	if len(command) == 0 {
		panic("lifecycle: NewHandover: no command")
	}
	return &Handover{engine, self, command}
}

// HandoverOptions say how the helper works, and what it is to remember.
type HandoverOptions struct {
	// StableTime, Probe and ProbeTimeout are as for Recreate.
	StableTime   time.Duration
	Probe        Probe
	ProbeTimeout time.Duration
	// Note is given back by Settle; no secret.
	Note string
}

// task is what the helper is told, by its label.
type task struct {
	Service      string         `json:"service"` // the name its starter's container has
	Self         string         `json:"self"`
	Order        Order          `json:"order,omitempty"`
	StopTimeout  *time.Duration `json:"stop_timeout,omitempty"`
	StableTime   time.Duration  `json:"stable_time,omitempty"`
	Probe        string         `json:"probe,omitempty"`
	ProbeTimeout time.Duration  `json:"probe_timeout,omitempty"`
	Note         string         `json:"note,omitempty"`
	Members      []taskMember   `json:"members,omitempty"` // none: only to repair
}

type taskMember struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	ImageID    string `json:"image_id"`
	State      State  `json:"state"`
	Reference  string `json:"reference"`
	NewImageID string `json:"new_image_id"`
	NeedsReady bool   `json:"needs_ready,omitempty"`
}

// Helper reports whether the container is a helper, and the name of the service
// it replaces. Such a container is no target.
func Helper(c Container) (service string, ok bool) {
	t, ok := taskOf(c)
	return t.Service, ok
}

func taskOf(c Container) (task, bool) {
	var t task
	text, ok := c.Labels[labelTask]
	return t, ok && json.Unmarshal([]byte(text), &t) == nil && t.Service != ""
}

// Start creates a helper for the target, which holds this process's own
// container, starts it and returns its name. The images are on the engine. It is a
// Conflict if there is a helper already.
func (h *Handover) Start(ctx context.Context, t Target, opts HandoverOptions) (helper string, err error) {
	job := task{
		Self: h.self, Order: t.Order, StopTimeout: t.StopTimeout,
		StableTime: opts.StableTime, Probe: opts.Probe.String(), ProbeTimeout: opts.ProbeTimeout, Note: opts.Note,
	}
	for _, m := range t.Members {
		c := m.Container
		job.Members = append(job.Members, taskMember{c.ID, c.Name, c.ImageID, c.State, m.Reference, m.ImageID, m.NeedsReady})
		if c.ID == h.self {
			job.Service = c.Name
		}
	}
	if job.Service == "" {
		return "", &Error{"hand over", t.Members[0].Container.Name, precondition("it does not move with this process's container")}
	}
	return h.begin(ctx, job)
}

// begin creates and starts a helper. One that cannot be started is removed.
func (h *Handover) begin(ctx context.Context, job task) (string, error) {
	name := helperName(job.Service, h.self)
	r := &recreator{engine: h.engine}
	text, err := json.Marshal(job)
	if err != nil {
		return "", err
	}
	own, err := r.inspect(ctx, h.self)
	if err != nil {
		return "", &Error{"hand over", job.Service, err}
	}
	// Between the two calls there is no good moment to give up.
	ctx = context.WithoutCancel(ctx)
	spec := helperSpec(own, name, string(text), h.command)
	id, err := r.create(ctx, CreateOptions{Name: name, Platform: own.ImagePlatform, Spec: spec})
	if err != nil {
		return "", &Error{"hand over", job.Service, err}
	}
	if err := r.start(ctx, id); err != nil {
		_ = r.remove(ctx, name, true) // else Settle does
		return "", &Error{"hand over", job.Service, err}
	}
	return name, nil
}

// Settlement is what Settle found.
type Settlement struct {
	// Busy: a helper is at work.
	Busy bool
	// Ended are those that have ended, to be told of and dismissed.
	Ended []EndedHandover
}

// EndedHandover is a helper that has ended.
type EndedHandover struct {
	// Helper is its name.
	Helper string
	// Container is the one that has the service's name now.
	Container Container
	// Updated tells that it is a successor, on the new image.
	Updated bool
	// ImageFailed tells that the successor did not start or did not prove itself.
	ImageFailed bool
	// Note is what Start was given.
	Note string
	// Said is the last line the helper wrote, if the engine shows it.
	Said string
}

// Settle looks what became of this process's container, and changes none that
// serves: a helper that never ran is removed; if one is needed, because the swap of
// this container is unfinished, whoever began it, one is started. To act upon
// itself is left to a helper.
func (h *Handover) Settle(ctx context.Context) (Settlement, error) {
	var out Settlement
	r := &recreator{engine: h.engine}
	list, err := r.list(ctx)
	if err != nil {
		return out, &Error{Op: "settle", Err: err}
	}
	own := byID(list, h.self)
	if own == nil {
		return out, nil
	}
	service := own.Name
	if name, ok := Unfinished(*own); ok {
		service = name
	}
	open := unfinishedService(list, service)
	for i := range list {
		c := &list[i]
		job, ok := taskOf(*c)
		if !ok || job.Service != service {
			continue
		}
		switch {
		case c.State.Up():
			out.Busy = true
		case open && !out.Busy:
			if err := r.start(ctx, c.ID); err != nil {
				return out, &Error{"settle", service, err}
			}
			out.Busy = true
		case open:
		case !started(c.State):
			if err := r.remove(ctx, c.Name, false); err != nil && !errdefs.IsNotFound(err) {
				return out, &Error{"settle", service, err}
			}
		default:
			out.Ended = append(out.Ended, r.ended(ctx, *c, job, list))
		}
	}
	if open && !out.Busy {
		_, err = h.begin(ctx, task{Service: service, Self: h.self})
		out.Busy = err == nil
	}
	return out, err
}

// unfinishedService tells whether the service is between two containers.
func unfinishedService(list []Container, service string) bool {
	for _, slots := range observe(list) {
		if slices.ContainsFunc(slots, func(s *slot) bool { return s.target == service }) {
			return true
		}
	}
	return false
}

func (r *recreator) ended(ctx context.Context, c Container, job task, list []Container) EndedHandover {
	end := EndedHandover{Helper: c.Name, ImageFailed: strings.HasSuffix(c.Name, failedMark), Note: job.Note, Said: r.lastLine(ctx, c.ID)}
	for _, now := range list {
		if now.Name != job.Service {
			continue
		}
		end.Container = now
		for _, m := range job.Members {
			end.Updated = end.Updated || m.ID == job.Self && now.ID != m.ID && now.ImageID == m.NewImageID
		}
	}
	return end
}

func (r *recreator) lastLine(ctx context.Context, id string) string {
	logs, ok := r.engine.(LogReader)
	if !ok {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, failureWithin)
	defer cancel()
	var out bytes.Buffer
	if logs.Logs(ctx, id, 1, &out) != nil {
		return ""
	}
	return end(strings.TrimSpace(out.String()), probeBytes)
}

// Dismiss removes a helper that has ended.
func (h *Handover) Dismiss(ctx context.Context, e EndedHandover) error {
	r := &recreator{engine: h.engine}
	if err := r.remove(ctx, e.Helper, false); err != nil && !errdefs.IsNotFound(err) {
		return &Error{"dismiss", e.Helper, err}
	}
	return nil
}
