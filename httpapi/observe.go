package httpapi

import (
	"context"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// Observe keeps what is asked for later, and hands on what is followed.
func (h *Handler) Observe(_ context.Context, e watchtower.Event) {
	engine := watchtower.EventEngine(e)
	switch e := e.(type) {
	case watchtower.PassEnded:
		h.books.of(engine).history.add(e.Report)
	case watchtower.PassFailed:
		h.books.of(engine).history.fail(e)
	}
	if kind, at, data := told(e); kind != "" {
		h.hub.publish(engine, kind, watchtower.EventID(e), at, data)
	}
}

// entryData is a container in an event: what people want to read of it.
type entryData struct {
	Name         string                `json:"name"`
	Service      lifecycle.ServiceMode `json:"service,omitempty"`
	Image        string                `json:"image"`
	Status       watchtower.Status     `json:"status"`
	Reason       string                `json:"reason,omitempty"`
	Latest       string                `json:"latest_digest,omitempty"`
	NewReference string                `json:"new_reference,omitempty"`
	versions
	HeldUntil  time.Time `json:"held_until,omitzero"`
	DowntimeMS int64     `json:"downtime_ms,omitempty"`
	Error      string    `json:"error,omitempty"`
}

func dataOf(e watchtower.Entry) entryData {
	return entryData{
		e.Container.Name, e.Container.ServiceMode(), e.Container.Image, e.Status, e.Reason, e.Latest, e.NewReference, versionsOf(e), e.HeldUntil, e.Downtime.Milliseconds(), text(e.Err),
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// told is the event as those who follow have it: the fork's names where it has one.
// Without a name it is none of theirs.
func told(e watchtower.Event) (kind string, at time.Time, data any) {
	switch e := e.(type) {
	case watchtower.PassStarted:
		return "scan_started", e.At, map[string]any{"kind": e.Kind}
	case watchtower.PassEnded:
		return "scan_completed", e.At, struct {
			ID   string              `json:"id"`
			Kind watchtower.PassKind `json:"kind"`
			summary
			timing
		}{passID(e.Engine, e.Report.Started), e.Kind, summaryOf(e.Report), timingOf(e.Report)}
	case watchtower.PassFailed:
		return "scan_failed", e.At, map[string]any{"kind": e.Kind, "error": text(e.Err)}
	case watchtower.PassSkipped:
		return "scan_skipped", e.At, map[string]any{"kind": e.Kind}
	case watchtower.PassScheduled:
		return "scan_scheduled", e.At, map[string]any{"next": e.Next}
	case watchtower.CheckFailed:
		return "check_failed", e.At, checkFailedData{e.Reference, append([]string{}, e.Containers...), e.Services, text(e.Err)}
	case watchtower.FailureEnded:
		return "failure_ended", e.At, failureData{e.What, e.Failure, e.Since, e.Reference, e.Containers, e.Services}
	case watchtower.UpdateFound:
		return "update_found", e.At, dataOf(e.Entry)
	case watchtower.UpdateHeld:
		return "update_held", e.At, dataOf(e.Entry)
	case watchtower.UpdateEnded:
		return "update_ended", e.At, dataOf(e.Entry)
	case watchtower.SelfUpdateStarted:
		return "self_update_started", e.At, dataOf(e.Entry)
	case watchtower.SelfUpdateEnded:
		return "self_update_ended", e.At, dataOf(e.Entry)
	default:
		return toldOfSteps(e)
	}
}

// toldOfSteps are the events on the way.
func toldOfSteps(e watchtower.Event) (kind string, at time.Time, data any) {
	switch e := e.(type) {
	case watchtower.PullStarted:
		return "pull_started", e.At, map[string]any{"image": e.Reference}
	case watchtower.PullEnded:
		return "pull_ended", e.At, map[string]any{"image": e.Reference, "duration_ms": e.Duration.Milliseconds(), "error": text(e.Err)}
	case watchtower.StepStarted:
		return "step_started", e.At, stepData{e.Step.Container, e.Service, e.Image, e.Step.Action, e.Step.Detail}
	case watchtower.ImageRemoved:
		if e.Kept != "" || e.Err != nil {
			return "", e.At, nil
		}
		return "image_cleanup", e.At, map[string]any{"images": []string{e.Reference}}
	case watchtower.ServiceRecovered:
		return "recovered", e.At, recoveryData{e.Recovery.Name, e.Recovery.Outcome, text(e.Recovery.Err)}
	default:
		return "", time.Time{}, nil
	}
}

type checkFailedData struct {
	Image      string   `json:"image"`
	Containers []string `json:"containers"`
	Services   []string `json:"services,omitempty"`
	Error      string   `json:"error"`
}

type stepData struct {
	Container string                `json:"container"`
	Service   lifecycle.ServiceMode `json:"service,omitempty"`
	Image     string                `json:"image"`
	Action    string                `json:"action"`
	Detail    string                `json:"detail,omitempty"`
}

type recoveryData struct {
	Container string            `json:"container"`
	Outcome   lifecycle.Outcome `json:"outcome"`
	Error     string            `json:"error,omitempty"`
}

// failureData is a failure that is over, by the ID of the event that told of it.
type failureData struct {
	What       string    `json:"what"`
	Failure    string    `json:"failure"`
	Since      time.Time `json:"since"`
	Image      string    `json:"image,omitempty"`
	Containers []string  `json:"containers,omitempty"`
	Services   []string  `json:"services,omitempty"`
}
