package registry

import (
	"sync"

	"github.com/opencontainers/go-digest"
)

// turns lets checks of one registry, which come one after the other, use each other's
// answers: one that was waited for by a check is as good for it as its own would be, if
// the question was asked after the check had come. So many Towers that check the same
// images at once cost what one does, and none is told what was true before it asked. It
// serves a registry and its mirrors.
type turns struct {
	mu      sync.Mutex
	came    int // checks, so far
	waiting int // checks that may still want an answer
	own     int // the number of the one whose turn it is
	first   int // how many had come when that began
	given   map[asked]answer
}

// asked is a question: to whom, and about which reference.
type asked struct{ host, reference string }

// answer is what a registry or mirror said, and how many checks had come when it was asked.
type answer struct {
	came   int
	digest digest.Digest
	body   []byte
	err    error
}

// come counts a check in, and returns its number.
func (t *turns) come() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.came++
	t.waiting++
	return t.came
}

// begin is the turn of the check with that number.
func (t *turns) begin(number int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.own, t.first = number, t.came
}

// leave counts it out. Nothing is kept for those that are yet to come.
func (t *turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting--; t.waiting == 0 {
		t.given = nil
	}
}

// fresh tells whether what was asked when so many checks had come is good for this one.
func (t *turns) fresh(came int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return came >= t.own
}

// begun is how many checks had come when the last turn began.
func (t *turns) begun() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.first
}

// now is how many checks have come.
func (t *turns) now() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.came
}

// find returns an answer that is good for the check whose turn it is.
func (t *turns) find(q asked) (answer, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, ok := t.given[q]
	return a, ok && a.came >= t.own
}

// keep holds an answer for those who wait.
func (t *turns) keep(q asked, a answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting < 2 {
		return
	}
	if t.given == nil {
		t.given = map[asked]answer{}
	}
	t.given[q] = a
}
