package httpapi_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// browser is a real one, spoken to in the DevTools protocol over a pipe.
type browser struct {
	in io.Writer

	mu      sync.Mutex
	number  int
	waiting map[int]chan reply
	tabs    map[string]*tab
}

type reply struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// newBrowser starts one, which reaches this machine alone. Without one the test is
// skipped, and fails where everything is to be proven.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		reason := "NO BROWSER, NOTHING PROVEN: " + err.Error()
		if os.Getenv("CI") == "true" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	home, err := os.MkdirTemp("", "browser") //nolint:usetesting // what it still writes when it has ended is no failure
	require.NoError(t, err)
	toBrowser, in, err := os.Pipe()
	require.NoError(t, err)
	out, fromBrowser, err := os.Pipe()
	require.NoError(t, err)
	args := []string{
		"--headless", "--remote-debugging-pipe", "--user-data-dir=" + home, "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-breakpad",
		"--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
	}
	if os.Getuid() == 0 {
		args = append(args, "--no-sandbox")
	}
	var said bytes.Buffer
	cmd := exec.Command(path, append(args, "about:blank")...)
	cmd.Env = append(os.Environ(), "HOME="+home)
	cmd.ExtraFiles = []*os.File{toBrowser, fromBrowser}
	cmd.Stderr, cmd.WaitDelay = &said, 10*time.Second
	require.NoError(t, cmd.Start())
	_, _ = toBrowser.Close(), fromBrowser.Close()
	b := &browser{in: in, waiting: map[int]chan reply{}, tabs: map[string]*tab{}}
	go b.read(out)
	t.Cleanup(func() {
		_ = in.Close() // which ends it
		end := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		end.Stop()
		_ = out.Close()
		_ = os.RemoveAll(home)
		if t.Failed() {
			t.Log(said.String())
		}
	})
	return b
}

// read hands on what the browser says.
func (b *browser) read(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			reply
			ID      int
			Session string `json:"sessionId"`
			Method  string
			Params  json.RawMessage
		}
		if json.Unmarshal(bytes.TrimRight(line, "\x00"), &m) != nil {
			continue
		}
		b.mu.Lock()
		if answer, ok := b.waiting[m.ID]; ok {
			answer <- m.reply
			delete(b.waiting, m.ID)
		} else if p := b.tabs[m.Session]; p != nil {
			p.note(m.Method, m.Params)
		}
		b.mu.Unlock()
	}
}

// ask asks for one thing.
func (b *browser) ask(session, method string, params any) (json.RawMessage, error) {
	b.mu.Lock()
	b.number++
	id, answer := b.number, make(chan reply, 1)
	b.waiting[id] = answer
	message := object{"id": id, "method": method, "params": params}
	if session != "" {
		message["sessionId"] = session
	}
	line, err := json.Marshal(message)
	if err == nil {
		_, err = b.in.Write(append(line, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case r := <-answer:
		if r.Error != nil {
			return nil, fmt.Errorf("%s: %s", method, r.Error.Message)
		}
		return r.Result, nil
	case <-time.After(time.Minute):
		return nil, fmt.Errorf("%s: no answer", method)
	}
}

// call asks for one thing, and reads what comes of it.
func (b *browser) call(t *testing.T, session, method string, params, into any) {
	t.Helper()
	result, err := b.ask(session, method, params)
	require.NoError(t, err)
	if into != nil {
		require.NoError(t, json.Unmarshal(result, into))
	}
}

// tab shows pages to one visitor, of whom others know nothing.
type tab struct {
	*browser

	t       *testing.T
	session string
	wrong   []string // what the page or the browser complained of, in the browser's lock
	asked   []string // the addresses that were asked
}

// visit opens the address in a window of that size.
func (b *browser) visit(t *testing.T, url string, width, height int) *tab {
	t.Helper()
	var context struct{ BrowserContextID string }
	b.call(t, "", "Target.createBrowserContext", object{"disposeOnDetach": true}, &context)
	var target struct{ TargetID string }
	b.call(t, "", "Target.createTarget", object{"url": "about:blank", "browserContextId": context.BrowserContextID}, &target)
	var session struct{ SessionID string }
	b.call(t, "", "Target.attachToTarget", object{"targetId": target.TargetID, "flatten": true}, &session)
	p := &tab{browser: b, t: t, session: session.SessionID}
	b.mu.Lock()
	b.tabs[p.session] = p
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		p.do(domain+".enable", object{}, nil)
	}
	p.resize(width, height)
	p.do("Page.navigate", object{"url": url}, nil)
	p.until("document.readyState === 'complete' && location.href !== 'about:blank'")
	t.Cleanup(func() { b.call(t, "", "Target.closeTarget", object{"targetId": target.TargetID}, nil) })
	return p
}

func (p *tab) do(method string, params object, into any) {
	p.t.Helper()
	p.call(p.t, p.session, method, params, into)
}

// note keeps what is to be known of what the page does.
func (p *tab) note(method string, params json.RawMessage) {
	var e struct {
		Entry   struct{ Source, Level, Text string }
		Details struct {
			Text      string
			Exception struct{ Description string }
		} `json:"exceptionDetails"`
		Request struct{ URL string }
	}
	_ = json.Unmarshal(params, &e)
	switch {
	case method == "Log.entryAdded" && e.Entry.Source == "network": // where a refusal is no fault of the page
	case method == "Log.entryAdded" && (e.Entry.Level == "warning" || e.Entry.Level == "error"):
		p.wrong = append(p.wrong, e.Entry.Level+": "+e.Entry.Text)
	case method == "Runtime.exceptionThrown":
		p.wrong = append(p.wrong, e.Details.Text+": "+e.Details.Exception.Description)
	case method == "Network.requestWillBeSent":
		p.asked = append(p.asked, e.Request.URL)
	}
}

func (p *tab) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wrong
}

func (p *tab) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *tab) resize(width, height int) {
	p.t.Helper()
	p.do("Emulation.setDeviceMetricsOverride", object{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
}

// prefer sets what the visitor prefers: "prefers-color-scheme", "dark".
func (p *tab) prefer(feature, value string) {
	p.t.Helper()
	p.do("Emulation.setEmulatedMedia", object{"features": []object{{"name": feature, "value": value}}}, nil)
}

// try is what the script comes to, as text. While a page goes and another comes there
// is none to run it in.
func (p *tab) try(script string) (string, error) {
	result, err := p.ask(p.session, "Runtime.evaluate", object{"expression": script, "returnByValue": true, "awaitPromise": true})
	if err != nil {
		return "", err
	}
	var out struct {
		Result  struct{ Value any }
		Details *struct{ Exception struct{ Description string } } `json:"exceptionDetails"`
	}
	if err := json.Unmarshal(result, &out); err != nil {
		return "", err
	}
	if out.Details != nil {
		return "", fmt.Errorf("%s: %s", script, out.Details.Exception.Description)
	}
	return fmt.Sprint(out.Result.Value), nil
}

func (p *tab) eval(script string) string {
	p.t.Helper()
	out, err := p.try(script)
	require.NoError(p.t, err)
	return out
}

// until waits for the script to come to true.
func (p *tab) until(script string) {
	p.t.Helper()
	is := func() bool { out, err := p.try("Boolean(" + script + ")"); return err == nil && out == "true" }
	require.Eventually(p.t, is, time.Minute, 20*time.Millisecond, "%s", lazily(func() string {
		text, err := p.try("document.body.innerText")
		return fmt.Sprint(script, "\n", text, err, "\n", strings.Join(p.complaints(), "\n"))
	}))
}

// lazily is a text that is made when it is needed.
type lazily func() string

func (l lazily) String() string { return l() }

// shows waits for the text to be seen.
func (p *tab) shows(text string) {
	p.t.Helper()
	quoted, err := json.Marshal(text)
	require.NoError(p.t, err)
	p.until(fmt.Sprintf("document.body.innerText.includes(%s)", quoted))
}

func (p *tab) types(text string) {
	p.t.Helper()
	p.do("Input.insertText", object{"text": text}, nil)
}

// press presses keys one after another: "Tab", "Enter", "Escape", "ArrowDown".
func (p *tab) press(keys ...string) {
	p.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, "Escape": 27, "ArrowDown": 40}
	for _, key := range keys {
		event := object{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
		if key == "Enter" {
			event["text"] = "\r"
		}
		p.do("Input.dispatchKeyEvent", event, nil)
		p.do("Input.dispatchKeyEvent", object{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}, nil)
	}
}

// screenshots is where they are kept, if somebody wants to look.
const screenshots = "WATCHTOWER_TEST_SCREENSHOTS"

// focus goes on with Tab until the element of that ID has the focus.
func (p *tab) focus(id string) {
	p.t.Helper()
	for range 20 {
		if p.eval("document.activeElement.id") == id {
			return
		}
		p.press("Tab")
	}
	p.t.Fatalf("Tab does not lead to %s", id)
}

// screenshot keeps the whole page as it is seen.
func (p *tab) screenshot(name string) {
	p.t.Helper()
	directory := os.Getenv(screenshots)
	if directory == "" {
		return
	}
	var out struct{ Data string }
	p.do("Page.captureScreenshot", object{"format": "png", "captureBeyondViewport": true}, &out)
	data, err := base64.StdEncoding.DecodeString(out.Data)
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(filepath.Join(directory, name+".png"), data, 0o600))
}
