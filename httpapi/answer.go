package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
)

// stamp is in every answer.
type stamp struct {
	Timestamp  time.Time `json:"timestamp"`
	APIVersion string    `json:"api_version"`
}

func stamped() stamp { return stamp{rounded(time.Now()), "v1"} }

// rounded is a time as RFC 3339 without fractions, which not everything reads.
func rounded(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// failure is the answer to what cannot be.
type failure struct {
	Error string `json:"error"`
	stamp
}

// answer writes the body. What cannot be encoded is told before anything is written.
func (h *Handler) answer(w http.ResponseWriter, code int, body any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // no browser takes it for a page
	if err := e.Encode(body); err != nil {
		h.refuse(w, http.StatusInternalServerError, "the answer cannot be written")
		h.cfg.logger.Error("an answer cannot be written", "err", err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // to a caller who may have gone
}

func (h *Handler) refuse(w http.ResponseWriter, code int, why string) {
	h.answer(w, code, failure{why, stamped()})
}

// fail answers by the error's class.
func (h *Handler) fail(w http.ResponseWriter, err error) {
	code := statusOf(err)
	if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	h.refuse(w, code, err.Error())
}

func statusOf(err error) int {
	switch {
	case errdefs.IsConflict(err), errdefs.IsResourceExhausted(err):
		return http.StatusTooManyRequests
	case errdefs.IsUnavailable(err), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errdefs.IsInvalidArgument(err):
		return http.StatusBadRequest
	case errdefs.IsNotFound(err):
		return http.StatusNotFound
	default:
		return http.StatusInternalServerError
	}
}

// retryAfter is in seconds: what the fork tells those who find a pass in hand.
const retryAfter = "30"

func isTooLarge(err error) bool {
	var large *http.MaxBytesError
	return errors.As(err, &large)
}

// patience gives the answer so long from now on, whatever the server gives others; 0
// is without an end. A writer without deadlines has nothing to be told.
func patience(w http.ResponseWriter, d time.Duration) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{}) // the request was read: now it would end the caller's context
	end := time.Time{}
	if d > 0 {
		end = time.Now().Add(d)
	}
	_ = c.SetWriteDeadline(end)
}
