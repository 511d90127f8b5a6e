package httpapi

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxBody bounds a request's body, which has nothing in it but parameters.
const maxBody = 64 << 10

// readBody reads the body's parameters into PostForm, or away what nobody asked for. One
// that is too large, or does not come, it refuses: half a form is not what was asked for.
// So it does one that has parameters where nobody reads them: they would be left out, and
// an update of one container be one of all. How long it may take to come is for the
// server to say.
func (h *Handler) readBody(w http.ResponseWriter, r *http.Request) bool {
	var body []byte
	err := error(&http.MaxBytesError{Limit: maxBody})
	if r.ContentLength <= maxBody {
		body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	}
	switch {
	case isTooLarge(err):
		h.refuse(w, http.StatusRequestEntityTooLarge, "the body is larger than 64 KiB")
		return false
	case err != nil:
		h.refuse(w, http.StatusBadRequest, "the body did not come")
		return false
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // one that is wrong has a kind, or none
	switch {
	case kind == formType:
		if r.PostForm, err = url.ParseQuery(string(body)); err != nil {
			h.refuse(w, http.StatusBadRequest, "the body is no form")
			return false
		}
	case kind == "multipart/form-data", hasParameters(body, haveNames(h.attached())):
		h.refuse(w, http.StatusBadRequest, "parameters in a body of this kind are not read: want them in the URL, or a form as "+formType)
		return false
	}
	return true
}

// formType is the one kind of body that has parameters.
const formType = "application/x-www-form-urlencoded"

// hasParameters reports whether the body has what the URL is to have, as JSON or as a form
// that does not say that it is one.
func hasParameters(body []byte, engines bool) bool {
	var object map[string]json.RawMessage
	var form url.Values
	if json.Valid(body) {
		_ = json.Unmarshal(body, &object) // else it has no names
	} else {
		form, _ = url.ParseQuery(strings.TrimSpace(string(body)))
	}
	known := []string{"image", "container", "async", "timeout"}
	if engines {
		known = append(known, "engine")
	}
	return slices.ContainsFunc(known, func(name string) bool {
		_, ok := object[name]
		return ok || form.Has(name)
	})
}
