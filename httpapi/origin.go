package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// allowOrigin tells a browser that a page from elsewhere may read the answer.
func (h *Handler) allowOrigin(w http.ResponseWriter, r *http.Request) {
	if len(h.cfg.origins) == 0 {
		return
	}
	w.Header().Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); origin != "" && h.knows(origin) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
	}
}

func (h *Handler) knows(origin string) bool {
	return slices.ContainsFunc(h.cfg.origins, func(o string) bool { return o == "*" || strings.EqualFold(o, origin) })
}

// preflight answers a browser that asks whether it may send the token along; false if
// that is none of its business.
func (h *Handler) preflight(w http.ResponseWriter, r *http.Request, methods []string) bool {
	if w.Header().Get("Access-Control-Allow-Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	w.Header().Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Last-Event-ID")
	w.Header().Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// ownOrigin reports whether the request comes from no page, one of this host, or one of
// an origin that is known.
func (h *Handler) ownOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || h.knows(origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host
}
