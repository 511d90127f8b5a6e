package httpapi_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/httpapi"
)

func TestMethodsAndBodies(t *testing.T) {
	t.Parallel()
	v := newWorld(t).attach()
	for name, tt := range map[string]struct {
		method, target, body string
		want                 int
		allow                string
	}{
		"deleting":              {http.MethodDelete, "/v1/update", "", 405, "GET, POST, OPTIONS"},
		"posting to a list":     {http.MethodPost, "/v1/containers", "", 405, "GET, OPTIONS"},
		"a webhook by GET":      {http.MethodGet, "/v1/webhook", "", 405, "POST, OPTIONS"},
		"only the head":         {http.MethodHead, "/v1/status", "", 200, ""},
		"a head changes no one": {http.MethodHead, "/v1/update", "", 405, "GET, POST, OPTIONS"},
		"a large body":          {http.MethodPost, "/v1/update?container=web", strings.Repeat("x", 65<<10), 413, ""},
		"a large webhook":       {http.MethodPost, "/v1/webhook?secret=" + secret, strings.Repeat(" ", 1<<20+1), 413, ""},
		"half a form's escape":  {http.MethodPost, "/v1/update", "container=%z", 400, ""},
		"a bearable one":        {http.MethodPost, "/v1/update?container=none", strings.Repeat("x", 64<<10), 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var header []string
			if strings.HasPrefix(tt.body, "container=") {
				header = []string{"Content-Type", "application/x-www-form-urlencoded"}
			}
			a := v.call(tt.method, tt.target, tt.body, header...)
			assert.Equal(t, tt.want, a.code, a.body)
			assert.Equal(t, tt.allow, a.header.Get("Allow"))
			assert.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
			assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
		})
	}
	assert.Equal(t, "1", v.running("web"))
}

func TestAnAddressHasItsShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t, httpapi.WithRateLimit(3), httpapi.WithTrustedProxies("", netip.MustParsePrefix("10.0.0.0/8"))).attach()
		ask := func(path, from string, forwarded ...string) int {
			header := []string{"RemoteAddr", from}
			for _, f := range forwarded {
				header = append(header, "X-Forwarded-For", f)
			}
			return v.call(http.MethodGet, path, "", header...).code
		}
		many := func(path, from string, forwarded ...string) (out []int) {
			for range 4 {
				out = append(out, ask(path, from, forwarded...))
			}
			return out
		}
		limited, all := []int{200, 200, 200, 429}, []int{200, 200, 200, 200}
		assert.Equal(t, limited, many("/v1/status", "192.0.2.1:1000"))
		assert.Equal(t, 429, ask("/v1/status", "192.0.2.1:2000"), "whatever its port")
		assert.Equal(t, all, many("/livez", "192.0.2.1:1000"), "probes do not count")
		assert.Equal(t, all, many("/v1/metrics", "192.0.2.1:1000"), "nor does a scrape")
		assert.Equal(t, limited, many("/v1/status", "192.0.2.2:1"), "another has its own")
		assert.Equal(t, limited, many("/v1/status", "[2001:db8::1]:1"))
		assert.Equal(t, 429, ask("/v1/status", "[2001:db8::2]:1"), "of the same network")
		assert.Equal(t, limited, many("/v1/status", "10.1.1.1:1", "198.51.100.1, 192.0.2.9, 10.2.2.2"))
		assert.Equal(t, 429, ask("/v1/status", "10.1.1.1:1", "203.0.113.5, 192.0.2.9"), "what it says of itself is not believed")
		assert.Equal(t, 200, ask("/v1/status", "10.1.1.1:1", "192.0.2.10"), "the proxy speaks for many")
		assert.Equal(t, limited, many("/v1/status", "10.1.1.1:1", "192.0.2.30:5678"), "with a port")
		assert.Equal(t, 429, ask("/v1/status", "10.1.1.1:1", "192.0.2.30:5679"))
		assert.Equal(t, limited, many("/v1/status", "10.1.1.1:1", "[2001:db8:1::1]:443"))
		assert.Equal(t, 429, ask("/v1/status", "10.1.1.1:1", "2001:db8:1::2"))
		assert.Equal(t, 429, ask("/v1/status", "192.0.2.2:1", "192.0.2.11"), "of somebody else it is not believed")
		a := v.call(http.MethodGet, "/v1/status", "", "RemoteAddr", "192.0.2.1:1000", "Authorization", "Bearer x")
		assert.Equal(t, http.StatusTooManyRequests, a.code, "who guesses tokens is slowed, too")
		assert.Equal(t, "60", a.header.Get("Retry-After"))
		guess := func() int {
			return v.call(http.MethodGet, "/v1/metrics", "", "RemoteAddr", "192.0.2.20:1", "Authorization", "Bearer x").code
		}
		assert.Equal(t, []int{401, 401, 401, 429}, []int{guess(), guess(), guess(), guess()}, "nor may tokens be guessed where nothing is counted")
		assert.Equal(t, 429, ask("/v1/metrics", "192.0.2.20:1"), "not even the right one")
		assert.Equal(t, 200, ask("/livez", "192.0.2.20:1"))
		assert.Equal(t, 200, ask("/v1/metrics", "192.0.2.21:1"), "the one of somebody else is not refused")
		time.Sleep(20 * time.Second) //nolint:forbidigo // in a bubble: a third of a minute, one of three requests
		assert.Equal(t, []int{200, 429, 429, 429}, many("/v1/status", "192.0.2.1:1000"))
		assert.Equal(t, all, many("/v1/metrics", "192.0.2.20:1"))
	})
}

// Who comes from everywhere does not make it remember more, and has nobody else refused.
func TestMoreAddressesThanAreKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t, httpapi.WithRateLimit(1)).attach()
		ask := func(a netip.Addr) int {
			return v.call(http.MethodGet, "/v1/history", "", "RemoteAddr", netip.AddrPortFrom(a, 1).String()).code
		}
		a, known := netip.MustParseAddr("10.0.0.0"), 0
		for range 25_000 {
			a = a.Next()
			require.Equal(t, http.StatusOK, ask(a))
			known = max(known, v.api.AddressesForTest())
		}
		assert.Equal(t, 10_000, known)
		assert.Equal(t, http.StatusTooManyRequests, ask(a), "who was there last is known")
		assert.Greater(t, v.api.AddressesForTest(), 8_000, "and so are most")
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble: until all have their share again
		assert.Equal(t, http.StatusOK, ask(a))
	})
}

func TestPagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	const page = "https://status.example"
	v := newWorld(t, httpapi.WithOrigins(page)).attach()
	a := v.call(http.MethodGet, "/v1/status", "", "Origin", page)
	assert.Equal(t, page, a.header.Get("Access-Control-Allow-Origin"))
	a = v.call(http.MethodGet, "/v1/status", "", "Origin", "https://other.example")
	assert.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
	ask := []string{"Origin", page, "Access-Control-Request-Method", "GET", "Authorization", ""}
	a = v.call(http.MethodOptions, "/v1/status", "", ask...)
	assert.Equal(t, http.StatusNoContent, a.code)
	assert.Contains(t, a.header.Get("Access-Control-Allow-Headers"), "Authorization")
	a = newWorld(t).attach().call(http.MethodOptions, "/v1/status", "", ask...)
	assert.Equal(t, http.StatusMethodNotAllowed, a.code, "nobody may")
	assert.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
	a = newWorld(t, httpapi.WithOrigins("*")).attach().call(http.MethodGet, "/v1/status", "", "Origin", "https://any.example")
	assert.Equal(t, "https://any.example", a.header.Get("Access-Control-Allow-Origin"))
	assert.Empty(t, a.header.Get("Access-Control-Allow-Credentials"))
}
