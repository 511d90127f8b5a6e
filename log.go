package watchtower

import (
	"context"
	"log/slog"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// logEvent is the log's view of the events: one line for what people want to
// read, at info; the course of things at debug. Every line about a container
// carries its name and image.
func logEvent(ctx context.Context, l *slog.Logger, e Event) {
	switch e := e.(type) {
	case PassStarted:
		l.DebugContext(ctx, "pass started", "kind", e.Kind)
	case ContainerSkipped:
		logSkipped(ctx, l, e)
	case LabelInvalid:
		l.WarnContext(ctx, "a label's value is not accepted",
			append(about(e.Container), "label", e.Label, "value", e.Value, "accepted", e.Accepted)...)
	case CheckFailed:
		logCheckFailed(ctx, l, e)
	case MirrorNoticed:
		if e.Stale {
			l.WarnContext(ctx, "a mirror is stale", "image", e.Reference, "mirror", e.Mirror)
		} else {
			l.InfoContext(ctx, "a mirror answered in its registry's place", "image", e.Reference, "mirror", e.Mirror, "err", e.Err)
		}
	case UpdateFound:
		l.InfoContext(ctx, "found new image", append(append(about(e.Entry.Container), "digest", e.Entry.Latest), aboutChange(e.Entry)...)...)
	case UpdateHeld:
		logHeld(ctx, l, e.Entry)
	case PullStarted:
		l.DebugContext(ctx, "pulling", "image", e.Reference)
	case PullProgressed:
		// A line for each would drown the rest.
	case PullEnded:
		if e.Err != nil {
			l.WarnContext(ctx, "pull failed", "image", e.Reference, "err", e.Err)
		} else {
			l.InfoContext(ctx, "pulled", "image", e.Reference, "took", e.Duration.Round(time.Millisecond))
		}
	case StepStarted:
		logStep(ctx, l, e)
	case HookStarted:
		l.DebugContext(ctx, string(e.Point)+" hook", append(about(e.Container), "command", e.Command)...)
	case HookEnded:
		logHook(ctx, l, e)
	case UpdateEnded:
		logUpdate(ctx, l, e.Entry)
	case ImageRemoved:
		logImage(ctx, l, e)
	case ServiceRecovered:
		logRecovery(ctx, l, e.Recovery)
	case SelfUpdateStarted:
		logSelfStarted(ctx, l, e)
	case SelfUpdateEnded:
		logSelf(ctx, l, e.Entry)
	case LeftoverFound:
		logLeftover(ctx, l, e)
	case PassEnded:
		r := e.Report
		for _, q := range r.Quotas {
			logQuota(ctx, l, q)
		}
		attrs := []any{
			"scanned", r.Scanned(), "updated", r.Count(StatusUpdated), "failed", r.Count(StatusFailed),
			"skipped", r.Count(StatusSkipped), "rolled_back", r.Count(StatusRolledBack),
		}
		for _, s := range r.rare() {
			if n := r.Count(s); n > 0 {
				attrs = append(attrs, string(s), n)
			}
		}
		if e.Kind == PassCheck {
			attrs = append(attrs, "stale", r.Count(StatusStale))
		}
		l.InfoContext(ctx, string(e.Kind)+" done", append(attrs, "took", r.Ended.Sub(r.Started).Round(time.Millisecond))...)
	case PassFailed:
		level := slog.LevelError
		if e.Repeated {
			level = slog.LevelDebug
		}
		attrs := []any{"err", e.Err}
		if !e.Retry.IsZero() {
			attrs = append(attrs, "retry", e.Retry.Format(time.RFC3339))
		}
		l.Log(ctx, level, string(e.Kind)+" failed", attrs...)
	case PassSkipped:
		l.InfoContext(ctx, string(e.Kind)+" skipped: another pass is being made")
	case PassScheduled:
		l.InfoContext(ctx, "next pass", "at", e.Next.Format(time.RFC3339))
	case FailureEnded, ObserverOverflowed:
		// For the observer alone.
	}
}

// logSkipped is quiet about what nobody waits for.
func logSkipped(ctx context.Context, l *slog.Logger, e ContainerSkipped) {
	level := slog.LevelDebug
	if e.Stale {
		level = slog.LevelInfo
	}
	l.Log(ctx, level, "skipped", append(about(e.Container), "reason", e.Reason)...)
}

func logCheckFailed(ctx context.Context, l *slog.Logger, e CheckFailed) {
	attrs := []any{"image", e.Reference, "containers", e.Containers}
	if len(e.Services) > 0 {
		attrs = append(attrs, "services", e.Services)
	}
	l.WarnContext(ctx, "check failed", append(attrs, "err", e.Err)...)
}

func logStep(ctx context.Context, l *slog.Logger, e StepStarted) {
	level := slog.LevelDebug
	switch e.Step.Action {
	case "stop", "start", "roll back":
		level = slog.LevelInfo // what the service's users feel
	}
	attrs := []any{"container", e.Step.Container, "image", e.Image}
	if e.Service != "" {
		attrs = append(attrs, "service", e.Service)
	}
	if e.Step.Detail != "" {
		attrs = append(attrs, "detail", e.Step.Detail)
	}
	l.Log(ctx, level, e.Step.Action, attrs...)
}

func logQuota(ctx context.Context, l *slog.Logger, q registry.Quota) {
	attrs := []any{"registry", q.Host, "remaining", q.Remaining}
	if q.Limit > 0 {
		attrs = append(attrs, "limit", q.Limit)
	}
	if q.Window > 0 {
		attrs = append(attrs, "window", q.Window)
	}
	if !q.Reset.IsZero() {
		attrs = append(attrs, "reset", q.Reset.Format(time.RFC3339))
	}
	l.DebugContext(ctx, "registry quota", attrs...)
}

func logHeld(ctx context.Context, l *slog.Logger, e Entry) {
	attrs := append(append(about(e.Container), "digest", e.Latest), append(aboutChange(e), "reason", e.Reason)...)
	if !e.HeldUntil.IsZero() {
		attrs = append(attrs, "until", e.HeldUntil.Format(time.RFC3339))
	}
	l.InfoContext(ctx, "held", attrs...)
}

func logUpdate(ctx context.Context, l *slog.Logger, e Entry) {
	attrs := about(e.Container)
	switch {
	case e.Status == StatusUpdated:
		attrs = append(attrs, "id", lifecycle.Container{ID: e.NewContainerID}.ShortID(), "downtime", e.Downtime.Round(time.Millisecond))
		attrs = append(attrs, aboutChange(e)...)
		if e.Reason != "" {
			attrs = append(attrs, "reason", e.Reason)
		}
		l.InfoContext(ctx, "updated", attrs...)
	case e.Status == StatusRestarted:
		l.InfoContext(ctx, "restarted", append(attrs, "id", lifecycle.Container{ID: e.NewContainerID}.ShortID(), "reason", e.Reason)...)
	case e.Err != nil:
		attrs = append(attrs, "err", e.Err)
		attrs = append(attrs, aboutFailure(e.Failure)...)
		l.ErrorContext(ctx, string(e.Status), attrs...)
	default:
		l.WarnContext(ctx, string(e.Status), append(attrs, "reason", e.Reason)...)
	}
	for _, w := range e.Warnings {
		l.WarnContext(ctx, w, about(e.Container)...)
	}
}

// logHook is quiet about what an update's error will say again, and about an engine
// that can run none.
func logHook(ctx context.Context, l *slog.Logger, e HookEnded) {
	r := e.Result
	attrs := append(about(e.Container), "took", r.Duration.Round(time.Millisecond))
	level, what := slog.LevelDebug, "hook ended"
	switch {
	case r.NotRun != "":
		what, attrs = "hook not run", append(about(e.Container), "reason", r.NotRun)
	case r.Verdict.Err != nil:
		what, attrs = "hook failed", append(attrs, "err", r.Verdict.Err)
		if r.Point != lifecycle.PreUpdate && !errdefs.IsNotImplemented(r.Verdict.Err) {
			level = slog.LevelWarn
		}
	case r.Verdict.Skip != "":
		level, what, attrs = slog.LevelInfo, "hook says not now", append(attrs, "reason", r.Verdict.Skip)
	}
	if r.Output != "" {
		attrs = append(attrs, "output", r.Output)
	}
	l.Log(ctx, level, string(r.Point)+" "+what, attrs...)
}

func logRecovery(ctx context.Context, l *slog.Logger, r lifecycle.Recovery) {
	attrs := []any{"container", r.Name, "outcome", r.Outcome}
	if errdefs.IsConflict(r.Err) { // nothing was cut short, as far as can be seen
		l.InfoContext(ctx, "an update is in another watcher's hand", "container", r.Name)
		return
	}
	if r.Err != nil {
		l.WarnContext(ctx, "an update that was cut short", append(attrs, "err", r.Err)...)
		return
	}
	l.WarnContext(ctx, "recovered an update that was cut short", append(attrs, "id", lifecycle.Container{ID: r.ID}.ShortID())...)
}

func logImage(ctx context.Context, l *slog.Logger, e ImageRemoved) {
	attrs := []any{"image", e.Reference, "id", e.ImageID}
	switch {
	case e.Err != nil:
		l.WarnContext(ctx, "image not removed", append(attrs, "err", e.Err)...)
	case e.Kept != "":
		l.DebugContext(ctx, "image kept", append(attrs, "reason", e.Kept)...)
	default:
		l.InfoContext(ctx, "image removed", attrs...)
	}
}

// aboutFailure is what a failed successor said, where the error does not say it.
func aboutFailure(f *lifecycle.Failure) []any {
	var attrs []any
	if f == nil {
		return attrs
	}
	if f.OOMKilled {
		attrs = append(attrs, "oom_killed", true)
	}
	if f.Probe != "" {
		attrs = append(attrs, "probe", f.Probe)
	}
	if f.Log != "" {
		attrs = append(attrs, "output", f.Log)
	}
	return attrs
}

// aboutChange is what the update means, if that is known.
func aboutChange(e Entry) []any {
	if change := e.Change().String(); change != "" {
		return []any{"change", change}
	}
	return nil
}

func about(c lifecycle.Container) []any {
	out := []any{"container", c.Name, "image", c.Image}
	if mode := c.ServiceMode(); mode != "" {
		out = append(out, "service", mode)
	}
	return out
}
