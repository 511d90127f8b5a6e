package lifecycle

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
)

// DefaultStableTime is how long a container without a health check must stay up
// to be taken for good.
const DefaultStableTime = 3 * time.Second

// What Docker takes where a health check leaves a field out.
const (
	defaultHealthInterval = 30 * time.Second
	defaultHealthTimeout  = 30 * time.Second
	defaultHealthRetries  = 3
)

// healthSlack is for the engine's own time between a probe and its verdict.
const healthSlack = 5 * time.Second

// LabelStableTime sets, for one container, how long its successor must stay up to
// be good, as a number of seconds or a Go duration. It holds beside a health
// check as well: the container must be healthy then.
const LabelStableTime = labelPrefix + "stable-time"

// pollInterval is how often a verification looks.
const pollInterval = 200 * time.Millisecond

// verify waits until the container has proven itself. With a health check:
// until it is healthy, at most start period + retries × (interval + timeout).
// Without: until it has been up for the stable time. A restart on the way, an
// exit other than 0 and "unhealthy" are failures; a clean end is a one-shot's
// success. With the label it must have been up for that time in any case. Its
// probe must pass meanwhile, if its predecessor was running. It may have restarted
// the given number of times before; -1 takes the first look's.
func (r *recreator) verify(ctx context.Context, id string, was letter, restarts int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // of the probe as well
	snap, err := r.inspect(ctx, id)
	if err != nil {
		return err
	}
	t, err := r.begin(ctx, snap, was)
	if err != nil {
		return err
	}
	if restarts < 0 {
		restarts = snap.Status.RestartCount
	}
	for {
		if done, err := t.verdict(snap, restarts); done {
			return err
		}
		select {
		case <-ctx.Done():
			return cutShort(ctx)
		case err := <-t.asked:
			if err != nil {
				return err
			}
			t.asked = nil
		case <-time.After(pollInterval):
		}
		if snap, err = r.inspect(ctx, id); err != nil {
			if ctx.Err() != nil {
				return cutShort(ctx)
			}
			return err
		}
	}
}

// trial is one verification, and what it is judged by.
type trial struct {
	since, deadline time.Time
	stable, least   time.Duration
	asked           <-chan error // nil: there is no probe, or it has passed
}

func (r *recreator) begin(ctx context.Context, snap Snapshot, was letter) (trial, error) {
	least, err := durationLabel(snap.Labels, LabelStableTime)
	if err != nil {
		return trial{}, err
	}
	asked, err := r.asking(ctx, snap, was)
	now := time.Now()
	return trial{
		since: now, deadline: now.Add(healthDeadline(snap.Config.Object("Healthcheck")) + healthSlack + least),
		stable: cmp.Or(least, r.stable), least: least, asked: asked,
	}, err
}

// verdict is what a look means, once it is done.
func (t trial) verdict(snap Snapshot, restarts int) (done bool, err error) {
	good, err := judge(snap, restarts)
	if err != nil || !snap.State.Up() { // the latter, without an error, is a one-shot
		return true, err
	}
	up, health := time.Since(t.since), snap.Status.Health
	switch {
	case t.asked == nil && (good && up >= t.least || health == "" && up >= t.stable):
		return true, nil
	case !good && health != "" && time.Now().After(t.deadline):
		return true, fmt.Errorf("health is still %q after %v%s", health, up.Round(time.Second), lastProbe(snap))
	}
	return false, nil
}

func cutShort(ctx context.Context) error {
	return fmt.Errorf("verification cut short: %w", context.Cause(ctx))
}

// durationLabel reads a label that holds a time; 0 if there is none.
func durationLabel(labels map[string]string, label string) (time.Duration, error) {
	text, ok := labels[label]
	if !ok {
		return 0, nil
	}
	if accepted, ok := LabelAccepts(label, text); !ok {
		return 0, precondition("label %s: %q: want %s", label, text, accepted)
	}
	d, _ := parseTime(text)
	return d, nil
}

// judge is what one look can tell: good, bad, or not yet.
func judge(snap Snapshot, restarts int) (good bool, err error) {
	st := snap.Status
	switch {
	case snap.State == StateRunning && st.RestartCount > restarts:
		return false, errors.New("it restarts") // what it exited with is forgotten
	case snap.State == StateRestarting, st.RestartCount > restarts:
		return false, fmt.Errorf("it restarts: exit code %d%s", st.ExitCode, oom(st))
	case st.Health == "unhealthy":
		return false, errors.New("it is unhealthy" + lastProbe(snap))
	case st.Health == "healthy":
		return true, nil
	case snap.State == StateExited && st.ExitCode == 0 && st.Error == "":
		return true, nil
	case !snap.State.Up():
		return false, fmt.Errorf("it is %s: exit code %d%s%s", snap.State, st.ExitCode, oom(st), withText(st.Error))
	}
	return false, nil
}

func oom(st Status) string {
	if st.OOMKilled {
		return ", out of memory"
	}
	return ""
}

func lastProbe(snap Snapshot) string { return withText(snap.Status.HealthLog) }

func withText(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	return ": " + s
}

// healthDeadline is the longest a container may be "starting".
func healthDeadline(check Document) time.Duration {
	field := func(key string, fallback time.Duration) time.Duration {
		if n, ok := number(check[key]); ok && n > 0 {
			return time.Duration(n)
		}
		return fallback
	}
	retries := int64(defaultHealthRetries)
	if n, ok := number(check["Retries"]); ok && n > 0 {
		retries = n
	}
	return field("StartPeriod", 0) +
		time.Duration(retries)*(field("Interval", defaultHealthInterval)+field("Timeout", defaultHealthTimeout))
}

func number(v any) (int64, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Int64()
		return n, err == nil
	case float64:
		return int64(v), true
	case int:
		return int64(v), true
	default:
		return 0, false
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// stillGood is the last look before the point of no return.
func (r *recreator) stillGood(ctx context.Context, id string, want letter) error {
	snap, err := r.inspect(ctx, id)
	if errdefs.IsNotFound(err) {
		return errors.New("it is gone")
	}
	if err != nil {
		return err
	}
	oneShot := snap.State == StateExited && snap.Status.ExitCode == 0
	if want == wasPaused && snap.State != StatePaused && !oneShot || !snap.State.Up() && !oneShot {
		return fmt.Errorf("it is %s", snap.State)
	}
	return nil
}
