package watchtower

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/internal/statefile"
)

const (
	// onceFile is the name in the state directory.
	onceFile = "told.json"
	// onceMost bounds what is kept: far more than the facts about one engine. Of more
	// the oldest are forgotten, and told again.
	onceMost = 10_000
)

// Once hands each fact (see EventID) on to the observer once, however many passes find
// it so; events without an ID it hands on as they come. A fact that has stopped being
// true is told when it is true again: of each digest a container could move to, and once
// more of one that it had moved on from; of each failure that follows one that is over,
// which is told by FailureEnded. What is told of a container that is gone is forgotten.
//
// With a directory it remembers, in the file told.json there, beyond this process: what
// was told by the end of a pass is not told again by the next process, and what a crash
// cut short is. Several observers that are to share it stand behind one Once, and one Once
// may be given to several Towers whose engines have names (see WithEngineName). Empty: in
// memory only. A file that is damaged, and one that cannot be written any more, is told
// to warn, which may be nil; what it held is told once more at most. A directory that is
// not there or cannot be written, and no observer, are errors of class InvalidArgument.
func Once(dir string, o Observer, warn func(error)) (Observer, error) {
	if o == nil {
		return nil, invalid("Once", "nil", "an Observer")
	}
	if warn == nil {
		warn = func(error) {}
	}
	out := &once{observer: o, warn: warn, facts: map[string]told{}, changed: map[string]bool{}, noticed: map[string]map[string]bool{}}
	if dir != "" {
		if err := out.kept.Open(dir, onceFile, warn); err != nil {
			return nil, errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("watchtower: Once: %w", err))
		}
	}
	out.load()
	return out, nil
}

// told is a fact that the observer knows.
type told struct {
	fact
	At time.Time `json:"at"`
	// Containers are the keys of a reference's.
	Containers []string `json:"containers,omitempty"`
}

// once is the Observer that Once makes.
type once struct {
	observer Observer
	warn     func(error)
	kept     statefile.Map[told]

	mu      sync.Mutex
	facts   map[string]told            // by key; kept, as it was when the pass began, with what was changed since
	changed map[string]bool            // the keys of what was
	noticed map[string]map[string]bool // by engine: in its pass in hand
}

// Observe hands the event on if it is news. What the observer panics at it was not told.
func (o *once) Observe(ctx context.Context, e Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e := e.(type) {
	case PassStarted:
		o.noticed[e.Engine] = map[string]bool{}
		o.load()
	case HookEnded:
		if e.Result.NotRun == "" && e.Result.Verdict.Err == nil {
			o.ended(ctx, hookFact(e).key(), e.At)
		}
	case PassEnded:
		o.review(ctx, e)
	}
	f, at := factOf(e)
	known, same := o.facts[f.key()]
	if same = same && known.What == f.What; !same {
		o.observer.Observe(ctx, e)
	}
	if f != (fact{}) {
		o.remember(e, f, at, known, same)
	}
	switch e.(type) {
	case PassEnded, PassFailed, PassScheduled:
		o.save()
	}
}

func (o *once) remember(e Event, f fact, at time.Time, known told, same bool) {
	now := told{fact: f, At: at}
	if same {
		now.At = known.At
	}
	if e, ok := e.(CheckFailed); ok {
		now.Containers = e.keys()
	}
	if noticed := o.noticed[f.Engine]; noticed != nil {
		noticed[f.key()] = true
	}
	if !same || !slices.Equal(now.Containers, known.Containers) {
		o.facts[f.key()], o.changed[f.key()] = now, true
	}
	for _, kind := range f.settles() {
		o.forget(fact{Engine: f.Engine, Kind: kind, Container: f.Container}.key())
	}
}

func (o *once) forget(key string) {
	if _, ok := o.facts[key]; ok {
		delete(o.facts, key)
		o.changed[key] = true
	}
}

// ended tells that a failure is over, if it was told.
func (o *once) ended(ctx context.Context, key string, at time.Time) {
	t, ok := o.facts[key]
	if !ok {
		return
	}
	e := FailureEnded{At: at, Engine: t.Engine, Failure: t.id(), Since: t.At, What: t.Kind, Reference: t.Reference}
	if t.Container != "" {
		e.Containers, e.Services = apart(t.Container)
	} else {
		e.Containers, e.Services = apart(t.Containers...)
	}
	o.observer.Observe(ctx, e)
	o.forget(key)
}

// review finds what is no longer true of the engine of the pass.
func (o *once) review(ctx context.Context, e PassEnded) {
	entries := map[string]Entry{}
	for _, entry := range e.Report.Entries {
		entries[entry.key()] = entry
	}
	for _, key := range slices.Sorted(maps.Keys(o.facts)) {
		t := o.facts[key]
		switch entry, there := entries[t.Container]; {
		case t.Engine != e.Engine:
		case t.Kind == factPassFailed:
			o.ended(ctx, key, e.At)
		case o.noticed[e.Engine][key], e.Report.Partial: // the latter has not seen all
		case t.Reference != "":
			o.reviewReference(ctx, key, e.At, entries)
		case !there:
			o.forget(key)
		case t.failure() && entry.Status == StatusFresh && !entry.OutOfDate:
			o.ended(ctx, key, e.At)
		case t.outdated(entry):
			o.forget(key)
		}
	}
}

// reviewReference: a registry has answered if somebody's entry says what. What nobody
// follows any more is forgotten.
func (o *once) reviewReference(ctx context.Context, key string, at time.Time, entries map[string]Entry) {
	t := o.facts[key]
	used := false
	for _, of := range t.Containers {
		entry, there := entries[of]
		if used = used || there; entry.Latest != "" {
			o.ended(ctx, key, at)
			return
		}
	}
	if !used {
		o.forget(key)
	}
}

// load takes in what other processes keep in the same file.
func (o *once) load() {
	err := o.kept.Look(func(kept map[string]told) {
		now := maps.Clone(kept)
		if now == nil {
			now = map[string]told{}
		}
		o.bring(now)
		o.facts = now
	})
	if err != nil {
		o.warn(fmt.Errorf("watchtower: what was told: %w", err))
	}
}

// bring makes the changes to what is kept.
func (o *once) bring(kept map[string]told) {
	for key := range o.changed {
		if t, ok := o.facts[key]; ok {
			kept[key] = t
		} else {
			delete(kept, key)
		}
	}
}

// save keeps what was changed; after an error in memory, until the next try.
func (o *once) save() {
	if len(o.changed) == 0 {
		return
	}
	err := o.kept.Change(func(kept map[string]told) {
		o.bring(kept)
		if len(kept) <= onceMost {
			return
		}
		oldest := slices.SortedFunc(maps.Keys(kept), func(a, b string) int { return kept[a].At.Compare(kept[b].At) })
		for _, key := range oldest[:len(kept)-onceMost] {
			delete(kept, key)
		}
	})
	if err != nil {
		o.warn(fmt.Errorf("watchtower: what was told: %w", err))
		return
	}
	clear(o.changed)
}
