package gate

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// The labels by which a container says what is to hold for it.
const (
	// WindowLabel is its window, as ParseWindow reads it.
	WindowLabel = "com.centurylinklabs.watchtower.window"
	// CooldownLabel is its cooldown, as ParseDelay reads it; "0" is none.
	CooldownLabel = "com.centurylinklabs.watchtower.cooldown-delay"
)

// WithinByLabel is Within the window that a container's WindowLabel says; those
// without one, or with an empty one, are judged by the other gate, or move at any
// time if that is nil. A label of "00:00-24:00" is at any time, too. One that cannot
// be read holds the container, with the reason: it was meant to keep it from
// something.
func WithinByLabel(otherwise Gate) Gate {
	if otherwise == nil {
		otherwise = All()
	}
	return Func(func(ctx context.Context, c Candidate) (Decision, error) {
		text := labelOf(c, WindowLabel)
		if text == "" {
			return otherwise.Judge(ctx, c)
		}
		w, err := ParseWindow(text)
		if err != nil {
			return unreadable(WindowLabel, err), nil
		}
		return Within(w).Judge(ctx, c)
	})
}

// CooldownByLabel is a Cooldown of what a container's CooldownLabel says, and of the
// delay for those without one, or with an empty one. One that cannot be read counts
// as none at all, and the reason of the hold tells of it; where the delay is none,
// too, it holds the container until it is mended. A nil memory is one of this process
// alone.
func CooldownByLabel(delay time.Duration, memory *Memory) Gate {
	if memory == nil {
		memory = &Memory{}
	}
	return Func(func(ctx context.Context, c Candidate) (Decision, error) {
		text := labelOf(c, CooldownLabel)
		if text == "" {
			return Cooldown(delay, memory).Judge(ctx, c)
		}
		own, bad := ParseDelay(text)
		switch {
		case bad == nil:
			return Cooldown(own, memory).Judge(ctx, c)
		case delay <= 0:
			return unreadable(CooldownLabel, bad), nil
		}
		d, err := Cooldown(delay, memory).Judge(ctx, c)
		if !d.Accepted() {
			d.Reason += "; " + unreadable(CooldownLabel, bad).Reason
		}
		return d, err
	})
}

func labelOf(c Candidate, label string) string { return strings.TrimSpace(c.Container.Labels[label]) }

func unreadable(label string, err error) Decision {
	return Decision{Verdict: Hold, Reason: fmt.Sprintf("label %s: %v", label, err)}
}
