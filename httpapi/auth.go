package httpapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
)

// allowed reports whether the caller shows what it must. A signature is judged once
// there is the body that it is of: see signed.
func (h *Handler) allowed(a access, r *http.Request) bool {
	switch a {
	case withToken:
		return is(shown(r), h.cfg.token)
	case withEventsToken:
		header := shown(r)
		own := is(header, h.cfg.events)
		other := is(header, h.cfg.token)
		inURL := is(r.URL.Query().Get("access_token"), h.cfg.events)
		return own || other || inURL
	case withSignature:
		header := is(shown(r), h.cfg.webhook)
		inURL := is(r.URL.Query().Get("secret"), h.cfg.webhook)
		return header || inURL || r.Header.Get(signature) != ""
	default:
		return true
	}
}

// shown is what the header says, with or without its scheme, in whatever case.
func shown(r *http.Request) string {
	header := r.Header.Get("Authorization")
	if scheme, token, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return header
}

// is compares what was shown with a secret's hash. It takes as long for any two, and
// tells nothing of the secret's length.
func is(shown string, hash *[sha256.Size]byte) bool {
	if hash == nil || shown == "" {
		return false
	}
	sum := sha256.Sum256([]byte(shown))
	return subtle.ConstantTimeCompare(sum[:], hash[:]) == 1
}

// signature is GitHub's header. Where it is, it is what counts.
const signature = "X-Hub-Signature-256"

// signed reports whether the signature, if there is one, is of the body.
func (h *Handler) signed(r *http.Request, body []byte) bool {
	text := r.Header.Get(signature)
	if text == "" {
		return true // it has shown the secret itself
	}
	given, err := hex.DecodeString(strings.TrimPrefix(text, "sha256="))
	mac := hmac.New(sha256.New, []byte(h.cfg.webhookSecret.Reveal()))
	_, _ = mac.Write(body) // a hash takes everything
	return err == nil && hmac.Equal(given, mac.Sum(nil))
}
