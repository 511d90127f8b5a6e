package httpapi

import (
	"context"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

const (
	// maxPayload bounds a webhook's body. A registry's notification has a few KiB.
	maxPayload = 1 << 20
	// settle is for how long pushes are gathered from the first on: one push of an
	// index, or of several tags, is many events, and one update.
	settle = 5 * time.Second
	// maxGathered bounds the repositories that are gathered.
	maxGathered = 1000
)

// pushes are the repositories that are to be looked at. They are gathered until the turn
// of their update has come: one at a time waits for that, whatever is pushed meanwhile.
type pushes struct {
	mu     sync.Mutex
	repos  map[repository]bool
	due    bool // somebody will take them
	timer  *time.Timer
	closed bool
}

// gather notes the repositories, and has flush called once there is time for it.
func (p *pushes) gather(repos []repository, flush func()) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errClosing
	}
	more := maps.Clone(p.repos)
	if more == nil {
		more = map[repository]bool{}
	}
	for _, r := range repos {
		more[r] = true
	}
	if len(more) > maxGathered {
		return errCrowded
	}
	if p.repos = more; !p.due {
		p.due, p.timer = true, time.AfterFunc(settle, flush)
	}
	return nil
}

// take gives them to an update whose turn has come.
func (p *pushes) take() []repository {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := slices.Collect(maps.Keys(p.repos))
	p.repos, p.due = nil, false
	return out
}

// keep has flush called again, which found no room.
func (p *pushes) keep(flush func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.timer = time.AfterFunc(settle, flush)
	}
}

func (p *pushes) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
}

// hook takes a registry's word that something was pushed. What it may then do is ask
// that registry: the word itself moves nothing.
func (h *Handler) hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	switch {
	case isTooLarge(err):
		h.refuse(w, http.StatusRequestEntityTooLarge, "the body is larger than 1 MiB")
		return
	case err != nil:
		h.refuse(w, http.StatusBadRequest, "the body did not come")
		return
	case !h.signed(r, body):
		h.unauthorized(w, r)
		return
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == formType { // GitHub's other way
		if form, err := url.ParseQuery(string(body)); err == nil {
			body = []byte(form.Get("payload"))
		}
	}
	var repos []repository
	if r.Header.Get("X-GitHub-Event") != "ping" {
		if repos, err = pushed(body); err != nil {
			h.fail(w, err)
			return
		}
	}
	slices.SortFunc(repos, func(a, b repository) int { return strings.Compare(a.String(), b.String()) })
	repos = slices.Compact(repos)
	code := http.StatusOK // there is nothing to do about it
	names := []string{}
	if len(repos) > 0 {
		if err := h.pushes.gather(repos, h.look); err != nil {
			h.fail(w, err)
			return
		}
		code = http.StatusAccepted
	}
	for _, repo := range repos {
		names = append(names, repo.String())
	}
	h.cfg.logger.InfoContext(r.Context(), "webhook", "repositories", names)
	h.answer(w, code, struct {
		Repositories []string `json:"repositories"`
		stamp
	}{names, stamped()})
}

// look updates what runs images of the repositories, as any update of some does. Where
// too many wait, what was pushed does.
func (h *Handler) look() {
	var repos []repository
	only := filter.Func(func(c lifecycle.Container) bool {
		ref, err := registry.Parse(c.Image)
		return err == nil && slices.Contains(repos, repository{ref.Host, ref.Repository})
	})
	tower := h.tower.Load()
	ctx := context.Background() // the webhooks' callers have gone
	_, err := h.jobs.start(ctx, func(ctx context.Context, began func()) (*watchtower.Report, error) {
		return tower.UpdateWith(ctx, watchtower.PassRequest{Only: []watchtower.Filter{only}, Began: func() {
			repos = h.pushes.take()
			began()
		}})
	})
	if err != nil {
		h.pushes.keep(h.look)
	}
}
