package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower/httpapi"
)

// cards are the names of the containers that are seen, each engine's after its own.
const cards = "[...document.querySelectorAll('#containers h3 > :first-child, #containers h4 > :first-child')].map(n => n.textContent).join(' ')"

func testSeveral(t *testing.T, b *browser) {
	t.Helper()
	v := newFleet(t, []string{"nas", "vps", "pi"}, nil, httpapi.WithEndpoints(httpapi.Page)).attached()
	v.of["pi"].breakDown()
	v.call(http.MethodPost, "/v1/update?engine=vps&container=web", "")
	v.call(http.MethodPost, "/v1/check?engine=nas,vps", "")
	p := b.visit(t, v.serve().URL, 1280, 800)
	p.login(token)
	p.shows("1 engine without an answer, 3 updates available")
	p.shows("Not well: pi: ")
	p.shows("1 updated on vps")
	p.until(cards + " === 'nas cache web db vps cache db web pi'")
	p.look("several engines")

	p.focus("engine")
	p.press("ArrowDown", "ArrowDown")
	p.until(cards + " === 'vps cache db web'")
	p.shows("1 update available")
	p.until("document.getElementById('trouble').hidden") // it is another's
	assert.Equal(t, "engine", p.eval("document.activeElement.id"), "what is narrowed does not move it")
	p.look("one of several engines")

	p.focus("update")
	p.press("Enter")
	p.shows("Update all that is out of date on vps?")
	assert.Equal(t, "1", p.eval("document.querySelectorAll('#sure-list li').length"))
	p.look("confirm on one engine")
	p.press("Tab", "Enter")
	p.shows("Everything is up to date")
	assert.Equal(t, "2", v.of["vps"].running("cache"))
	assert.Equal(t, "1", v.of["nas"].running("cache"), "it was not meant")
	p.until("document.getElementById('doing').textContent === 'Looked at 3 containers: 1 updated.'")

	p.eval("(s => { s.value = ''; s.dispatchEvent(new Event('change')) })(document.getElementById('engine'))")
	p.until(cards + " === 'nas cache web db vps cache db web pi'")
	p.eval("document.querySelector('#containers button').focus()")
	p.press("Enter")
	p.shows("Update cache on nas?")
	p.press("Tab", "Enter")
	p.until("document.getElementById('doing').textContent === 'Looked at 1 container: 1 updated.'")
	assert.Equal(t, "2", v.of["nas"].running("cache"))
	p.shows("nas · cache: updated")

	// One that no longer answers keeps what was known of it.
	v.of["nas"].breakDown()
	p.eval("document.getElementById('check').click()")
	p.shows("2 engines without an answer")
	p.until(cards + " === 'nas web cache db vps cache db web pi'")
	p.until("document.getElementById('doing').textContent.includes('nas: ') && document.getElementById('doing').textContent.includes('pi: ')")
	assert.Empty(t, p.complaints())
	assert.NotContains(t, strings.Join(p.requests(), " "), token)
}

func testOneWithAName(t *testing.T, b *browser) {
	t.Helper()
	v := newFleet(t, []string{"nas"}, nil, httpapi.WithEndpoints(httpapi.Page)).attached()
	v.call(http.MethodPost, "/v1/update", "")
	p := b.visit(t, v.serve().URL, 1280, 800)
	p.login(token)
	p.until(cards + ".length > 0")
	p.shows("2 updated")
	assert.Equal(t, "true", p.eval("document.getElementById('which').hidden"), "there is nothing to choose")
	assert.NotContains(t, p.eval("document.body.innerText"), "nas")
	assert.Empty(t, p.complaints())
}
