package watchtower

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// Audit writes what is done, and nothing of what is only seen: a line of JSON for each
// step of each swap as it begins, each pull, hook, end of an update, recovery and removal.
// Each line has time, event ("step", "pull", "hook", "recovered", "image removed",
// "leftover removed", "self-update started", or the status an update ended with) and, where they say
// something, engine (its name), container, service (the mode of one, whose name is in
// container then), id, image (the reference), image_id, action, detail, hook,
// new_reference, new_id, new_image_id, digest, from, to, reason, warnings, downtime_ms,
// took_ms (an update's from its first step on), error and error_class. An end has the
// meaning it has in an Entry. What a hook's command wrote is left out.
//
// Each line is one Write. An observer that is given to WithObserver as it is misses
// nothing, however slow w is: its queue has no bound. The error of a write is told to
// warn, which may be nil, once until one succeeds; that line is lost.
func Audit(w io.Writer, warn func(error)) Observer {
	if warn == nil {
		warn = func(error) {}
	}
	return &audit{w: w, warn: warn, begun: map[onEngine]time.Time{}}
}

// audit is the Observer that Audit makes.
type audit struct {
	w    io.Writer
	warn func(error)

	mu     sync.Mutex
	failed bool                   // the last write
	torn   bool                   // of the last line that was written, only a part was
	begun  map[onEngine]time.Time // by container: the first step of its update
}

// onEngine is a container by its key, and its engine by its name.
type onEngine struct{ engine, container string }

type auditLine struct {
	Time   time.Time `json:"time"`
	Event  string    `json:"event"`
	Engine string    `json:"engine,omitempty"`

	Container string                `json:"container,omitempty"`
	Service   lifecycle.ServiceMode `json:"service,omitempty"`
	ID        string                `json:"id,omitempty"`
	Image     string                `json:"image,omitempty"`
	ImageID   string                `json:"image_id,omitempty"`
	Action    string                `json:"action,omitempty"`
	Detail    string                `json:"detail,omitempty"`
	Hook      *lifecycle.HookResult `json:"hook,omitempty"`

	NewReference string    `json:"new_reference,omitempty"`
	NewID        string    `json:"new_id,omitempty"`
	NewImageID   string    `json:"new_image_id,omitempty"`
	Digest       string    `json:"digest,omitempty"`
	From         ImageInfo `json:"from,omitzero"`
	To           ImageInfo `json:"to,omitzero"`
	Reason       string    `json:"reason,omitempty"`
	Warnings     []string  `json:"warnings,omitempty"`
	DowntimeMS   int64     `json:"downtime_ms,omitempty"`
	TookMS       int64     `json:"took_ms,omitempty"`
	Error        string    `json:"error,omitempty"`
	Class        string    `json:"error_class,omitempty"`
}

// Observe writes the event's line, if it has one.
func (a *audit) Observe(_ context.Context, e Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	line, ok := a.line(e)
	if !ok {
		return
	}
	var text bytes.Buffer // a line is written as one
	if a.torn {
		text.WriteByte('\n') // so that what there is of the last one costs no other
	}
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(line)
	if err == nil {
		var n int
		if n, err = a.w.Write(text.Bytes()); err == nil || n > 0 {
			a.torn = err != nil
		}
	}
	if err != nil && !a.failed {
		a.warn(fmt.Errorf("watchtower: audit: %w", err))
	}
	a.failed = err != nil
}

// records tells which events it may have a line for, or learns something from.
func (a *audit) records(e Event) bool {
	switch e := e.(type) {
	case StepStarted, PullEnded, HookEnded, UpdateEnded, SelfUpdateStarted, SelfUpdateEnded, ServiceRecovered,
		ContainerSkipped, PassEnded, PassFailed:
		return true
	case ImageRemoved:
		return e.Kept == ""
	case LeftoverFound:
		return e.Removed || e.Err != nil
	}
	return false
}

// line is the event's, if it has one.
func (a *audit) line(e Event) (auditLine, bool) {
	if !a.records(e) {
		return auditLine{}, false
	}
	engine := EventEngine(e)
	var line auditLine
	switch e := e.(type) {
	case PassEnded, PassFailed:
		// Who only followed, and stayed, has no end of its own.
		maps.DeleteFunc(a.begun, func(of onEngine, _ time.Time) bool { return of.engine == engine })
	case ContainerSkipped:
		// The world was another than what was judged, which a swap found in its course.
		if _, known := a.begun[onEngine{engine, keyOf(e.Container)}]; known {
			line = a.end(e.At, engine, Entry{Container: e.Container, Status: StatusSkipped, Reason: e.Reason})
		}
	case StepStarted:
		line = auditLine{
			Time: e.At, Event: "step", Container: e.Step.Container, Service: e.Service, Image: e.Image, Action: e.Step.Action, Detail: e.Step.Detail,
		}
		if of := (onEngine{engine, keyNamed(e.Step.Container, e.Service != "")}); a.begun[of].IsZero() {
			a.begun[of] = e.At
		}
	case PullEnded:
		line = auditLine{Time: e.At, Event: "pull", Image: e.Reference, TookMS: e.Duration.Milliseconds()}.failed(e.Err)
	case HookEnded:
		result := e.Result
		result.Output = ""
		line = aboutContainer(e.At, "hook", e.Container)
		line.Hook = &result
	case UpdateEnded:
		line = a.end(e.At, engine, e.Entry)
	case SelfUpdateStarted:
		line = aboutEntry(e.At, "self-update started", e.Entry)
		line.Detail = e.Helper
	case SelfUpdateEnded:
		line = a.end(e.At, engine, e.Entry)
	case ServiceRecovered:
		r := e.Recovery
		line = auditLine{Time: e.At, Event: "recovered", Container: r.Name, ID: r.ID, Action: string(r.Outcome)}.failed(r.Err)
		delete(a.begun, onEngine{engine, r.Name})
	case ImageRemoved:
		line = auditLine{Time: e.At, Event: "image removed", Image: e.Reference, ImageID: e.ImageID}.failed(e.Err)
	case LeftoverFound:
		line = aboutContainer(e.At, "leftover removed", e.Container).failed(e.Err)
	}
	line.Time, line.Engine = line.Time.UTC(), engine
	return line, line.Event != ""
}

// end is the line for an update's, with the time it took.
func (a *audit) end(at time.Time, engine string, e Entry) auditLine {
	line, of := aboutEntry(at, string(e.Status), e), onEngine{engine, e.key()}
	if began, known := a.begun[of]; known {
		line.TookMS = at.Sub(began).Milliseconds()
		delete(a.begun, of)
	}
	return line
}

func aboutContainer(at time.Time, event string, c lifecycle.Container) auditLine {
	return auditLine{Time: at, Event: event, Container: c.Name, Service: c.ServiceMode(), ID: c.ID, Image: c.Image, ImageID: c.ImageID}
}

func aboutEntry(at time.Time, event string, e Entry) auditLine {
	line := aboutContainer(at, event, e.Container)
	line.NewReference, line.NewID, line.NewImageID, line.Digest = e.NewReference, e.NewContainerID, e.NewImageID, e.Latest
	line.From, line.To, line.Reason, line.Warnings, line.DowntimeMS = e.From, e.To, e.Reason, e.Warnings, e.Downtime.Milliseconds()
	return line.failed(e.Err)
}

func (l auditLine) failed(err error) auditLine {
	if err != nil {
		l.Error, l.Class = err.Error(), className(err)
	}
	return l
}
