package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// question is a Query on its way.
type question struct {
	query   Query
	ref     Reference
	verdict *Verdict

	body      []byte   // of what moved, where it was read
	platforms []string // of what moved, where somebody wants to know
}

// Check answers the queries, those of different registries independently of
// each other.
func (c *Client) Check(ctx context.Context, queries []Query) []Verdict {
	verdicts := make([]Verdict, len(queries))
	hosts := map[*host][]*question{}
	for i, q := range queries {
		verdicts[i].Reference = q.Reference
		ref, err := Parse(q.Reference)
		if err != nil {
			verdicts[i].Err = err
			continue
		}
		h := c.host(ref)
		hosts[h] = append(hosts[h], &question{query: q, ref: ref, verdict: &verdicts[i]})
	}
	var group sync.WaitGroup
	for h, questions := range hosts {
		group.Go(func() { h.check(ctx, questions) })
	}
	group.Wait()
	return verdicts
}

// check answers one registry's questions. The first goes alone: it shows how the
// registry wants to be asked now, whether what was learned of it still holds,
// and whether it is there at all. So none of that is found out many times.
func (h *host) check(ctx context.Context, questions []*question) {
	number := h.turns.come()
	defer h.turns.leave()
	repositories := make([]string, 0, len(questions))
	for _, q := range questions {
		if !slices.Contains(repositories, q.ref.Repository) {
			repositories = append(repositories, q.ref.Repository)
		}
	}
	began := h.inTurn(ctx, number, repositories, questions, func() {
		for _, each := range append([]*host{h}, h.mirrors...) {
			each.begin()
			each.locate(ctx)
		}
		h.answer(ctx, questions[0])
	})
	if !began {
		return
	}
	h.resolveAll(ctx, number, repositories, questions[:1])
	h.inTurn(ctx, number, repositories, questions[1:], func() {
		h.each(questions[1:], func(q *question) { h.answer(ctx, q) })
	})
	h.resolveAll(ctx, number, repositories, questions[1:])
}

// resolveAll reads what moved. While an engine is asked for its platforms, which may
// hang, the registry is there for other checks.
func (h *host) resolveAll(ctx context.Context, number int, repositories []string, questions []*question) {
	var moved []*question
	for _, q := range questions {
		if v := q.verdict; v.Err == nil && q.query.Platforms != nil && !slices.Contains(q.query.Known, v.Digest) {
			moved = append(moved, q)
		}
	}
	h.each(moved, func(q *question) {
		var err error
		if q.platforms, err = q.query.Platforms(ctx); err != nil {
			q.fail(err)
		}
	})
	moved = slices.DeleteFunc(moved, func(q *question) bool { return q.verdict.Err != nil })
	h.inTurn(ctx, number, repositories, moved, func() {
		h.each(moved, func(q *question) {
			var err error
			if q.verdict.Images, err = h.resolve(ctx, q, q.body, q.platforms); err != nil {
				q.fail(err)
			}
		})
	})
}

// inTurn works on questions while no other check asks the registry. The check before
// this one may have more time than this one: then they are unanswered.
func (h *host) inTurn(ctx context.Context, number int, repositories []string, questions []*question, work func()) bool {
	if len(questions) == 0 {
		return false
	}
	if err := h.busy.Acquire(ctx, 1); err != nil {
		for _, q := range questions {
			q.fail(unanswered(ctx, "head", q.ref, err))
		}
		return false
	}
	defer h.busy.Release(1)
	h.turns.begin(number)
	for _, each := range append([]*host{h}, h.mirrors...) {
		each.mu.Lock()
		each.repositories = repositories
		each.mu.Unlock()
	}
	work()
	return true
}

// each works on the questions, as many at once as the registry gets requests.
func (h *host) each(questions []*question, work func(*question)) {
	var group errgroup.Group
	group.SetLimit(h.limit())
	for _, q := range questions {
		group.Go(func() error {
			work(q)
			return nil
		})
	}
	_ = group.Wait() // errors stand in the verdicts
}

// fail leaves a verdict without an answer.
func (q *question) fail(err error) { *q.verdict = Verdict{Reference: q.query.Reference, Err: err} }

// limit is how many requests the registry gets at once.
func (h *host) limit() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.client.perHost
	if !h.multiplex {
		n = min(n, h.client.connections)
	}
	return max(1, min(n, h.client.total/2))
}

// answer fills in what a reference points at, and who says so.
func (h *host) answer(ctx context.Context, q *question) {
	var err error
	from, v := h, q.verdict
	if v.Digest, q.body, err = h.tell(ctx, q.ref); err != nil {
		if v.Digest, from = h.substitute(ctx, q, &err); from == nil {
			v.Err = err
			return
		}
		v.OriginErr = err
	}
	v.Endpoint = from.name
	if from == h && !slices.Contains(q.query.Known, v.Digest) {
		v.StaleMirror = h.stale(ctx, q)
	}
}

// tell is what the reference points at, if the registry may be asked.
func (h *host) tell(ctx context.Context, ref Reference) (digest.Digest, []byte, error) {
	if err := h.closed(ref); err != nil {
		return "", nil, err
	}
	question := asked{h.name, ref.String()}
	if h.mirror != nil {
		question.host = h.mirror.String() // one engine's may speak TLS, another's of the same name not
	}
	if known, ok := h.turns.find(question); ok {
		return known.digest, known.body, known.err
	}
	said := answer{came: h.turns.now()}
	if said.digest, said.body, said.err = h.current(ctx, ref); said.err != nil {
		said.err = h.explain(ref, said.err)
	} else if h.name == Hub {
		h.client.hubTold.Store(true)
	}
	if ctx.Err() == nil { // else it may be for want of time, of which another check has more
		h.turns.keep(question, said)
	}
	return said.digest, said.body, said.err
}

// closed is why the registry is not asked just now: it set a time, or it showed
// at another question of this check that it answers none.
func (h *host) closed(ref Reference) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().Before(h.postponed) {
		return &Error{
			Op: "head", Host: ref.Host, Reference: ref.String(), Status: http.StatusTooManyRequests, RetryAfter: h.postponed,
			Err: errclass.With(errdefs.ErrResourceExhausted,
				errors.New("not asked: the registry set a limit until "+h.postponed.Format(time.RFC3339))),
		}
	}
	if h.dead != nil {
		e := *h.dead
		e.Reference = ref.String()
		return &e
	}
	return nil
}

// explain heeds an error, and completes one about access with what is wrong with
// the login.
func (h *host) explain(ref Reference, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.heed(e); e.whole {
		return err
	}
	refused := errdefs.IsUnauthorized(err) || errdefs.IsPermissionDenied(err)
	why := h.loginTrouble[ref.Repository]
	if refused && why == "" && h.loginless[ref.Repository] {
		why = loginlessText(h.client.store)
	}
	if why != "" && (refused || errdefs.IsNotFound(err)) {
		e.Err = fmt.Errorf("%w (%s)", e.Err, why)
	}
	return err
}

// heed keeps what an error says about the whole registry. The caller holds the
// lock.
func (h *host) heed(e *Error) {
	if e.RetryAfter.After(h.postponed) {
		h.postponed = e.RetryAfter
	}
	if e.whole {
		h.dead, h.deadSince = e, h.turns.begun()
	}
}

// known reports whether one of the digests is among those.
func known(among []digest.Digest, digests ...digest.Digest) bool {
	return slices.ContainsFunc(digests, func(d digest.Digest) bool { return slices.Contains(among, d) })
}
