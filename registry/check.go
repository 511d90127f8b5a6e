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
	// The check before this one may have more time than this one.
	if err := h.busy.Acquire(ctx, 1); err != nil {
		for _, q := range questions {
			q.verdict.Err = unanswered(ctx, "head", q.ref, err)
		}
		return
	}
	defer h.busy.Release(1)
	repositories := make([]string, 0, len(questions))
	for _, q := range questions {
		if !slices.Contains(repositories, q.ref.Repository) {
			repositories = append(repositories, q.ref.Repository)
		}
	}
	for _, each := range append([]*host{h}, h.mirrors...) {
		each.begin(repositories)
		each.locate(ctx)
	}
	h.answer(ctx, questions[0])
	var group errgroup.Group
	group.SetLimit(h.limit())
	for _, q := range questions[1:] {
		group.Go(func() error {
			h.answer(ctx, q)
			return nil
		})
	}
	_ = group.Wait() // errors stand in the verdicts
}

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

// answer fills in one verdict.
func (h *host) answer(ctx context.Context, q *question) {
	var body []byte
	var err error
	from, v := h, q.verdict
	if v.Digest, body, err = h.tell(ctx, q.ref); err != nil {
		if v.Digest, from = h.substitute(ctx, q, &err); from == nil {
			v.Err = err
			return
		}
		v.OriginErr = err
	}
	v.Endpoint = from.name
	if slices.Contains(q.query.Known, v.Digest) {
		return
	}
	if from == h {
		v.StaleMirror = h.stale(ctx, q)
	}
	if q.query.Platforms == nil {
		return
	}
	platforms, err := q.query.Platforms(ctx)
	if err == nil {
		v.Images, err = h.resolve(ctx, q, body, platforms)
	}
	if err != nil {
		*v = Verdict{Reference: q.query.Reference, Err: err}
	}
}

// tell is what the reference points at, if the registry may be asked.
func (h *host) tell(ctx context.Context, ref Reference) (digest.Digest, []byte, error) {
	if err := h.closed(ref); err != nil {
		return "", nil, err
	}
	d, body, err := h.current(ctx, ref)
	if err != nil {
		return "", nil, h.explain(ref, err)
	}
	if h.name == Hub {
		h.client.hubTold.Store(true)
	}
	return d, body, nil
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
		h.dead = e
	}
}

// known reports whether one of the digests is among those.
func known(among []digest.Digest, digests ...digest.Digest) bool {
	return slices.ContainsFunc(digests, func(d digest.Digest) bool { return slices.Contains(among, d) })
}
