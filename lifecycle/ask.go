package lifecycle

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
)

const (
	// probeInterval is between the end of one try and the next.
	probeInterval = time.Second
	// answerBytes is what is kept of an answer's text: with the status before it
	// that is no more than probeBytes.
	answerBytes = probeBytes - 64
)

var errNoExecer = precondition("exec probe: this engine cannot run commands in containers")

// notPassed is a probe that did not pass in its time.
type notPassed struct {
	container string // the ID
	probe     Probe
	answer    string // to the last try
	within    time.Duration
}

func (e *notPassed) Error() string {
	return fmt.Sprintf("probe %s: %s (tried for %v)", e.probe, e.answer, e.within)
}

// askable refuses, before anything is touched, a probe that this engine or this
// process has no way to make, or that who stands between them denies.
func (r *recreator) askable(ctx context.Context, snap Snapshot, p Probe) error {
	if p.command != nil {
		if _, ok := r.engine.(Execer); !ok {
			return errNoExecer
		}
		return r.allowed(ctx, "exec probe", Needs{Exec: true})
	}
	if p.url == nil {
		return nil
	}
	_, err := r.addressee(ctx, snap)
	return err
}

// asking begins to make a container's probe, if there is one to make, and returns
// where its outcome will be told. What is not to run is not asked.
func (r *recreator) asking(ctx context.Context, snap Snapshot, was letter) (<-chan error, error) {
	probe, within, err := r.probeOf(snap.Labels)
	if err != nil || probe.none() || was != wasRunning {
		return nil, err
	}
	asked := make(chan error, 1)
	go func() { asked <- r.ask(ctx, snap.ID, probe, within) }()
	return asked, nil
}

// ask tries a probe until it passes, for as long as it may take.
func (r *recreator) ask(ctx context.Context, id string, p Probe, within time.Duration) error {
	timed, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	try := r.tryAddresses
	if p.command != nil {
		try = r.tryCommand
	}
	answer := "no answer"
	for {
		err := try(timed, id, p)
		if err == nil {
			return nil
		}
		if errdefs.IsPermissionDenied(err) {
			return fmt.Errorf("probe %s: %w", p, err) // nothing of the container's, and it will be so the next time
		}
		if timed.Err() == nil { // else it was cut short, and the one before tells more
			answer = end(err.Error(), probeBytes)
		}
		if sleep(timed, probeInterval) == nil {
			continue
		}
		if ctx.Err() != nil {
			return cutShort(ctx)
		}
		return &notPassed{id, p, answer, within}
	}
}

// tryCommand has all the time of its probe: the engine may not be able to end a
// command, and those begun every few seconds would heap up.
func (r *recreator) tryCommand(ctx context.Context, id string, p Probe) error {
	execer, ok := r.engine.(Execer)
	if !ok {
		return errNoExecer
	}
	result, err := execer.Exec(ctx, id, ExecOptions{Command: p.command})
	if err != nil || result.ExitCode == 0 {
		return err
	}
	output := strings.TrimSpace(strings.ToValidUTF8(result.Output, ""))
	return fmt.Errorf("exit code %d%s", result.ExitCode, withText(end(output, answerBytes)))
}
