package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/httpapi"
)

// schema is as much of OpenAPI's as the document uses.
type schema struct {
	Ref        string `json:"$ref"`
	Type       string
	Enum       []string
	Format     string
	Required   []string
	Properties map[string]schema
	Items      *schema
	More       bool `json:"additionalProperties"`
}

type content map[string]struct{ Schema schema }

type operation struct {
	Summary   string
	Security  []map[string][]string
	Responses map[string]struct {
		Description string
		Content     content
	}
}

type document struct {
	OpenAPI    string
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

func readDocument(t *testing.T) document {
	t.Helper()
	var d document
	require.NoError(t, json.Unmarshal(httpapi.Document(), &d))
	return d
}

func TestTheDocumentHasEveryRoute(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	assert.Regexp(t, `^3\.`, d.OpenAPI)
	routes := httpapi.RoutesForTest()
	for path, methods := range routes {
		for _, m := range methods {
			assert.Contains(t, d.Paths[path], strings.ToLower(m), path)
		}
	}
	for path, operations := range d.Paths {
		for method := range operations {
			assert.Contains(t, routes[path], strings.ToUpper(method), path)
		}
	}
	v := newWorld(t).attach()
	assert.Equal(t, string(httpapi.Document()), v.call(http.MethodGet, "/v1/openapi.json", "", "Authorization", "").body)
}

// fits says what is wrong with a value. A field that the schema does not know is.
func (d document) fits(s schema, value any, at string) (wrong []string) {
	if s.Ref != "" {
		s = d.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
	}
	bad := func(format string, args ...any) { wrong = append(wrong, at+": "+fmt.Sprintf(format, args...)) }
	switch got := value.(type) {
	case map[string]any:
		if s.Type != "object" && s.Type != "" {
			bad("an object, want %s", s.Type)
		}
		for _, name := range s.Required {
			if _, ok := got[name]; !ok {
				bad("no %s", name)
			}
		}
		for name, field := range got {
			if of, known := s.Properties[name]; known {
				wrong = append(wrong, d.fits(of, field, at+"."+name)...)
			} else if s.Properties != nil && !s.More {
				bad("%s is not in the document", name)
			}
		}
	case []any:
		if s.Type != "array" && s.Type != "" {
			bad("an array, want %s", s.Type)
		}
		for i, one := range got {
			if s.Items != nil {
				wrong = append(wrong, d.fits(*s.Items, one, at+"["+strconv.Itoa(i)+"]")...)
			}
		}
	case string:
		if s.Type != "string" && s.Type != "" {
			bad("a string, want %s", s.Type)
		}
		if _, err := time.Parse(time.RFC3339, got); s.Format == "date-time" && err != nil {
			bad("%q is no time", got)
		}
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, got) {
			bad("%q is none of %v", got, s.Enum)
		}
	case bool:
		if s.Type != "boolean" && s.Type != "" {
			bad("a boolean, want %s", s.Type)
		}
	case float64:
		if s.Type != "integer" && s.Type != "" {
			bad("a number, want %s", s.Type)
		}
	case nil:
		bad("null")
	}
	return wrong
}

// exercise asks for each answer that the document has, and notes which came.
type exercise struct {
	*world

	document document
	seen     map[string]bool // "GET /livez 200"
}

func (x *exercise) note(method, path string, a answer) {
	x.t.Helper()
	x.seen[fmt.Sprintf("%s %s %d", method, path, a.code)] = true
	response, ok := x.document.Paths[path][strings.ToLower(method)].Responses[strconv.Itoa(a.code)]
	if !assert.True(x.t, ok, "%s %s answers %d, which is not in the document: %s", method, path, a.code, a.body) {
		return
	}
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	body, ok := response.Content[kind]
	assert.True(x.t, ok || path == "/v1/metrics", "%s %s %d is %s", method, path, a.code, kind)
	if kind == "application/json" {
		var value any
		require.NoError(x.t, json.Unmarshal([]byte(a.body), &value))
		assert.Empty(x.t, x.document.fits(body.Schema, value, path))
	}
}

// ask calls the path with the query, and wants that code.
func (x *exercise) ask(want int, method, path, query, body string, header ...string) {
	x.t.Helper()
	a := x.call(method, strings.ReplaceAll(path, "{id}", "none")+query, body, header...)
	assert.Equal(x.t, want, a.code, "%s %s%s: %s", method, path, query, a.body)
	x.note(method, path, a)
}

func TestEveryAnswerOfTheDocumentIsGiven(t *testing.T) {
	t.Parallel()
	d, seen := readDocument(t), map[string]bool{}
	in := func(name string, prepare func(v *world), run func(x *exercise)) {
		synctest.Test(t, func(t *testing.T) {
			t.Log(name)
			v := newWorld(t)
			prepare(v)
			run(&exercise{v, d, seen})
		})
	}
	none := func(*world) {}
	withToken := []string{
		"/v1/update", "/v1/updates/{id}", "/v1/check", "/v1/containers", "/v1/containers/details", "/v1/images", "/v1/history", "/v1/status",
		"/v1/config", "/v1/metrics",
	}
	methods := func(path string) []string { return httpapi.RoutesForTest()[path] }
	in("no tower", none, func(x *exercise) {
		for _, path := range withToken {
			for _, m := range methods(path) {
				x.ask(503, m, path, "", "")
				x.ask(401, m, path, "", "", "Authorization", "")
			}
		}
		x.ask(503, "POST", "/v1/webhook", "?secret="+secret, "")
		x.ask(401, "POST", "/v1/webhook", "", "")
		x.ask(401, "GET", "/v1/events", "", "", "Authorization", "")
		x.ask(200, "GET", "/livez", "", "", "Authorization", "")
		x.ask(503, "GET", "/readyz", "", "", "Authorization", "")
		x.ask(503, "GET", "/startupz", "", "", "Authorization", "")
		x.ask(200, "GET", "/v1/openapi.json", "", "", "Authorization", "")
	})
	in("all is well", func(v *world) { v.attach() }, func(x *exercise) {
		x.ask(200, "GET", "/readyz", "", "")
		x.ask(200, "GET", "/startupz", "", "")
		for _, path := range []string{"/v1/status", "/v1/history", "/v1/containers"} {
			x.ask(200, "GET", path, "", "") // before the first pass
		}
		for _, m := range methods("/v1/check") {
			x.ask(200, m, "/v1/check", "", "")
			x.ask(400, m, "/v1/check", "?image=", "")
			x.ask(413, m, "/v1/check", "", strings.Repeat("x", 65<<10))
		}
		for _, m := range methods("/v1/update") {
			x.ask(200, m, "/v1/update", "", "")
			x.ask(400, m, "/v1/update", "?what=", "")
			x.ask(413, m, "/v1/update", "", strings.Repeat("x", 65<<10))
			a := x.call(m, "/v1/update?async=1&container=web", "")
			x.note(m, "/v1/update", a)
			x.await(a.header.Get("Location"))
			x.note("GET", "/v1/updates/{id}", x.call("GET", a.header.Get("Location"), ""))
		}
		x.ask(404, "GET", "/v1/updates/{id}", "", "")
		for _, path := range []string{"/v1/containers", "/v1/containers/details", "/v1/images", "/v1/history", "/v1/status", "/v1/config"} {
			x.ask(200, "GET", path, "", "")
			x.ask(400, "GET", path, "?what=", "")
		}
		x.ask(200, "GET", "/v1/history", "?reports=1", "")
		x.ask(200, "GET", "/v1/containers", "?all=1", "")
		x.ask(200, "GET", "/v1/metrics", "", "")
		x.ask(400, "GET", "/v1/events", "?what=", "")
		x.ask(403, "GET", "/v1/events", "", "", "Origin", "https://other.example")
		for code, body := range map[int]string{200: harborPull, 202: harborPush, 400: "x", 413: strings.Repeat(" ", 1<<20+1)} {
			x.ask(code, "POST", "/v1/webhook", "?secret="+secret, body)
		}
		one := &stream{}
		x.follow(one)()
		assert.Contains(x.t, one.Header().Get("Content-Type"), "text/event-stream")
		x.note("GET", "/v1/events", answer{200, one.Header(), one.String()})
		for range 100 {
			defer x.follow(&stream{})()
		}
		x.ask(503, "GET", "/v1/events", "", "")
		require.NoError(x.t, x.api.Shutdown(x.t.Context()))
	})
	in("a pass is in hand", func(v *world) { v.attachHeld() }, func(x *exercise) {
		go x.call("POST", "/v1/update", "")
		<-x.held
		for _, m := range methods("/v1/update") {
			x.ask(429, m, "/v1/update", "", "")
		}
		for _, m := range methods("/v1/check") {
			x.ask(504, m, "/v1/check", "?timeout=1", "")
		}
		close(x.hold)
		require.NoError(x.t, x.api.Shutdown(x.t.Context()))
	})
	in("the engine is gone", func(v *world) { v.attach().breakDown() }, func(x *exercise) {
		for _, path := range []string{"/v1/update", "/v1/check", "/v1/containers", "/v1/containers/details", "/v1/images"} {
			for _, m := range methods(path) {
				x.ask(503, m, path, "", "")
			}
		}
		x.ask(200, "GET", "/v1/history", "", "")
		x.ask(200, "GET", "/v1/status", "", "")
	})
	for path, operations := range d.Paths {
		for method, o := range operations {
			assert.NotEmpty(t, o.Summary, path)
			for code := range o.Responses {
				key := fmt.Sprintf("%s %s %s", strings.ToUpper(method), path, code)
				assert.True(t, seen[key], "the document has an answer that was not given: %s", key)
				delete(seen, key)
			}
		}
	}
	assert.Empty(t, seen)
}
