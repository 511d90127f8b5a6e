package httpapi_test

import (
	"cmp"
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
	kind := map[string]string{"map[string]interface {}": "object", "[]interface {}": "array", "bool": "boolean", "float64": "integer"}
	is := fmt.Sprintf("%T", value)
	if is = cmp.Or(kind[is], is); s.Type != "" && is != s.Type {
		return []string{at + ": " + is + ", want " + s.Type}
	}
	switch got := value.(type) {
	case map[string]any:
		for _, name := range s.Required {
			if _, ok := got[name]; !ok {
				wrong = append(wrong, at+": no "+name)
			}
		}
		for name, field := range got {
			if of, known := s.Properties[name]; known {
				wrong = append(wrong, d.fits(of, field, at+"."+name)...)
			} else if s.Properties != nil && !s.More {
				wrong = append(wrong, at+": "+name+" is not in the document")
			}
		}
	case []any:
		for i, one := range got {
			wrong = append(wrong, d.fits(*s.Items, one, at+"["+strconv.Itoa(i)+"]")...)
		}
	case string:
		if _, err := time.Parse(time.RFC3339, got); s.Format == "date-time" && err != nil {
			wrong = append(wrong, at+": "+got+" is no time")
		}
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, got) {
			wrong = append(wrong, at+": "+got+" is none of "+strings.Join(s.Enum, ", "))
		}
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

// withoutTower asks one that is not attached.
func (x *exercise) withoutTower() {
	for _, path := range []string{
		"/v1/update", "/v1/updates/{id}", "/v1/check", "/v1/containers", "/v1/containers/details", "/v1/images", "/v1/history", "/v1/status",
		"/v1/config", "/v1/metrics",
	} {
		for _, m := range httpapi.RoutesForTest()[path] {
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
}

// passes asks for some, of which all goes well.
func (x *exercise) passes() {
	for _, m := range []string{"GET", "POST"} {
		x.ask(200, m, "/v1/check", "", "")
		x.ask(400, m, "/v1/check", "?image=", "")
		x.ask(413, m, "/v1/check", "", strings.Repeat("x", 65<<10))
		x.ask(200, m, "/v1/update", "", "")
		x.ask(400, m, "/v1/update", "?what=", "")
		x.ask(413, m, "/v1/update", "", strings.Repeat("x", 65<<10))
		a := x.call(m, "/v1/update?async=1&container=web", "")
		x.note(m, "/v1/update", a)
		x.await(a.header.Get("Location"))
		x.note("GET", "/v1/updates/{id}", x.call("GET", a.header.Get("Location"), ""))
	}
	x.ask(404, "GET", "/v1/updates/{id}", "", "")
}

// looks asks for all that only tells.
func (x *exercise) looks() {
	x.ask(200, "GET", "/readyz", "", "")
	x.ask(200, "GET", "/startupz", "", "")
	for _, path := range []string{"/v1/containers", "/v1/containers/details", "/v1/images", "/v1/history", "/v1/status", "/v1/config"} {
		x.ask(200, "GET", path, "", "")
		x.ask(400, "GET", path, "?what=", "")
	}
	x.ask(200, "GET", "/v1/history", "?reports=1", "")
	x.ask(200, "GET", "/v1/containers", "?all=1", "")
	x.ask(200, "GET", "/v1/metrics", "", "")
}

// followsAndHooks asks for the stream, and tells of pushes.
func (x *exercise) followsAndHooks() {
	x.ask(400, "GET", "/v1/events", "?what=", "")
	x.ask(403, "GET", "/v1/events", "", "", "Origin", "https://other.example")
	one := &stream{}
	x.follow(one)()
	x.note("GET", "/v1/events", answer{200, one.Header(), one.String()})
	for range 100 {
		defer x.follow(&stream{})()
	}
	x.ask(503, "GET", "/v1/events", "", "")
	for code, body := range map[int]string{200: harborPull, 202: harborPush, 400: "x", 413: strings.Repeat(" ", 1<<20+1), 429: many(1001)} {
		x.ask(code, "POST", "/v1/webhook", "?secret="+secret, body)
	}
	require.NoError(x.t, x.api.Shutdown(x.t.Context()))
}

// whileBusy asks while a pass is in hand.
func (x *exercise) whileBusy() {
	go x.call("POST", "/v1/update", "")
	<-x.held
	for _, m := range []string{"GET", "POST"} {
		x.ask(429, m, "/v1/update", "", "")
		for range 8 {
			go x.call(m, "/v1/check?timeout=1s", "")
		}
		synctest.Wait()
		x.ask(429, m, "/v1/check", "", "")
		time.Sleep(2 * time.Second) //nolint:forbidigo // in a bubble: until they gave up
		x.ask(504, m, "/v1/check", "?timeout=1", "")
	}
	close(x.hold)
	require.NoError(x.t, x.api.Shutdown(x.t.Context()))
}

// withoutEngine asks when it has gone.
func (x *exercise) withoutEngine() {
	for _, path := range []string{"/v1/update", "/v1/check", "/v1/containers", "/v1/containers/details", "/v1/images"} {
		for _, m := range httpapi.RoutesForTest()[path] {
			x.ask(503, m, path, "", "")
		}
	}
	x.ask(200, "GET", "/v1/history", "", "")
	x.ask(200, "GET", "/v1/status", "", "")
}

// onSeveral asks where there are three engines, one of which does not answer.
func (x *exercise) onSeveral() {
	x.ask(200, "GET", "/readyz", "", "")
	for _, query := range []string{"", "?engine=nas"} {
		for _, path := range []string{"/v1/containers", "/v1/containers/details", "/v1/images", "/v1/history", "/v1/status", "/v1/check", "/v1/update"} {
			x.ask(200, "GET", path, query, "")
		}
	}
	a := x.call("POST", "/v1/update?async=1", "")
	x.note("POST", "/v1/update", a)
	x.await(a.header.Get("Location"))
	x.note("GET", "/v1/updates/{id}", x.call("GET", a.header.Get("Location"), ""))
	for _, query := range []string{"", "?engine=nas"} {
		x.ask(200, "GET", "/v1/status", query, "")
		x.ask(200, "GET", "/v1/containers", query, "")
		x.ask(200, "GET", "/v1/history", query, "")
	}
	x.ask(200, "GET", "/v1/history", "?reports=1", "")
	x.ask(202, "POST", "/v1/webhook", "?secret="+secret, harborPush)
	require.NoError(x.t, x.api.Shutdown(x.t.Context()))
}

func TestEveryAnswerOfTheDocumentIsGiven(t *testing.T) {
	t.Parallel()
	d, seen := readDocument(t), map[string]bool{}
	in := func(prepare func(v *world), run ...func(x *exercise)) {
		synctest.Test(t, func(t *testing.T) {
			x := &exercise{newWorld(t), d, seen}
			prepare(x.world)
			for _, f := range run {
				f(x)
			}
		})
	}
	in(func(*world) {}, (*exercise).withoutTower)
	in(func(v *world) { v.attach() }, (*exercise).looks, (*exercise).passes, (*exercise).looks, (*exercise).followsAndHooks)
	in(func(v *world) { v.attachHeld() }, (*exercise).whileBusy)
	in(func(v *world) { v.attach().breakDown() }, (*exercise).withoutEngine)
	synctest.Test(t, func(t *testing.T) {
		(&exercise{trouble(t, "mute").world, d, seen}).onSeveral()
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble: until nobody asks any more
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
