package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/httpapi"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// sizes are those of a desk and of a hand.
var sizes = map[string][2]int{"desk": {1280, 800}, "phone": {390, 844}}

// serve lets a real browser at the world.
func (v *world) serve() *httptest.Server { v.t.Helper(); return v.serveAt("") }

func (v *world) serveAt(prefix string) *httptest.Server {
	v.t.Helper()
	server := httptest.NewServer(http.StripPrefix(prefix, v.api))
	v.t.Cleanup(func() {
		assert.NoError(v.t, v.api.Shutdown(context.WithoutCancel(v.t.Context())))
		server.Close()
	})
	return server
}

// login types the token, as a person does.
func (p *tab) login(token string) {
	p.t.Helper()
	p.until("document.activeElement.id === 'token'")
	p.types(token)
	p.press("Enter")
}

// hasNames wants a name for everything that is told to who does not see the page.
func (p *tab) hasNames() {
	p.t.Helper()
	var tree struct {
		Nodes []struct {
			Ignored    bool
			Role, Name struct{ Value any }
		}
	}
	p.do("Accessibility.getFullAXTree", object{}, &tree)
	told := 0
	for _, n := range tree.Nodes {
		switch n.Role.Value {
		case "button", "textbox", "searchbox", "combobox", "link", "heading", "dialog", "DisclosureTriangle":
			told++
			assert.True(p.t, n.Ignored || n.Name.Value != "", "a %v without a name", n.Role.Value)
		}
	}
	assert.Positive(p.t, told)
}

// look keeps what is seen at each size, by light and in the dark, and wants all of it
// to fit.
func (p *tab) look(name string) {
	p.t.Helper()
	p.hasNames()
	for size, is := range sizes {
		p.resize(is[0], is[1])
		for _, scheme := range []string{"light", "dark"} {
			p.prefer("prefers-color-scheme", scheme)
			assert.Equal(p.t, "true", p.eval("document.documentElement.scrollWidth <= innerWidth"), "%s does not fit a %s", name, size)
			p.screenshot(strings.ReplaceAll(name, " ", "-") + "-" + size + "-" + scheme)
		}
	}
	p.prefer("prefers-color-scheme", "light")
}

// TestInABrowser has one browser for all: to start it takes longer than any test.
func TestInABrowser(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	t.Run("by keyboard", func(t *testing.T) { t.Parallel(); testKeyboard(t, b) })
	t.Run("live", func(t *testing.T) { t.Parallel(); testLive(t, b) })
	t.Run("hostile names are text", func(t *testing.T) { t.Parallel(); testHostile(t, b) })
	t.Run("versions", func(t *testing.T) { t.Parallel(); testVersions(t, b) })
	t.Run("services", func(t *testing.T) { t.Parallel(); testServices(t, b) })
	t.Run("several engines", func(t *testing.T) { t.Parallel(); testSeveral(t, b) })
	t.Run("one with a name", func(t *testing.T) { t.Parallel(); testOneWithAName(t, b) })
	t.Run("up to date", func(t *testing.T) {
		t.Parallel()
		v := newWorld(t, httpapi.WithEndpoints(httpapi.Page)).attach()
		require.Equal(t, http.StatusOK, v.call(http.MethodPost, "/v1/update", "").code)
		require.Equal(t, http.StatusOK, v.call(http.MethodPost, "/v1/check", "").code)
		p := b.visit(t, v.serve().URL, 1280, 800)
		p.login(token)
		p.shows("Everything is up to date")
		p.shows("2 updated")
		p.until("document.querySelectorAll('#history .entry').length === 2")
		p.look("up to date")
		assert.Empty(t, p.complaints())
	})
	t.Run("one update pending", func(t *testing.T) {
		t.Parallel()
		v := newWorld(t, httpapi.WithEndpoints(httpapi.Page)).attach()
		v.call(http.MethodPost, "/v1/update?container=cache", "")
		v.call(http.MethodPost, "/v1/check", "")
		p := b.visit(t, v.serve().URL, 1280, 800)
		p.login(token)
		p.shows("1 update available")
		p.shows("live")
		p.look("one update pending")

		p.eval("document.querySelector('#containers button').focus()")
		p.press("Enter")
		p.until("document.getElementById('sure').open")
		p.look("confirm")
		assert.Empty(t, p.complaints())
	})
	t.Run("one rolled back", func(t *testing.T) {
		t.Parallel()
		v := newWorld(t, httpapi.WithEndpoints(httpapi.Page))
		v.Publish("web:1", enginetest.Image{Env: []string{"OF=web"}, Exits: true, ExitCode: 3, Log: "reading /etc/web.conf\nunknown directive \"upstreams\"\n"})
		v.attach()
		v.call(http.MethodPost, "/v1/update", "")
		p := b.visit(t, v.serve().URL, 1280, 800)
		p.login(token)
		p.shows("1 rolled back")
		p.shows("1 updated, 1 rolled back, ") // and when
		p.shows(`unknown directive "upstreams"`)
		p.look("one rolled back")
		assert.Empty(t, p.complaints())
	})
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		v := newWorld(t, httpapi.WithEndpoints(httpapi.Page))
		v.Engine = enginetest.New()
		v.attach()
		p := b.visit(t, v.serveAt("/watchtower").URL+"/watchtower/", 1280, 800)
		p.login(token)
		p.shows("Nothing is watched")
		p.shows("No pass was made")
		p.look("empty")
		assert.Empty(t, p.complaints())
	})
	t.Run("wrong token", func(t *testing.T) {
		t.Parallel()
		v := newWorld(t, httpapi.WithEndpoints(httpapi.Page)).attach()
		p := b.visit(t, v.serve().URL, 1280, 800)
		p.login("canary-guess")
		p.shows("This token is not accepted.")
		assert.Equal(t, "null", p.eval("String(sessionStorage.getItem('token'))"))
		assert.Equal(t, "token", p.eval("document.activeElement.id"), "where the next one is typed")
		assert.NotContains(t, p.eval("document.body.innerText"), "web")
		p.look("wrong token")
		p.login(token)
		p.shows("not all checked yet")
		assert.Empty(t, p.complaints())
	})
}

func testKeyboard(t *testing.T, b *browser) {
	t.Helper()
	v := newWorld(t, httpapi.WithEndpoints(httpapi.Page)).attach()
	server := v.serve()
	p := b.visit(t, server.URL, 1280, 800)
	p.login(token)
	p.shows("not all checked yet")
	p.focus("check")
	assert.NotEqual(t, "none", p.eval("getComputedStyle(document.activeElement).outlineStyle"), "where the focus is can be seen")
	p.press("Enter")
	p.shows("2 updates available")
	p.until("document.getElementById('doing').textContent === 'Looked at 3 containers: 2 out of date.'")
	assert.Equal(t, "check", p.eval("document.activeElement.id"), "what is new does not move it")

	p.focus("update")
	p.press("Enter")
	p.until("document.getElementById('sure').open")
	assert.Equal(t, "sure-no", p.eval("document.activeElement.id"), "nothing is updated by pressing twice")
	p.press("Escape")
	p.until("!document.getElementById('sure').open")
	assert.Equal(t, "update", p.eval("document.activeElement.id"))
	assert.Equal(t, "1", v.running("web"), "nobody confirmed it")

	p.press("Enter", "Tab")
	assert.Equal(t, "sure-yes", p.eval("document.activeElement.id"))
	p.press("Enter")
	p.shows("Everything is up to date")
	p.shows("web: updated")
	assert.Equal(t, "2", v.running("web"))
	assert.Equal(t, "2", v.running("cache"))
	p.until("document.getElementById('doing').textContent.startsWith('Looked at 3 containers: 2 updated')")

	p.look("live")
	p.eval("window.before = 1")
	p.do("Page.reload", object{}, nil)
	p.until("!window.before")
	p.shows("Everything is up to date")
	assert.Equal(t, "0 ", p.eval("localStorage.length + ' ' + document.cookie"), "the tab alone has the token")
	p.focus("leave")
	p.press("Enter")
	p.until("document.activeElement.id === 'token'")
	assert.Equal(t, "0", p.eval("sessionStorage.length"))
	assert.Empty(t, p.complaints())
	for _, url := range p.requests() {
		assert.True(t, strings.HasPrefix(url, server.URL) || strings.HasPrefix(url, "data:"), "%s", url)
		assert.NotContains(t, url, token)
	}
}

func testLive(t *testing.T, b *browser) {
	t.Helper()
	v := newWorld(t, httpapi.WithEndpoints(httpapi.Page)).attach()
	server := v.serve()
	p := b.visit(t, server.URL, 1280, 800)
	p.login(token)
	p.until("document.getElementById('line').textContent === 'live'")
	v.call(http.MethodPost, "/v1/update?container=web", "")
	p.shows("web: updated")
	p.until("[...document.querySelectorAll('#containers li')].some(c => c.innerText.startsWith('web') && c.innerText.includes('updated'))")

	before := strings.Count(strings.Join(p.requests(), " "), "/v1/events")
	server.CloseClientConnections()
	v.call(http.MethodPost, "/v1/update?container=cache", "")
	p.shows("cache: updated")
	p.until("document.getElementById('line').textContent === 'live'")
	assert.Greater(t, strings.Count(strings.Join(p.requests(), " "), "/v1/events"), before, "it came back")

	require.NoError(t, v.api.Shutdown(t.Context()))
	server.Close()
	p.until("document.getElementById('line').textContent === 'no answer'")
	p.shows("Watchtower does not answer.")
	p.shows("cache: updated") // what was known is still there
	p.look("no answer")
	assert.Empty(t, p.complaints())
}

// recorded is an API whose answers are set.
func recorded(t *testing.T, answers map[string]string) *httptest.Server {
	t.Helper()
	api, err := httpapi.New(httpapi.WithEndpoints(httpapi.Page, httpapi.Update), httpapi.WithToken(credentials.NewSecret(token)))
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/{$}", api)
	for path, body := range answers {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// What containers and images say of themselves is text, whatever it looks like.
func testHostile(t *testing.T, b *browser) {
	t.Helper()
	const hostile = `<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>` + "\u202e"
	now := time.Now().UTC().Format(time.RFC3339)
	one := fmt.Sprintf(`{"name": %[1]q, "id": "1", "image": %[1]q, "image_id": "sha256:aa", "digest": "sha256:bb", "state": "running", "status": "stale",
		"reason": %[1]q, "error": %[1]q, "held_until": %[1]q, "from": {"version": %[1]q, "source": "javascript:window.hacked=1"},
		"to": {"version": %[1]q, "source": "https://user:pass@host.example/", "created": %[1]q}}`, hostile)
	server := recorded(t, map[string]string{
		"/v1/status":     `{"healthy": false, "problem": "` + strings.ReplaceAll(hostile, "'", "") + `", "summary": {}}`,
		"/v1/containers": `{"containers": [` + one + `, ` + strings.NewReplacer(`"state"`, `"skipped": "<b>", "state"`, `"id": "1"`, `"id": "2"`).Replace(one) + `]}`,
		"/v1/history":    `{"entries": [{"id": "1", "kind": "update", "timestamp": "` + now + `", "updated": 1, "duration_ms": 1, "report": {"containers": [` + one + `]}}]}`,
	})
	p := b.visit(t, server.URL, 1280, 800)
	p.login(token)
	p.shows("<script>window.hacked=1</script>")
	p.until("document.querySelectorAll('#history .entry').length === 1")
	assert.Equal(t, "undefined 0 1 0", p.eval("typeof window.hacked + ' ' + document.images.length + ' ' + document.scripts.length + ' ' + document.querySelectorAll('main a').length"))
	assert.Equal(t, "0", p.eval("document.querySelectorAll('#containers button').length"), "such a name would be a pattern")
	p.look("hostile")
	assert.Empty(t, p.complaints())

	// And where a mistake let it become more, the browser would not.
	assert.Equal(t, "TypeError", p.eval("try { document.body.innerHTML = '<b>'; 'done' } catch (e) { e.name }"))
	assert.Equal(t, "undefined", p.eval("(() => { try { const s = document.createElement('script'); s.textContent = 'window.hacked=1'; document.body.append(s) } catch {} return typeof window.hacked })()"))
	assert.Equal(t, "refused", p.eval("fetch('http://127.0.0.1:1/').catch(() => 'refused')"))
	assert.Contains(t, strings.Join(p.complaints(), "\n"), "connect-src")
}

func testVersions(t *testing.T, b *browser) {
	t.Helper()
	now := time.Now().UTC()
	at := func(ago time.Duration) string { return now.Add(-ago).Format(time.RFC3339) }
	web := `"name": "web", "id": "1", "image": "ghcr.io/acme/web:1", "image_id": "sha256:aa", "state": "running", "latest_digest": "sha256:0123456789abcdef",
		"from": {"version": "1.4.2", "revision": "8c1e40fe2b31aa", "source": "https://git.example/acme/web", "created": "` + at(90*24*time.Hour) + `"},
		"to": {"version": "1.5.0", "revision": "41d0b3f77c9e12", "source": "https://git.example/acme/web", "created": "` + at(26*time.Hour) + `"}`
	server := recorded(t, map[string]string{
		"/v1/status": `{"healthy": true, "summary": {}, "last_pass": {"timestamp": "` + at(4*time.Minute) + `"}, "next_due": "` + at(-56*time.Minute) + `"}`,
		"/v1/containers": `{"containers": [{` + web + `, "status": "stale", "reason": "2.0.0 is there too, and outside of 1.x"},
			{"name": "db", "id": "2", "image": "postgres:17", "digest": "sha256:fedcba9876543210", "image_id": "sha256:cc", "state": "running", "status": "fresh"},
			{"name": "cache", "id": "3", "image": "redis:8", "digest": "sha256:aaaaaaaaaaaaaaaa", "latest_digest": "sha256:bbbbbbbbbbbbbbbb", "image_id": "sha256:dd", "state": "running", "status": "held", "reason": "its image is younger than 3 days", "held_until": "` + at(-50*time.Hour) + `"},
			{"name": "mail", "id": "6", "image": "mail:2", "digest": "sha256:cccccccccccccccc", "latest_digest": "sha256:dddddddddddddddd", "image_id": "sha256:ff", "state": "running", "status": "skipped", "out_of_date": true, "reason": "this digest failed on 2026-01-01T00:00:00Z"},
			{"name": "job", "id": "4", "image": "acme/job@sha256:1111", "digest": "sha256:1111", "image_id": "sha256:ee", "state": "exited", "skipped": "its reference is pinned to a digest"}]}`,
		"/v1/history": `{"entries": [
			{"id": "1", "kind": "update", "timestamp": "` + at(50*time.Hour) + `", "scanned": 3, "updated": 1, "duration_ms": 8312, "report": {"containers": [{` + web + `, "status": "updated", "downtime_ms": 740, "warnings": ["its anonymous volume at /data is kept"]}]}},
			{"id": "2", "kind": "update", "timestamp": "` + at(26*time.Hour) + `", "scanned": 3, "duration_ms": 812},
			{"id": "3", "kind": "update", "timestamp": "` + at(25*time.Hour) + `", "error": "watchtower: list: the engine does not answer"},
			{"id": "4", "kind": "update", "timestamp": "` + at(2*time.Hour) + `", "scanned": 3, "duration_ms": 812},
			{"id": "5", "kind": "check", "timestamp": "` + at(4*time.Minute) + `", "scanned": 3, "stale": 1, "held": 1, "duration_ms": 812}]}`,
	})
	p := b.visit(t, server.URL, 1280, 800)
	p.login(token)
	p.shows("1.4.2 → 1.5.0")
	p.shows("fedcba987654") // where nobody says a version
	p.shows("aaaaaaaaaaaa → bbbbbbbbbbbb")
	p.shows("cccccccccccc → dddddddddddd") // where that has failed
	p.shows("1 update available, 1 held back, 1 out of date")
	p.shows("1 container not watched")
	p.until("document.querySelectorAll('#history .entry').length === 1")
	assert.Equal(t, "https://git.example/acme/web noopener noreferrer", p.eval("(a => a.href + ' ' + a.rel)(document.querySelector('#containers a'))"))
	p.until("document.getElementById('line').textContent === 'every 30 s'") // there is no stream
	p.look("versions")
	assert.Empty(t, p.complaints())
}
