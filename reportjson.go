package watchtower

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// writtenEntry is how an Entry is written.
type writtenEntry struct {
	Name    string          `json:"name"`
	ID      string          `json:"id"`
	Image   string          `json:"image"`
	ImageID string          `json:"image_id"`
	State   lifecycle.State `json:"state"`

	Service lifecycle.ServiceMode  `json:"service,omitempty"`
	Rollout lifecycle.RolloutState `json:"rollout,omitempty"`
	TaskOf  string                 `json:"task_of,omitempty"`

	Status     Status    `json:"status"`
	Reason     string    `json:"reason,omitempty"`
	HeldUntil  time.Time `json:"held_until,omitzero"`
	OutOfDate  bool      `json:"out_of_date,omitempty"`
	Latest     string    `json:"latest,omitempty"`
	Endpoint   string    `json:"endpoint,omitempty"`
	Stale      string    `json:"stale_mirror,omitempty"`
	NewRef     string    `json:"new_reference,omitempty"`
	From       ImageInfo `json:"from,omitzero"`
	To         ImageInfo `json:"to,omitzero"`
	NewID      string    `json:"new_id,omitempty"`
	NewImageID string    `json:"new_image_id,omitempty"`
	DowntimeMS int64     `json:"downtime_ms,omitempty"`
	Warnings   []string  `json:"warnings,omitempty"`

	Hooks []lifecycle.HookResult `json:"hooks,omitempty"`

	Failure    *lifecycle.Failure `json:"failure,omitempty"`
	Policy     Policy             `json:"policy,omitempty"`
	Error      string             `json:"error,omitempty"`
	Class      string             `json:"error_class,omitempty"`
	RetryAfter time.Time          `json:"retry_after,omitzero"`
}

// MarshalJSON writes the entry flat: name, id, image, image_id, state, status
// and, where they say something, service (the mode of one, by which it is told from a
// container), rollout (what the swarm said of its last change when the pass began), task_of, reason, held_until, out_of_date, latest, endpoint, stale_mirror,
// new_reference, from and to (version, revision, source, created), new_id, new_image_id, downtime_ms, warnings, hooks, failure, policy (the
// rows that Policy.Said returns), error, error_class, which is the text of its errdefs
// class ("unavailable"), and retry_after, which is when its registry may be asked again.
func (e Entry) MarshalJSON() ([]byte, error) {
	out := writtenEntry{
		e.Container.Name, e.Container.ID, e.Container.Image, e.Container.ImageID, e.Container.State,
		e.Container.ServiceMode(), "", e.TaskOf, e.Status, e.Reason, e.HeldUntil, e.OutOfDate, e.Latest, e.Endpoint, e.StaleMirror, e.NewReference, e.From, e.To, e.NewContainerID, e.NewImageID,
		e.Downtime.Milliseconds(),
		e.Warnings, e.Hooks, e.Failure, e.Policy.Said(), "", "",
		time.Time{},
	}
	if e.Container.Service != nil {
		out.Rollout = e.Container.Service.Rollout
	}
	if e.Err != nil {
		out.Error = e.Err.Error()
	}
	out.Class = className(e.Err)
	if limit := (*registry.Error)(nil); errors.As(e.Err, &limit) {
		out.RetryAfter = limit.RetryAfter
	}
	return json.Marshal(out)
}

// className is the text of the error's errdefs class; empty if it has none.
func className(err error) string {
	if class := errdefs.Resolve(err); class != nil && !errdefs.IsUnknown(class) {
		return class.Error()
	}
	return ""
}

// UnmarshalJSON reads what MarshalJSON wrote, as far as that goes: see Report.
func (e *Entry) UnmarshalJSON(data []byte) error {
	var in writtenEntry
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*e = Entry{
		Container: lifecycle.Container{Name: in.Name, ID: in.ID, Image: in.Image, ImageID: in.ImageID, State: in.State},
		TaskOf:    in.TaskOf, Status: in.Status, Reason: in.Reason, HeldUntil: in.HeldUntil, OutOfDate: in.OutOfDate, Latest: in.Latest, Endpoint: in.Endpoint,
		StaleMirror: in.Stale, NewReference: in.NewRef, From: in.From, To: in.To, NewContainerID: in.NewID, NewImageID: in.NewImageID,
		Downtime: time.Duration(in.DowntimeMS) * time.Millisecond,
		Warnings: in.Warnings, Hooks: in.Hooks, Failure: in.Failure, Policy: in.Policy,
	}
	if in.Service != "" {
		e.Container.Service = &lifecycle.Service{ID: in.ID, Name: in.Name, Mode: in.Service, Rollout: in.Rollout}
	}
	if in.Error == "" {
		return nil
	}
	e.Err = errors.New(in.Error)
	if !in.RetryAfter.IsZero() {
		e.Err = errclass.With(&registry.Error{RetryAfter: in.RetryAfter}, e.Err)
	}
	classes := []error{
		errdefs.ErrInvalidArgument, errdefs.ErrNotFound, errdefs.ErrAlreadyExists, errdefs.ErrPermissionDenied,
		errdefs.ErrResourceExhausted, errdefs.ErrFailedPrecondition, errdefs.ErrConflict, errdefs.ErrNotModified,
		errdefs.ErrAborted, errdefs.ErrOutOfRange, errdefs.ErrNotImplemented, errdefs.ErrInternal, errdefs.ErrUnavailable,
		errdefs.ErrDataLoss, errdefs.ErrUnauthenticated, context.DeadlineExceeded, context.Canceled,
	}
	if i := slices.IndexFunc(classes, func(class error) bool { return class.Error() == in.Class }); i >= 0 {
		e.Err = errclass.With(classes[i], e.Err)
	}
	return nil
}
