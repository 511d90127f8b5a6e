package httpapi

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
)

// ask is what a request for a pass says.
type ask struct {
	engines []*engine
	only    []watchtower.Filter
	async   bool
	timeout time.Duration
}

// parameters are the request's, of its URL and its form. One that nobody
// knows is an error: a misspelt filter must not become an update of everything.
func parameters(r *http.Request, known ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid("the query cannot be read")
	}
	for name, more := range r.PostForm {
		values[name] = append(values[name], more...)
	}
	for name := range values {
		if !slices.Contains(known, name) {
			return nil, invalid("parameter %q: want %s", name, cmp.Or(strings.Join(known, ", "), "none"))
		}
	}
	return values, nil
}

// readAsk reads what a pass is asked for.
func (h *Handler) readAsk(r *http.Request, most time.Duration, more ...string) (ask, error) {
	values, engines, err := h.about(r, append([]string{"image", "container", "timeout"}, more...)...)
	a := ask{engines: engines, timeout: most}
	if err != nil {
		return a, err
	}
	images, err := list(values, "image")
	if err != nil {
		return a, err
	}
	if len(images) > 0 {
		f, err := filter.Images(images...)
		if err != nil {
			return a, invalid("image: %w", err)
		}
		a.only = append(a.only, f)
	}
	names, err := list(values, "container")
	if err != nil {
		return a, err
	}
	if len(names) > 0 {
		f, err := filter.Names(names...)
		if err != nil {
			return a, invalid("container: %w", err)
		}
		a.only = append(a.only, f)
	}
	if text := values.Get("async"); text != "" {
		if a.async, err = strconv.ParseBool(text); err != nil {
			return a, invalid("async: %q: want true or false", text)
		}
	}
	if text := values.Get("timeout"); text != "" {
		if strings.Trim(text, ".0123456789") == "" {
			text += "s"
		}
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return a, invalid("timeout: %q: want seconds (30) or a duration (1m30s), more than 0", values.Get("timeout"))
		}
		a.timeout = min(d, most)
	}
	return a, nil
}

// list is a parameter that may be there several times, or be split at commas. One that
// is there and says nothing is an error, not everything.
func list(values url.Values, name string) ([]string, error) {
	var out []string
	for _, text := range values[name] {
		if strings.Count(text, "{") != strings.Count(text, "}") {
			return nil, invalid("%s: %q: want each brace closed", name, text)
		}
		for _, word := range split(text) {
			if word = strings.TrimSpace(word); word != "" {
				out = append(out, word)
			}
		}
	}
	if values.Has(name) && len(out) == 0 {
		return nil, invalid("%s: empty: leave it out for all", name)
	}
	return out, nil
}

// split cuts at commas, but at none within braces: "web{1,2}" is one pattern.
func split(text string) (out []string) {
	start, within := 0, false
	for i, c := range text {
		switch {
		case c == '{', c == '}':
			within = c == '{'
		case c == ',' && !within:
			out, start = append(out, text[start:i]), i+1
		}
	}
	return append(out, text[start:])
}
