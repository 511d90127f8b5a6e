package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What a body says of which containers are meant is read or refused: left out, it would
// be an update of all.
func TestParametersInABodyAreNeverLeftOut(t *testing.T) {
	t.Parallel()
	const multipart = "--x\r\nContent-Disposition: form-data; name=\"container\"\r\n\r\nweb\r\n--x--\r\n"
	for name, tt := range map[string]struct {
		method, kind, body string
		want               int
		web, cache         string
	}{
		"a form":                        {http.MethodPost, "application/x-www-form-urlencoded", "container=web", 200, "2", "1"},
		"a form's kind in other case":   {http.MethodPost, "Application/X-WWW-Form-Urlencoded; Charset=UTF-8", "container=web", 200, "2", "1"},
		"a form of a GET":               {http.MethodGet, "application/x-www-form-urlencoded", "container=web", 200, "2", "1"},
		"a form's kind, half of it":     {http.MethodPost, "application/x-www-form-urlencoded; charset", "container=web", 200, "2", "1"},
		"a form in parts":               {http.MethodPost, "multipart/form-data; boundary=x", multipart, 400, "1", "1"},
		"JSON":                          {http.MethodPost, "application/json", `{"container":"web"}`, 400, "1", "1"},
		"JSON that says something else": {http.MethodPost, "application/json", `{"sender":"ci"}`, 200, "2", "2"},
		"no kind, and no JSON":          {http.MethodPost, "", "now", 200, "2", "2"},
		"a form that does not say so":   {http.MethodPost, "", "container=web\n", 400, "1", "1"},
		"a form as text":                {http.MethodPost, "text/plain", "async=1&image=web", 400, "1", "1"},
		"JSON with an address in it":    {http.MethodPost, "", `{"callback":"https://ci.example/?x&image=web"}`, 200, "2", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newWorld(t).attach()
			a := v.call(tt.method, "/v1/update", tt.body, "Content-Type", tt.kind)
			assert.Equal(t, tt.want, a.code, a.body)
			assert.Equal(t, tt.web, v.running("web"))
			assert.Equal(t, tt.cache, v.running("cache"))
		})
	}
}
