package enginetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// caseWithin bounds one case, which is a few calls; goneAfter is how much later a call
// that ignores the end of its context is given up.
const (
	caseWithin = time.Minute
	goneAfter  = 5 * time.Second
)

// Harness tells Conform what to try, and what not to expect.
type Harness struct {
	// New gives each case what it works on; the engine may be the same for all of
	// them. Cases are made one after the other.
	New func(t *testing.T) Subject
	// Cannot names the cases that this engine cannot pass, each with the reason.
	// They are made all the same: one that passes does not belong here, and is a
	// failure, so that the list stays true.
	Cannot map[string]string
	// Within bounds each case; 0: a minute. A call that does not return, and one that
	// panics, is a finding like any other.
	Within time.Duration
}

// Subject is an engine with what the cases need around it. What is left out
// fails the cases that need it: name them in Cannot.
type Subject struct {
	// Engine is what is tried. It may have other containers and images: those the
	// cases make are named "conform-…", and are removed again.
	Engine lifecycle.Engine
	// Images are in its reach.
	Images Images
	// Networks are the names of two networks that containers can join.
	Networks []string
	// Volumes lists the names of all volumes there are.
	Volumes func() []string
	// CleanUp removes volumes, and references that were added by Tag, which an
	// Engine cannot; nil: they need no removing.
	CleanUp func(volumes, references []string)
	// Gone is an engine of the same kind that does not answer.
	Gone lifecycle.Engine
	// Dead makes a "dead" container of one that does not run: one whose removal
	// failed half way, and would now succeed.
	Dead func(container string)
}

// Images are references, with a tag, that the engine can pull; Conform pulls
// those that are not there. Nobody else may use Spare.
type Images struct {
	// Runs runs until it is stopped, and then ends at once with exit code 0.
	// It writes the line "out" to its standard output and "err" to its standard
	// error once it listens to signals, and has the label "conform" with the value
	// "image".
	Runs string
	// Volume does as well, and declares a volume at /data.
	Volume string
	// Healthy does as well, and has a health check that finds it healthy within
	// seconds.
	Healthy string
	// Stubborn runs as well, but ignores its stop signal; at SIGHUP it ends with
	// exit code 7.
	Stubborn string
	// Exits ends by itself, at once, with exit code 3.
	Exits string
	// Broken can be created but not started.
	Broken string
	// Spare is like Runs, and its content is no other image's: it is removed.
	Spare string
	// Missing is what its registry does not have.
	Missing string
	// BreaksOff begins to be pulled, and then fails.
	BreaksOff string
	// Private is pulled with Login, and by nobody else.
	Private string
	Login   credentials.Credential
	// Asks is a command that, in a container of Runs, writes the line "answer" and
	// ends with exit code 7; Hangs one that does not end by itself.
	Asks, Hangs []string
}

// Finding is what came of one case.
type Finding struct {
	// Case is its name: "create/taken name".
	Case string
	// Cannot is the Harness's reason for not expecting it; empty: it is expected.
	Cannot string
	// Seen is what did not hold; empty: the case passed.
	Seen []string
}

// Conform proves that an engine keeps what lifecycle.Engine, and the abilities
// beyond it, promise. Each case is a subtest, and says in its log why it cannot
// be had where it cannot. The same findings are returned for a table of one's
// own.
//
// It uses the standard library's testing alone.
func Conform(t *testing.T, h Harness) []Finding {
	t.Helper()
	var out []Finding
	unknown := maps.Clone(h.Cannot)
	for _, one := range cases() {
		delete(unknown, one.name)
		t.Run(one.name, func(t *testing.T) {
			f := Finding{Case: one.name, Cannot: h.Cannot[one.name]}
			f.Seen = try(t, h.New(t), one, cmp.Or(h.Within, caseWithin))
			out = append(out, f)
			f.tell(t)
		})
	}
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		t.Errorf("Cannot names a case that there is not: %q", name)
	}
	return out
}

// tell is the case's verdict.
func (f Finding) tell(t *testing.T) {
	t.Helper()
	switch {
	case f.Cannot == "":
		for _, text := range f.Seen {
			t.Error(text)
		}
	case len(f.Seen) == 0:
		t.Errorf("it is listed as impossible (%s), but it can: take it off the list", f.Cannot)
	default:
		t.Logf("CANNOT: %s", f.Cannot)
		for _, text := range f.Seen {
			t.Logf("seen: %s", text)
		}
	}
}

// try makes one case, cleans up after it, and returns what did not hold.
func try(t *testing.T, s Subject, one oneCase, within time.Duration) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	c := &trial{Subject: s}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil && r != any(enough{}) {
				c.seen = append(c.seen, fmt.Sprintf("it panicked: %v", r))
			}
		}()
		one.run(ctx, c)
	}()
	select {
	case <-done:
	case <-time.After(within + goneAfter):
		return []string{fmt.Sprintf("a call has not returned after %v, and has ignored its context", within+goneAfter)}
	}
	for _, err := range c.cleanUp(context.WithoutCancel(ctx)) {
		t.Errorf("clean up: %v", err)
	}
	return c.seen
}
