package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
)

// at is the reference as the mirror has it. The login for it is the mirror's own.
func (h *host) at(ref Reference) Reference {
	ref.Host = h.name
	return ref
}

// points asks a mirror what the reference points at. As with a registry, the first
// question of a check goes alone.
func (h *host) points(ctx context.Context, ref Reference) (digest.Digest, error) {
	if err := h.first.Acquire(ctx, 1); err != nil {
		return "", err
	}
	h.mu.Lock()
	shown := h.shown
	h.shown = true
	h.mu.Unlock()
	if shown {
		h.first.Release(1)
	} else {
		defer h.first.Release(1)
	}
	d, _, err := h.tell(ctx, h.at(ref))
	return d, err
}

// substitute asks the mirrors in the order the engine does, when the registry could
// not say. The first that answers may confirm what is in use. What else it says may
// be older than what is in use; it counts only where the registry was never reached,
// so that the engine has nothing but the mirror either. It returns the mirror whose
// answer counts, or nil and tells by the error why none does.
func (h *host) substitute(ctx context.Context, q *question, cause *error) (digest.Digest, *host) {
	var e *Error
	if !errors.As(*cause, &e) || ctx.Err() != nil || !errdefs.IsUnavailable(*cause) && !errdefs.IsResourceExhausted(*cause) {
		return "", nil
	}
	for _, m := range h.mirrors {
		d, err := m.points(ctx, q.ref)
		if err == nil && (slices.Contains(q.query.Known, d) || e.silent && !h.client.hubTold.Load()) {
			return d, m
		}
		why := fmt.Errorf("its mirror %s points at %s, which may be out of date", m.name, d)
		if err != nil {
			why = err
		}
		more := *e
		more.Err = fmt.Errorf("%w (%w)", more.Err, why)
		e, *cause = &more, &more
		if err == nil {
			break
		}
	}
	return "", nil
}

// stale is the mirror that an engine would pull through, if it points at something
// else than the registry does.
func (h *host) stale(ctx context.Context, q *question) string {
	for _, m := range h.mirrors {
		d, err := m.points(ctx, q.ref)
		if err == nil && d != q.verdict.Digest {
			return m.name
		}
		if err == nil {
			break
		}
	}
	return ""
}
