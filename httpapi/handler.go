package httpapi

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/watchtower-go/watchtower"
)

// Tower is what is asked: a *watchtower.Tower is one.
type Tower interface {
	Passer
	Teller
}

// Passer makes passes.
type Passer interface {
	CheckWith(ctx context.Context, o watchtower.PassRequest) (*watchtower.Report, error)
	UpdateWith(ctx context.Context, o watchtower.PassRequest) (*watchtower.Report, error)
}

// Teller says how things stand.
type Teller interface {
	Containers(ctx context.Context) ([]watchtower.Watched, error)
	Health(ctx context.Context) watchtower.Health
}

const (
	// maxChecks bounds the checks that are being made or wait for their turn: each asks
	// registries, who count.
	maxChecks = 8
	// maxAnswerTime bounds the answer of all that makes no pass.
	maxAnswerTime = 30 * time.Second
	// maxAskTime bounds what the engine is asked for one, so that there is time to say
	// that it did not answer.
	maxAskTime = 20 * time.Second
)

// Handler serves the API, and observes the Towers that it is about. It is safe for use
// by many goroutines.
type Handler struct {
	cfg     config
	mux     *http.ServeMux
	engines atomic.Pointer[[]*engine]
	limiter limiter
	guesses limiter // of tokens, which count where else nothing does
	books   books
	hub     hub
	page    statusPage
}

var (
	_ http.Handler        = (*Handler)(nil)
	_ watchtower.Observer = (*Handler)(nil)
)

// New makes a Handler. Every bad option is reported, joined into one error of class
// InvalidArgument.
func New(opts ...Option) (*Handler, error) {
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	h := &Handler{cfg: cfg, mux: http.NewServeMux()}
	h.limiter.perMinute, h.guesses.perMinute = cfg.rateLimit, cfg.rateLimit
	h.hub.closing, h.hub.process = make(chan struct{}), rand.Text()
	h.page = newPage(cfg.endpoints)
	for _, r := range routes {
		if cfg.endpoints[r.endpoint] {
			h.mux.HandleFunc(r.path, func(w http.ResponseWriter, req *http.Request) { h.route(r, w, req) })
		}
	}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		h.refuse(w, http.StatusNotFound, "there is nothing here, or it is not switched on")
	})
	return h, nil
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	h.mux.ServeHTTP(w, r)
}

// route lets through what may pass, and answers the rest.
func (h *Handler) route(to route, w http.ResponseWriter, r *http.Request) {
	h.allowOrigin(w, r)
	switch {
	case to.unlimited && to.access != withNothing && !h.guesses.has(h.address(r)), !to.unlimited && !h.limiter.take(h.address(r)):
		w.Header().Set("Retry-After", "60")
		h.refuse(w, http.StatusTooManyRequests, "too many requests from this address")
	case r.Method == http.MethodOptions && h.preflight(w, r, to.methods):
	case !to.takes(r.Method):
		w.Header().Set("Allow", strings.Join(append(slices.Clone(to.methods), http.MethodOptions), ", "))
		h.refuse(w, http.StatusMethodNotAllowed, "want "+strings.Join(to.methods, " or "))
	case !h.allowed(to.access, r):
		h.guesses.take(h.address(r))
		h.unauthorized(w, r)
	case to.access != withSignature && !h.readBody(w, r):
	case to.needsTower() && len(h.attached()) == 0:
		w.Header().Set("Retry-After", "5")
		h.refuse(w, http.StatusServiceUnavailable, errStarting.Error())
	default:
		to.serve(h, w, r)
	}
}

// unauthorized answers who does not show what it must, and tells the log: neither of
// what was shown.
func (h *Handler) unauthorized(w http.ResponseWriter, r *http.Request) {
	h.cfg.logger.InfoContext(r.Context(), "a caller without the token", "address", h.address(r), "path", r.Pattern)
	w.Header().Set("WWW-Authenticate", `Bearer realm="watchtower"`)
	h.refuse(w, http.StatusUnauthorized, "want the token, as Authorization: Bearer TOKEN")
}

// takes: a HEAD is a GET of what only tells.
func (to route) takes(method string) bool {
	return slices.Contains(to.methods, method) || method == http.MethodHead && slices.Equal(to.methods, get)
}

// needsTower: the others say of themselves what there is to say without one.
func (to route) needsTower() bool { return to.access == withToken || to.access == withSignature }

// Shutdown ends what does not end by itself: streams and checks at once, updates between
// two swaps, so that the one in hand is finished or undone. It waits for that until ctx
// ends, and returns its error then. What comes after is refused with 503. Call it
// before the server's.
func (h *Handler) Shutdown(ctx context.Context) error {
	h.hub.close()
	return h.books.close(ctx)
}
