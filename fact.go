package watchtower

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// EventID names the fact of which an event tells people: 16 hexadecimal digits that are
// the same for the same kind of fact about the same container and digest, or the same
// reference, of the engine of the same name, in every pass and every process. What is
// news each time has another one each time: a container that was replaced, a service that
// was recovered, a failure that is over. Empty for events that tell the course of a pass,
// what was kept, and what is their caller's own affair: a plan that was refused, a call
// that was cancelled.
func EventID(e Event) string {
	f, _ := factOf(e)
	return f.id()
}

// fact is what makes an event the same as an earlier one.
type fact struct {
	// Engine is the name of the one it is about, if that has one.
	Engine string `json:"engine,omitempty"`
	Kind   string `json:"kind"`
	// Container is the key of the container or service it is about, Reference the
	// reference; one about neither is about the pass.
	Container string `json:"container,omitempty"`
	Reference string `json:"reference,omitempty"`
	// What tells it from another one of this kind: a digest as a rule.
	What string `json:"what,omitempty"`
}

// The kinds beside those of an update's end, which are the statuses.
const (
	factFound       = "found"
	factCheckFailed = "check failed"
	factPassFailed  = "pass failed"
	factHookFailed  = " hook failed" // behind the hook's point
	factLabel       = "label "       // before the label
	factMirror      = "mirror "      // before the mirror's host
	factRecovered   = "recovered"
	factLeftover    = "leftover"
	factSelfStarted = "self-update started"
	factEnded       = "ended"
)

func (f fact) id() string {
	if f == (fact{}) {
		return ""
	}
	data, err := json.Marshal(f)
	if err != nil {
		return "" // it is text
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// key is that of the facts of which one at a time is true.
func (f fact) key() string {
	key := f.Kind + ": " + f.Container + f.Reference
	if f.Engine == "" {
		return key
	}
	return f.Engine + "/" + key
}

// failure: somebody waits for it to be over.
func (f fact) failure() bool {
	return f.Kind == string(StatusFailed) || f.Kind == string(StatusRolledBack)
}

// outdated: what was told of a container is not what its entry says.
func (f fact) outdated(e Entry) bool {
	label, of := strings.CutPrefix(f.Kind, factLabel)
	switch {
	case of:
		return e.Container.Labels[label] != f.What
	case f.Kind == factFound, f.Kind == string(StatusHeld):
		return e.Status == StatusFresh || e.Latest != "" && e.Latest != f.What
	}
	return false
}

// settles are the kinds of what is no longer true of a container, once this is.
func (f fact) settles() []string {
	switch {
	case f.Kind == string(StatusUpdated):
		return []string{factFound, string(StatusHeld), string(StatusFailed), string(StatusRolledBack)}
	case f.Kind == factRecovered && f.What != string(lifecycle.OutcomeUnfinished):
		return []string{string(StatusFailed)}
	}
	return nil
}

// factOf is the event's, and when it was; zero if it is none for people.
func factOf(e Event) (fact, time.Time) {
	f, at := bareFact(e)
	if f != (fact{}) {
		f.Engine = EventEngine(e)
	}
	return f, at
}

// bareFact is the same of whichever engine.
func bareFact(e Event) (fact, time.Time) {
	switch e := e.(type) {
	case UpdateFound:
		return entryFact(factFound, e.Entry), e.At
	case UpdateHeld:
		return entryFact(string(StatusHeld), e.Entry), e.At
	case UpdateEnded:
		return endFact(e.Entry), e.At
	case SelfUpdateStarted:
		return entryFact(factSelfStarted, e.Entry), e.At
	case SelfUpdateEnded:
		return endFact(e.Entry), e.At
	case CheckFailed:
		return fact{Kind: factCheckFailed, Reference: e.Reference}, e.At
	case MirrorNoticed:
		return mirrorFact(e), e.At
	case LabelInvalid:
		return fact{Kind: factLabel + e.Label, Container: keyOf(e.Container), What: e.Value}, e.At
	case HookEnded:
		// One before an update fails that, which is a fact of its own.
		if err := e.Result.Verdict.Err; err != nil && e.Result.Point != lifecycle.PreUpdate && !errdefs.IsNotImplemented(err) {
			return hookFact(e), e.At
		}
	case ServiceRecovered:
		return recoveryFact(e), e.At
	case LeftoverFound:
		return fact{Kind: factLeftover, Container: e.Container.Name, What: fmt.Sprint("removed: ", e.Removed)}, e.At
	case PassFailed:
		if !errors.Is(e.Err, context.Canceled) && !errdefs.IsCanceled(e.Err) && !errdefs.IsFailedPrecondition(e.Err) {
			return fact{Kind: factPassFailed, What: className(e.Err)}, e.At
		}
	case FailureEnded:
		return fact{Kind: factEnded, What: e.Failure + " " + stamp(e.Since)}, e.At
	}
	return fact{}, time.Time{}
}

// stamp is a time as it is kept.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func entryFact(kind string, e Entry) fact {
	return fact{Kind: kind, Container: e.key(), What: e.Latest}
}

// endFact: that a container was replaced by this one is said of no other.
func endFact(e Entry) fact {
	f := entryFact(string(e.Status), e)
	if e.replaced() {
		f.What += " " + e.NewContainerID
	}
	return f
}

func hookFact(e HookEnded) fact {
	return fact{Engine: e.Engine, Kind: string(e.Result.Point) + factHookFailed, Container: keyOf(e.Container)}
}

func mirrorFact(e MirrorNoticed) fact {
	return fact{Kind: factMirror + e.Mirror, Reference: e.Reference, What: fmt.Sprint("stale: ", e.Stale)}
}

// recoveryFact: what is unfinished is found so again and again.
func recoveryFact(e ServiceRecovered) fact {
	f := fact{Kind: factRecovered, Container: e.Recovery.Name, What: string(e.Recovery.Outcome)}
	if !unfinished(e.Recovery) {
		f.What += " " + stamp(e.At)
	}
	return f
}
