package notify

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/watchtower-go/watchtower/internal/statefile"
)

// leased is how long a parcel belongs to the process that put it, or tried it last: more
// than the quick tries take. What a process that crashed has left is another's after that.
const leased = 10 * time.Minute

// parcel is a message that its service has not taken yet.
type parcel struct {
	Title string    `json:"title,omitempty"`
	Text  string    `json:"text"`
	At    time.Time `json:"at"`
	// Refused is how often it was, all the quick tries being once.
	Refused int `json:"refused,omitempty"`
	// Next is when it is tried again, if it was refused.
	Next time.Time `json:"next,omitzero"`
	// Until is how long it is one process's; zero for one that is not in the file.
	Until time.Time `json:"until,omitzero"`

	fleeting bool // not to be kept
}

// outbox holds one service's parcels, and keeps them in a file if it has one, for the
// next process. Several processes may have the same file: a parcel is one's at a time.
// Keys are in the order in which the parcels were made. Errors cost no parcel, but the
// next process may not know it, or not that it was delivered: warn is told.
type outbox struct {
	file statefile.Map[parcel]
	kept bool
	warn func(error)

	mu   sync.Mutex
	mine map[string]parcel
	made int
	// others is when the first of other processes' is free; zero: they have none.
	others time.Time
}

// open begins to keep them in the file of that name.
func (o *outbox) open(dir, name string) error {
	o.kept = true
	return o.file.Open(dir, name, o.warn)
}

// add takes parcels in, if there is room, and returns those for which there is none.
func (o *outbox) add(parcels []parcel) (lost []parcel) {
	o.mu.Lock()
	defer o.mu.Unlock()
	size := 0
	for _, p := range o.mine {
		size += len(p.Text)
	}
	added, lasting := map[string]parcel{}, map[string]parcel{}
	for _, p := range parcels {
		if size += len(p.Text); len(o.mine)+len(added) >= mostWaiting || size > mostWaitingText {
			size -= len(p.Text)
			lost = append(lost, p)
			continue
		}
		o.made++
		key := fmt.Sprintf("%s %06d %s", p.At.UTC().Format("2006-01-02T15:04:05.000000000"), o.made, rand.Text())
		added[key] = p
		if !p.fleeting {
			p.Until = time.Now().Add(leased)
			lasting[key] = p
		}
	}
	if len(lasting) > 0 && o.change(func(file map[string]parcel) { maps.Copy(file, lasting) }) {
		maps.Copy(added, lasting)
	}
	maps.Copy(o.mine, added)
	return lost
}

// adopt takes over what no process has any more, to be tried at once.
func (o *outbox) adopt() {
	o.mu.Lock()
	defer o.mu.Unlock()
	free := func(p parcel) bool { return !p.Until.After(time.Now()) }
	some := false
	o.others = time.Time{}
	_ = o.file.Look(func(file map[string]parcel) { // else at another time
		for key, p := range file {
			if _, mine := o.mine[key]; mine {
				continue
			}
			some = some || free(p)
			if o.others.IsZero() || p.Until.Before(o.others) {
				o.others = p.Until
			}
		}
	})
	if !some {
		return
	}
	adopted := map[string]parcel{}
	if o.change(func(file map[string]parcel) {
		for key, p := range file {
			if _, mine := o.mine[key]; !mine && free(p) {
				p.Next, p.Until = time.Time{}, time.Now().Add(leased)
				file[key], adopted[key] = p, p
			}
		}
	}) {
		maps.Copy(o.mine, adopted)
	}
}

// any tells whether the file has some, whoever's.
func (o *outbox) any() bool {
	some := false
	_ = o.file.Look(func(file map[string]parcel) { some = len(file) > 0 }) // it was opened just now
	return some
}

// keys are those of this process's parcels, the oldest first, and whether one of them is
// new.
func (o *outbox) keys() (keys []string, fresh bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.mine {
		fresh = fresh || p.Refused == 0
	}
	return slices.Sorted(maps.Keys(o.mine)), fresh
}

// next is how long nothing is due, and nothing to adopt.
func (o *outbox) next() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	wait := slowest
	for _, p := range o.mine {
		wait = min(wait, time.Until(p.Next))
	}
	if !o.others.IsZero() {
		wait = min(wait, max(time.Until(o.others), leased/10))
	}
	return wait
}

func (o *outbox) get(key string) (p parcel, here bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p, here = o.mine[key]
	return p, here
}

// take finds a parcel that is to be tried, unless it was delivered meanwhile, or is
// another process's.
func (o *outbox) take(key string) (p parcel, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p, ok = o.mine[key]; !ok || p.Until.IsZero() || !o.kept {
		return p, ok
	}
	until := time.Now().Add(leased)
	if o.change(func(file map[string]parcel) {
		kept, there := file[key]
		if ok = there && kept.Until.Equal(p.Until); ok {
			kept.Until = until
			file[key] = kept
		}
	}) {
		p.Until = until
	} else {
		ok = true // who knows: better twice
	}
	if o.mine[key] = p; !ok {
		delete(o.mine, key)
	}
	return p, ok
}

// put keeps what has become of a parcel, if it is still here.
func (o *outbox) put(key string, p parcel) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, here := o.mine[key]; !here {
		return
	}
	if o.mine[key] = p; !p.Until.IsZero() {
		o.change(func(file map[string]parcel) {
			if kept, there := file[key]; there && kept.Until.Equal(p.Until) {
				file[key] = p
			}
		})
	}
}

// remove is for what was delivered, or is given up.
func (o *outbox) remove(key string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p, here := o.mine[key]; here && !p.Until.IsZero() {
		o.change(func(file map[string]parcel) { delete(file, key) })
	}
	delete(o.mine, key)
}

// release leaves what is here to the next process, and returns what none will know of.
func (o *outbox) release() (left, lost []parcel) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := o.kept && o.change(func(file map[string]parcel) {
		for key, p := range o.mine {
			if !p.Until.IsZero() {
				p.Until = time.Time{}
				file[key] = p
			}
		}
	})
	for _, key := range slices.Sorted(maps.Keys(o.mine)) {
		if p := o.mine[key]; kept && !p.Until.IsZero() {
			left = append(left, p)
		} else {
			lost = append(lost, p)
		}
	}
	return left, lost
}

// change changes the file, if there is one, and tells whether it could.
func (o *outbox) change(f func(map[string]parcel)) bool {
	if !o.kept {
		return true
	}
	if err := o.file.Change(f); err != nil {
		o.warn(fmt.Errorf("what is not delivered yet: %w", err))
		return false
	}
	return true
}
