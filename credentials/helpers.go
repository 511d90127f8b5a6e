package credentials

import (
	"context"
	"sync"
	"time"
)

// answerKept is how long a helper's answer, or its failure, is good for. A check
// asks once for each repository, while a helper knows registries only: without
// it a hundred repositories are a hundred runs, and a helper that hangs holds
// the check up a hundred times. Somebody who has just logged in waits no longer
// than this.
const answerKept = 30 * time.Second

// helpers asks helpers, one run at a time for each registry.
type helpers struct {
	timeout time.Duration

	mu    sync.Mutex
	lines map[question]*line
}

type question struct{ name, server string }

// line is where those stand who ask one question.
type line struct {
	turn  chan struct{} // holds one while its owner asks
	login Credential
	err   error
	until time.Time
}

func newHelpers(timeout time.Duration) *helpers {
	if timeout <= 0 {
		timeout = DefaultHelperTimeout
	}
	return &helpers{timeout: timeout, lines: map[question]*line{}}
}

func (h *helpers) ask(ctx context.Context, name, host string) (Credential, error) {
	q := question{name, serverURL(host)}
	h.mu.Lock()
	l := h.lines[q]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		h.lines[q] = l
	}
	h.mu.Unlock()
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return Credential{}, context.Cause(ctx)
	}
	if time.Now().Before(l.until) {
		return l.login, l.err
	}
	login, err := get(ctx, q.name, q.server, h.timeout)
	if ctx.Err() == nil { // what a caller broke off is no answer
		l.login, l.err, l.until = login, err, time.Now().Add(answerKept)
	}
	return login, err
}
