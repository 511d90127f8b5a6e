package gate

import (
	"context"
	"fmt"
	"time"
)

// Cooldown holds a candidate until this host has known it for the delay: what was
// published by mistake or by a thief is found out within hours, mostly. The clock
// starts when a pass first sees the image under the reference, and again when
// the reference points at another; what the image says of its own age counts for
// nothing. One delay of zero or less holds nothing.
//
// A nil memory is one of this process alone: a restart starts all clocks anew.
func Cooldown(delay time.Duration, memory *Memory) Gate {
	if memory == nil {
		memory = &Memory{}
	}
	return cooldown{delay, memory}
}

type cooldown struct {
	delay  time.Duration
	memory *Memory
}

// Judge holds what is too young. It never rejects. Its error is that of a memory
// that cannot be written: a clock that may start anew for ever would hold for
// ever.
func (g cooldown) Judge(_ context.Context, c Candidate) (Decision, error) {
	if g.delay <= 0 {
		return Decision{}, nil
	}
	first, err := g.memory.FirstSeen(c.Reference+" "+c.Platform, c.content(), c.At)
	if err != nil {
		return Decision{}, err
	}
	until := first.Add(g.delay)
	if !c.At.Before(until) {
		return Decision{}, nil
	}
	return Decision{
		Verdict: Hold, Until: until,
		Reason: fmt.Sprintf("cooling down: first seen %s, to wait %v", first.Format(time.RFC3339), g.delay),
	}, nil
}

// content is what stays the same when only an index around the image moves.
func (c Candidate) content() string {
	if c.ImageID != "" {
		return c.ImageID
	}
	return c.Digest
}
