package httpapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/httpapi"
)

// page is the page's answer from a handler of these endpoints.
func page(t *testing.T, endpoints ...httpapi.Endpoint) answer {
	t.Helper()
	api, err := httpapi.New(httpapi.WithEndpoints(endpoints...), httpapi.WithToken(credentials.NewSecret(token)))
	require.NoError(t, err)
	return (&world{t: t, api: api}).call(http.MethodGet, "/", "", "Authorization", "")
}

func TestThePageIsThereWhenItIsAskedFor(t *testing.T) {
	t.Parallel()
	a := page(t, httpapi.Page)
	assert.Equal(t, http.StatusOK, a.code)
	assert.Equal(t, "text/html; charset=utf-8", a.header.Get("Content-Type"))
	assert.Contains(t, a.body, `<meta name="actions" content="">`)
	assert.Contains(t, page(t, httpapi.Page, httpapi.Update, httpapi.Check).body, `<meta name="actions" content="check update">`)
	assert.Equal(t, http.StatusNotFound, page(t, httpapi.Status).code, "nobody asked for it")
	assert.NotContains(t, a.body, token)

	v := newWorld(t, httpapi.WithEndpoints(httpapi.Page)).attach()
	assert.Equal(t, http.StatusMethodNotAllowed, v.call(http.MethodPost, "/", "").code)
	assert.Equal(t, http.StatusNotFound, v.call(http.MethodGet, "/index.html", "").code, "it is / and nothing else")
}

func TestThePageBringsWhatItReads(t *testing.T) {
	t.Parallel()
	api, err := httpapi.New(httpapi.WithEndpoints(httpapi.Page), httpapi.WithToken(credentials.NewSecret(token)))
	require.NoError(t, err)
	v := &world{t: t, api: api}
	for path, want := range map[string]int{
		"/v1/containers": 401, "/v1/history": 401, "/v1/status": 401, "/v1/events": 401,
		"/v1/update": 404, "/v1/check": 404, "/v1/config": 404, "/v1/metrics": 404, "/livez": 404,
	} {
		assert.Equal(t, want, v.call(http.MethodGet, path, "", "Authorization", "").code, path)
	}
}

var (
	script = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	style  = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
)

func TestABrowserRunsNothingButThePage(t *testing.T) {
	t.Parallel()
	a := page(t, httpapi.Page, httpapi.Update)
	policy := a.header.Get("Content-Security-Policy")
	for element, pattern := range map[string]*regexp.Regexp{"script": script, "style": style} {
		found := pattern.FindAllStringSubmatch(a.body, -1)
		require.Len(t, found, 1, "one %s, and its hash", element)
		assert.Equal(t, 1, strings.Count(a.body, "<"+element), "and none with attributes")
		sum := sha256.Sum256([]byte(found[0][1]))
		assert.Contains(t, policy, element+"-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"';")
	}
	for _, want := range []string{"default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		assert.Contains(t, policy, want)
	}
	assert.NotContains(t, policy, "unsafe")
	for name, want := range map[string]string{
		"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		assert.Equal(t, want, a.header.Get(name), name)
	}
}

func TestThePageLoadsNothingAndWritesTextOnly(t *testing.T) {
	t.Parallel()
	body := page(t, httpapi.Page).body
	markup := style.ReplaceAllString(script.ReplaceAllString(body, ""), "")
	assert.NotRegexp(t, `(?i)\son\w+\s*=`, markup, "handlers are added by the script")
	assert.NotRegexp(t, `(?i)\sstyle\s*=`, markup)
	assert.NotRegexp(t, `(?i)<(iframe|object|embed|img|video|audio|base)\b`, markup)
	assert.NotRegexp(t, `(?i)\ssrc(set)?\s*=`, markup)
	for _, href := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(markup, -1) {
		assert.Regexp(t, `^(#|data:image/svg\+xml,)`, href[1])
	}
	outside := strings.ReplaceAll(body, "xmlns='http://www.w3.org/2000/svg'", "") // a name, not an address
	assert.NotRegexp(t, `(?i)https?://|[("' ]//\w`, outside)
	assert.NotRegexp(t, `(?i)@import|url\(`, style.FindString(body))
	assert.NotRegexp(t, `innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|localStorage|document\.cookie`, body)
	assert.NotRegexp(t, `access_token`, body, "no token in a URL")
}

var (
	colors = regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6})`)
	// pairs are what is read, and what is behind it.
	pairs = [][2]string{
		{"ink", "ground"},
		{"ink", "card"},
		{"soft", "ground"},
		{"soft", "card"},
		{"link", "card"},
		{"link", "ground"},
		{"on-accent", "accent"},
		{"good", "good-ground"},
		{"due", "due-ground"},
		{"bad", "bad-ground"},
		{"quiet", "quiet-ground"},
	}
)

// luminance is WCAG's.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		require.NoError(t, err)
		if c := float64(n) / 255; c <= 0.04045 {
			sum += weight * c / 12.92
		} else {
			sum += weight * math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return sum
}

// Text has 4.5 to 1, the edges of what can be pressed and what shows the focus 3 to 1:
// WCAG 2, level AA.
func TestThePageCanBeReadByLightAndInTheDark(t *testing.T) {
	t.Parallel()
	light, dark, ok := strings.Cut(style.FindString(page(t, httpapi.Page).body), "prefers-color-scheme: dark")
	require.True(t, ok)
	for name, sheet := range map[string]string{"light": light, "dark": dark} {
		of := map[string]float64{}
		for _, c := range colors.FindAllStringSubmatch(sheet, -1) {
			of[c[1]] = luminance(t, c[2])
		}
		contrast := func(pair [2]string) float64 {
			a, b := of[pair[0]], of[pair[1]]
			return (max(a, b) + 0.05) / (min(a, b) + 0.05)
		}
		for _, pair := range pairs {
			assert.GreaterOrEqual(t, contrast(pair), 4.5, "%s: %v", name, pair)
		}
		for _, pair := range [][2]string{{"edge", "card"}, {"edge", "ground"}, {"accent", "card"}, {"accent", "ground"}} {
			assert.GreaterOrEqual(t, contrast(pair), 3.0, "%s: %v", name, pair)
		}
	}
}
