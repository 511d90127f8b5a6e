package httpapi

import (
	"context"
	"crypto/rand"
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
	var problems []problem
	if len(repos) > 0 {
		noted := each(h.attached(), func(e *engine) (none struct{}, err error) {
			return none, e.pushes.gather(repos, func() { h.look(e.book) })
		})
		if _, problems, err = sorted(noted); err != nil {
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
		Repositories []string  `json:"repositories"`
		Errors       []problem `json:"errors,omitempty"`
		stamp
	}{names, problems, stamped()})
}

// look updates what runs images of the repositories on an engine, as any update of some
// does. Where too many wait, what was pushed does, and where no Tower is attached.
func (h *Handler) look(on *book) {
	var repos []repository
	only := filter.Func(func(c lifecycle.Container) bool {
		ref, err := registry.Parse(c.Image)
		return err == nil && slices.Contains(repos, repository{ref.Host, ref.Repository})
	})
	err := errStarting
	if e := named(h.attached(), on.name); e != nil {
		ctx := context.Background() // the webhooks' callers have gone
		_, err = on.jobs.start(ctx, rand.Text(), func(ctx context.Context, began func()) (*watchtower.Report, error) {
			return e.UpdateWith(ctx, watchtower.PassRequest{Only: []watchtower.Filter{only}, Began: func() {
				repos = on.pushes.take()
				began()
			}})
		})
	}
	if err != nil {
		on.pushes.keep(func() { h.look(on) })
	}
}
