package registrytest

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// Fault answers a request in the registry's place, or makes something else of
// its answer, which it gets by calling answer. What a fault waits for must end
// with the request's context.
type Fault func(w http.ResponseWriter, req *http.Request, answer http.HandlerFunc)

// SetFault lets f answer the requests of the kinds from now on, of all if none
// is named, in place of what was set for them before. Nil ends it.
func (r *Registry) SetFault(f Fault, kinds ...Kind) {
	if len(kinds) == 0 {
		kinds = []Kind{KindPing, KindToken, KindHead, KindManifest, KindBlob, KindOther}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range kinds {
		r.faults[k] = f
	}
}

// Status answers with a status and nothing else but the headers, given as
// name and value in turn.
func Status(code int, headers ...string) Fault { return Reply(code, "", headers...) }

// Reply answers with a status and a text, whatever it is: a manifest that is
// none, a page of a proxy's. Headers are given as name and value in turn.
func Reply(code int, body string, headers ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// TooMany answers with status 429 and a Retry-After in whole seconds.
func TooMany(retryAfter time.Duration) Fault {
	return Status(http.StatusTooManyRequests, "Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
}

// TooManyUntil answers with status 429 and a Retry-After as a date.
func TooManyUntil(t time.Time) Fault {
	return Status(http.StatusTooManyRequests, "Retry-After", t.UTC().Format(http.TimeFormat))
}

// Hang takes the request and never answers, until the client goes away or the
// registry is closed.
func Hang() Fault {
	return func(_ http.ResponseWriter, req *http.Request, _ http.HandlerFunc) {
		_, _ = io.Copy(io.Discard, req.Body) // only then is it seen that the client goes
		<-req.Context().Done()
		panic(http.ErrAbortHandler)
	}
}

// Reset drops the connection in the middle of the answer's headers.
func Reset() Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
		if tcp, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
			_ = tcp.SetLinger(0) // a reset, no orderly end
		}
		_ = conn.Close()
	}
}

// Truncate drops the connection after half of the answer's body.
func Truncate() Fault {
	return func(w http.ResponseWriter, req *http.Request, answer http.HandlerFunc) {
		body := headersOf(w, req, answer)
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// Drip sends the answer's body one byte at a time, with a pause after each.
func Drip(each time.Duration) Fault {
	return func(w http.ResponseWriter, req *http.Request, answer http.HandlerFunc) {
		for _, b := range headersOf(w, req, answer) {
			if _, err := w.Write([]byte{b}); err != nil || http.NewResponseController(w).Flush() != nil || !pause(req.Context(), each) {
				panic(http.ErrAbortHandler)
			}
		}
	}
}

// headersOf sends the status and headers of the answer and returns its body.
func headersOf(w http.ResponseWriter, req *http.Request, answer http.HandlerFunc) []byte {
	rec := httptest.NewRecorder()
	answer(rec, req)
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	if req.Method == http.MethodHead {
		return nil
	}
	return rec.Body.Bytes()
}

// RedirectLoop sends the client to where it is already.
func RedirectLoop() Fault {
	return func(w http.ResponseWriter, req *http.Request, _ http.HandlerFunc) {
		http.Redirect(w, req, req.URL.RequestURI(), http.StatusTemporaryRedirect)
	}
}

// Huge answers with a JSON string of that many bytes.
func Huge(bytes int) Fault {
	return func(w http.ResponseWriter, req *http.Request, _ http.HandlerFunc) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, `"`)
		chunk := make([]byte, 32<<10)
		for i := range chunk {
			chunk[i] = 'x'
		}
		for left := bytes - 2; left > 0 && req.Method != http.MethodHead; left -= len(chunk) {
			if _, err := w.Write(chunk[:min(left, len(chunk))]); err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, `"`)
	}
}
