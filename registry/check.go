package registry

import (
	"context"
	"errors"
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

// check answers one registry's questions. The first goes alone: it teaches how
// the registry wants to be asked, and whether it is there at all.
func (h *host) check(ctx context.Context, questions []*question) {
	h.busy.Lock()
	defer h.busy.Unlock()
	repositories := make([]string, 0, len(questions))
	for _, q := range questions {
		if !slices.Contains(repositories, q.ref.Repository) {
			repositories = append(repositories, q.ref.Repository)
		}
	}
	h.begin(repositories)
	if !h.taught() {
		h.answer(ctx, questions[0])
		questions = questions[1:]
	}
	var group errgroup.Group
	group.SetLimit(DefaultConcurrency)
	for _, q := range questions {
		group.Go(func() error {
			h.answer(ctx, q)
			return nil
		})
	}
	_ = group.Wait() // errors stand in the verdicts
}

// answer fills in one verdict.
func (h *host) answer(ctx context.Context, q *question) {
	if err := h.closed(q.ref); err != nil {
		q.verdict.Err = err
		return
	}
	d, body, err := h.current(ctx, q.ref)
	if err != nil {
		q.verdict.Err = err
		h.note(err)
		return
	}
	q.verdict.Digest = d
	if slices.Contains(q.query.Known, d) || q.query.Platforms == nil {
		return
	}
	platforms, err := q.query.Platforms(ctx)
	if err == nil {
		q.verdict.Images, err = h.resolve(ctx, q, body, platforms)
	}
	if err != nil {
		*q.verdict = Verdict{Reference: q.query.Reference, Err: err}
	}
}

// closed is why the registry is not asked just now: it set a time, or it did
// not answer another question of this check.
func (h *host) closed(ref Reference) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().Before(h.postponed) {
		return &Error{
			Op: "head", Reference: ref.String(), Status: 429, RetryAfter: h.postponed,
			Err: errclass.With(errdefs.ErrResourceExhausted,
				errors.New("not asked: the registry set a limit until "+h.postponed.Format(time.RFC3339))),
		}
	}
	if h.dead != nil {
		return &Error{Op: "head", Reference: ref.String(), Err: h.dead}
	}
	return nil
}

// note keeps what an error says about the whole registry.
func (h *host) note(err error) {
	var e *Error
	if !errors.As(err, &e) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.RetryAfter.After(h.postponed) {
		h.postponed = e.RetryAfter
	}
	if e.Status == 0 && errdefs.IsUnavailable(e.Err) {
		h.dead = e.Err
	}
}

// known reports whether one of the digests is among those.
func known(among []digest.Digest, digests ...digest.Digest) bool {
	return slices.ContainsFunc(digests, func(d digest.Digest) bool { return slices.Contains(among, d) })
}
