package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
)

//go:embed page.html
var pageSource []byte

// pageReads are the endpoints that the page is made of.
var pageReads = []Endpoint{Containers, History, Status, Events}

// statusPage is the page as it is served, and what a browser may do with it.
type statusPage struct {
	body   []byte
	policy string
}

// newPage tells the page which buttons it has: those of endpoints that are on. The
// policy lets run what stands in the page, by its hash, and lets it call its own host.
func newPage(on map[Endpoint]bool) statusPage {
	var actions []string
	for _, e := range []Endpoint{Check, Update} {
		if on[e] {
			actions = append(actions, string(e))
		}
	}
	const actionsAre = `<meta name="actions" content="`
	body := bytes.Replace(pageSource, []byte(actionsAre), []byte(actionsAre+strings.Join(actions, " ")), 1)
	return statusPage{body, strings.Join([]string{
		"default-src 'none'",
		"script-src " + inlined(body, "script"),
		"style-src " + inlined(body, "style"),
		"img-src data:", // its icon
		"connect-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; ")}
}

// inlined is the policy's word for the page's element of that name, which has one.
func inlined(body []byte, element string) string {
	_, after, _ := bytes.Cut(body, []byte("<"+element+">"))
	text, _, _ := bytes.Cut(after, []byte("</"+element+">"))
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// showPage serves the page, which tells nothing until it is given the token: so nobody
// has to show one for it.
func (h *Handler) showPage(w http.ResponseWriter, _ *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", h.page.policy)
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	_, _ = w.Write(h.page.body) // to a caller who may have gone
}
