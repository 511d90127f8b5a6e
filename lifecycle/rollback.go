package lifecycle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// How much of what a failed successor said a result keeps.
const (
	logLines   = 20
	logBytes   = 4 << 10
	probeBytes = 1 << 10
)

// How long, and how often, to look for the end of a life. Docker waits a tenth of
// a second before the first restart, and longer before each one after it.
const (
	lifeWithin = 2 * time.Second
	lifePoll   = 20 * time.Millisecond
)

// failureWithin bounds what is asked of a failed successor while nobody serves. An
// engine that is not busy answers in milliseconds.
const failureWithin = 10 * time.Second

// unwind ends a swap in which a call failed: what has not been verified is rolled
// back, else a look tells what is left to do.
func (s *swap) unwind(ctx context.Context, cause error, result *Result) error {
	if errors.Is(cause, errLost) {
		s.mark(result, OutcomeUnfinished)
		return errclass.With(errdefs.ErrConflict, cause)
	}
	v, action := undo, "roll back"
	if s.verified {
		v, action = decide, "recover"
	}
	s.readFailure(ctx, cause, result)
	s.t.step(action, cause.Error())
	lead := s.moves[0].lead
	err := s.settle(ctx, lead, v, s.t)
	if err != nil && !s.imageFailed {
		err = s.lastResort(ctx, lead, err, s.t)
	}
	if err != nil {
		s.mark(result, OutcomeUnfinished)
		return errclass.With(errdefs.ErrUnavailable, fmt.Errorf("%w; unfinished: %w", cause, err))
	}
	s.t.up()
	if err := s.outcome(ctx, result); err != nil {
		return errors.Join(cause, err)
	}
	for i := range result.Members {
		if result.Members[i].Outcome == OutcomeUpdated {
			return nil // past the point of no return
		}
	}
	return errclass.With(errdefs.ErrAborted, fmt.Errorf("%w; rolled back", cause))
}

// outcome asks the engine who serves now.
func (s *swap) outcome(ctx context.Context, result *Result) error {
	list, err := s.list(ctx)
	if err != nil {
		s.mark(result, OutcomeUnfinished)
		return err
	}
	for i, m := range s.moves {
		entry := &result.Members[i]
		entry.Downtime, entry.ImageFailed = s.t.down, s.imageFailed
		entry.Outcome = OutcomeUnfinished
		for _, c := range list {
			if c.Name != m.old.Name {
				continue
			}
			entry.NewID = c.ID
			switch {
			case c.ID == m.ids.next:
				entry.Outcome, entry.Failure, entry.ImageFailed = OutcomeUpdated, nil, false
				if m.order == StartFirst {
					entry.Downtime = 0
				}
			case c.ID == m.old.ID:
				entry.Outcome = OutcomeRolledBack
			case c.Labels[labelRole] == roleSpare && c.Labels[labelOf] == m.old.ID:
				entry.Outcome = OutcomeRolledBack
				entry.Warnings = append(entry.Warnings,
					"the old container removed itself when it was stopped; a copy of it serves, without its writable layer")
			}
		}
		if entry.Outcome == OutcomeUnfinished {
			return fmt.Errorf("%s is held by another container", m.old.Name)
		}
	}
	return nil
}

// readFailure keeps what the failed successors can still tell.
func (s *swap) readFailure(ctx context.Context, cause error, result *Result) {
	ctx, cancel := context.WithTimeout(ctx, failureWithin)
	defer cancel()
	var probe *notPassed
	errors.As(cause, &probe)
	for i, m := range s.moves {
		snap, err := s.between(ctx, m.ids.next)
		if err != nil {
			continue
		}
		f := &Failure{
			ExitCode: snap.Status.ExitCode, OOMKilled: snap.Status.OOMKilled,
			Probe: end(strings.TrimSpace(snap.Status.HealthLog), probeBytes),
		}
		if probe != nil && probe.container == m.ids.next {
			f.Probe = probe.answer
		}
		if logs, ok := s.engine.(LogReader); ok {
			var out bytes.Buffer
			if err := logs.Logs(ctx, m.ids.next, logLines, &out); err == nil {
				f.Log = end(strings.TrimSpace(out.String()), logBytes)
			}
		}
		result.Members[i].Failure = f
	}
}

// between looks at a successor. One that its policy restarts is waited for, for a
// moment: only between two lives does an engine tell what the last one ended with.
func (s *swap) between(ctx context.Context, id string) (Snapshot, error) {
	for deadline := time.Now().Add(lifeWithin); ; {
		snap, err := s.inspect(ctx, id)
		if err != nil || snap.Status.RestartCount == 0 || snap.State != StateRunning || time.Now().After(deadline) {
			return snap, err
		}
		if err := sleep(ctx, lifePoll); err != nil {
			return snap, nil
		}
	}
}

// end keeps the last bytes of a text, whole characters only.
func end(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[len(text)-most:], "")
}

func (s *swap) mark(result *Result, o Outcome) {
	for i := range result.Members {
		result.Members[i].Outcome = o
	}
}

func untouched(t Target) Result {
	result := Result{Members: make([]MemberResult, len(t.Members))}
	for i, m := range t.Members {
		result.Members[i] = MemberResult{
			Name: m.Container.Name, Outcome: OutcomeUntouched,
			OldID: m.Container.ID, NewID: m.Container.ID,
		}
	}
	return result
}
