package main

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

const (
	apiToken  = "canary-token"
	apiEvents = "canary-events"
	apiSecret = "canary-webhook"
)

// served is the program with its API on.
type served struct {
	*process

	address string
	client  *http.Client
}

// freeAddress is one that nobody listens on.
func freeAddress(t testing.TB) (host, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	host, port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return host, port
}

// serving starts the program and waits until it answers.
func serving(t testing.TB, env []string, args ...string) *served {
	t.Helper()
	host, port := freeAddress(t)
	s := &served{address: net.JoinHostPort(host, port), client: &http.Client{Timeout: time.Minute}}
	s.process = start(t, append([]string{
		"WATCHTOWER_HTTP_API_HOST=" + host, "WATCHTOWER_HTTP_API_PORT=" + port, "WATCHTOWER_HTTP_API_TOKEN=" + apiToken,
		"WATCHTOWER_HTTP_API_EVENTS_TOKEN=" + apiEvents, "WATCHTOWER_HTTP_API_WEBHOOK_SECRET=" + apiSecret,
	}, env...), args...)
	t.Cleanup(s.client.CloseIdleConnections)
	require.Eventually(t, func() bool { return s.call(t, http.MethodGet, "/livez", "", "").code == http.StatusOK }, 20*time.Second, 20*time.Millisecond,
		"it does not answer: %s", s.stderr.String())
	return s
}

// reply is what came back; code 0: nothing did.
type reply struct {
	code int
	text string
	body object
}

func (s *served) call(t testing.TB, method, path, token, body string, header ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+path, strings.NewReader(body))
	require.NoError(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return reply{text: err.Error()}
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{text: err.Error()}
	}
	r := reply{code: resp.StatusCode, text: string(text)}
	_ = json.Unmarshal(text, &r.body) // a probe's is none
	return r
}

// updateAll asks for an update of all until its turn has come: at the start a first look
// at the engine may be in hand.
func (s *served) updateAll(t testing.TB) reply {
	t.Helper()
	for {
		if r := s.call(t, http.MethodPost, "/v1/update", apiToken, ""); r.code != http.StatusTooManyRequests {
			return r
		}
	}
}

// raw writes the head at once and the rest byte by byte, and reads the first line that
// comes back, and how long that took.
func (s *served) raw(t testing.TB, head string, rest int) (line string, took time.Duration) {
	t.Helper()
	conn, err := net.Dial("tcp", s.address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	begin := time.Now()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		line, _ = bufio.NewReader(conn).ReadString('\n')
	}()
	_, err = io.WriteString(conn, head)
	require.NoError(t, err)
	for range rest {
		select {
		case <-gone:
			return strings.TrimSpace(line), time.Since(begin)
		case <-time.After(200 * time.Millisecond):
			_, _ = io.WriteString(conn, "x") // until it is hung up on
		}
	}
	<-gone
	return strings.TrimSpace(line), time.Since(begin)
}

// rows is a table of what was asked and what came back.
type rows struct{ lines [][3]string }

func (r *rows) add(what, asked string, got any) {
	r.lines = append(r.lines, [3]string{what, asked, fmt.Sprint(got)})
}

func (r *rows) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, l := range r.lines {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", l[0], l[1], l[2])
	}
	_ = w.Flush()
	return "\n" + b.String()
}

// behind runs a container on an image that has a newer one.
func behind(t testing.TB, host *enginehost.Host, reg *enginehost.Registry, name string) (ref string) {
	t.Helper()
	ref, _ = reg.Push(t, name+":1", enginehost.Image{})
	host.Pull(t, ref, "")
	host.Run(t, name, object{"Image": ref})
	reg.Push(t, name+":1", enginehost.Image{Env: []string{"VERSION=2"}})
	return ref
}

func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 110 {
		return text[:110] + "…"
	}
	return text
}

func TestTheAPIOfTheRunningProgram(t *testing.T) {
	host, reg := enginehost.Engine(t), enginehost.StartRegistry(t)
	behind(t, host, reg, "api-a")
	refB := behind(t, host, reg, "api-b")
	s := serving(t, engineEnv(host, "WATCHTOWER_HTTP_API_ENDPOINTS=all", "WATCHTOWER_HTTP_API_RATE_LIMIT=100000", "WATCHTOWER_STABLE_TIME=3"),
		"api-a", "api-b")
	table := &rows{}
	expect := func(what string, want int, method, path, token, body string, header ...string) reply {
		t.Helper()
		r := s.call(t, method, path, token, body, header...)
		assert.Equal(t, want, r.code, "%s: %s", what, r.text)
		table.add(what, method+" "+path, fmt.Sprint(r.code, " ", short(r.text)))
		return r
	}
	expect("a probe", 200, "GET", "/livez", "", "")
	expect("a probe", 200, "GET", "/readyz", "", "")
	expect("a probe", 200, "GET", "/startupz", "", "")
	expect("the document", 200, "GET", "/v1/openapi.json", "", "")
	expect("the status page", 200, "GET", "/", "", "")
	expect("no token", 401, "POST", "/v1/update", "", "")
	expect("a wrong token", 401, "POST", "/v1/update", "guess", "")
	expect("a token of another kind", 401, "GET", "/v1/status", apiEvents, "")
	expect("an unknown parameter", 400, "POST", "/v1/update?containre=api-a", apiToken, "")
	expect("another method", 405, "DELETE", "/v1/update", apiToken, "")
	expect("nothing there", 404, "GET", "/v1/nothing", apiToken, "")
	expect("a body of 65 KiB", 413, "POST", "/v1/update", apiToken, strings.Repeat("x", 65<<10))
	expect("a webhook of 2 MiB", 413, "POST", "/v1/webhook?secret="+apiSecret, "", strings.Repeat(" ", 2<<20))
	expect("a header of 20 KiB", 431, "GET", "/v1/status", apiToken, "", "X-Long", strings.Repeat("x", 20<<10))
	expect("metrics without a token", 401, "GET", "/v1/metrics", "", "")
	expect("a webhook without its secret", 401, "POST", "/v1/webhook", "", "{}")
	line, took := s.raw(t, "GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ", 100)
	assert.NotContains(t, line, "200")
	assert.Less(t, took, 10*time.Second)
	table.add("a header that comes byte by byte", "GET /livez", fmt.Sprintf("%s after %v", line, took.Round(100*time.Millisecond)))
	line, took = s.raw(t, "POST /v1/update HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+apiToken+"\r\nContent-Length: 1000\r\n\r\n", 100)
	assert.NotContains(t, line, "200")
	assert.Less(t, took, 15*time.Second)
	table.add("a body that comes byte by byte", "POST /v1/update", fmt.Sprintf("%s after %v", line, took.Round(100*time.Millisecond)))
	line, _ = s.raw(t, "rubbish\r\n\r\n", 0)
	assert.Contains(t, line, "400")
	table.add("no HTTP", "rubbish", line)

	containers := expect("what is watched", 200, "GET", "/v1/containers", apiToken, "")
	assert.InDelta(t, 2, containers.body["count"], 0)
	check := expect("a check", 200, "POST", "/v1/check", apiToken, "")
	assert.Equal(t, true, check.body["containers"].([]any)[0].(object)["update_available"])
	config := expect("the settings", 200, "GET", "/v1/config", apiToken, "")
	assert.Contains(t, config.text, `{"name":"http-api-token","value":"***","from":"WATCHTOWER_HTTP_API_TOKEN"}`)

	follow, end := context.WithCancel(t.Context())
	defer end()
	events := s.events(follow, t)
	// One update of all, and while it lasts others.
	first := make(chan reply, 1)
	go func() { first <- s.updateAll(t) }()
	require.Eventually(t, func() bool { return strings.Contains(s.stderr.String(), "msg=stop") }, 20*time.Second, time.Millisecond)
	var busy sync.WaitGroup
	codes := make(chan int, 20)
	for range 20 {
		busy.Go(func() { codes <- s.call(t, "POST", "/v1/update", apiToken, "").code })
	}
	busy.Wait()
	close(codes)
	for code := range codes {
		assert.Equal(t, http.StatusTooManyRequests, code)
	}
	table.add("20 at once, while an update is made", "POST /v1/update", "429 each, Retry-After: 30")
	expect("one for some does not wait for long", 503, "GET", "/v1/update?container=api-a&timeout=500ms", apiToken, "")
	accepted := expect("one for some, later", 202, "GET", "/v1/update?container=api-a&async=true", apiToken, "")
	r := <-first
	assert.Equal(t, http.StatusOK, r.code, r.text)
	assert.InDelta(t, 2, r.body["summary"].(object)["updated"], 0)
	table.add("the update", "POST /v1/update", fmt.Sprint(r.code, " ", short(r.text)))
	require.Eventually(t, func() bool {
		return s.call(t, "GET", accepted.body["location"].(string), apiToken, "").body["state"] == "done"
	}, 20*time.Second, 50*time.Millisecond)
	expect("what became of the later one", 200, "GET", accepted.body["location"].(string), apiToken, "")
	history := expect("the history", 200, "GET", "/v1/history", apiToken, "")
	assert.InDelta(t, 4, history.body["count"], 0, "a check, two updates, and one that was withdrawn: %s", history.text)
	assert.Contains(t, expect("metrics", 200, "GET", "/v1/metrics", apiToken, "").text, "\nwatchtower_scans_total 2\n")
	status := expect("the status", 200, "GET", "/v1/status", apiToken, "")
	assert.Equal(t, true, status.body["healthy"])
	assert.Equal(t, "updated", s.call(t, "GET", "/v1/containers?name=api-b", apiToken, "").body["containers"].([]any)[0].(object)["status"])

	// A push, of which the registry tells as GitHub signs.
	reg.Push(t, "api-b:1", enginehost.Image{Env: []string{"VERSION=3"}})
	running := host.Inspect(t, "api-b")["Id"]
	repository := refB[strings.Index(refB, "/")+1 : strings.LastIndex(refB, ":")]
	push := fmt.Sprintf(`{"events":[{"action":"push","target":{"repository":%q,"tag":"1"},"request":{"host":%q}}]}`, repository, refB[:strings.Index(refB, "/")])
	mac := hmac.New(sha256.New, []byte(apiSecret))
	_, _ = mac.Write([]byte(push))
	expect("a webhook", 202, "POST", "/v1/webhook", "", push, "X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	require.Eventually(t, func() bool { return host.Inspect(t, "api-b")["Id"] != running }, 30*time.Second, 100*time.Millisecond)
	table.add("what came of it", "", "api-b was replaced")

	end()
	seen := <-events
	table.add("the events of all that", "GET /v1/events", short(strings.Join(seen, " ")))
	for _, kind := range []string{"scan_started", "update_found", "step_started", "update_ended", "scan_completed", "scan_skipped"} {
		assert.Contains(t, seen, kind)
	}
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	assert.Equal(t, exitOK, s.wait(t), s.stderr.String())
	for _, text := range []string{s.stderr.String(), table.String()} {
		assert.NotContains(t, strings.ReplaceAll(text, "?secret="+apiSecret, ""), "canary")
	}
	t.Log(table)
}

// events reads what is told until ctx ends.
func (s *served) events(ctx context.Context, t *testing.T) <-chan []string {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/v1/events?access_token="+apiEvents, nil)
	require.NoError(t, err)
	resp, err := new(http.Client).Do(req) //nolint:bodyclose // below
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	out := make(chan []string, 1)
	go func() {
		defer func() { _ = resp.Body.Close() }()
		var seen []string
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if kind, ok := strings.CutPrefix(lines.Text(), "event: "); ok && !slices.Contains(seen, kind) {
				seen = append(seen, kind)
			}
		}
		out <- seen
	}()
	return out
}

// A signal while an update was asked for over HTTP: the swap in hand is finished or
// undone, its caller is answered, and the program says 0.
func TestASignalWhileTheAPIUpdates(t *testing.T) {
	host, reg := enginehost.Engine(t), enginehost.StartRegistry(t)
	behind(t, host, reg, "api-signal")
	s := serving(t, engineEnv(host, "WATCHTOWER_HTTP_API_UPDATE=true", "WATCHTOWER_HTTP_API_ENDPOINTS=health", "WATCHTOWER_HTTP_API_RATE_LIMIT=100000",
		"WATCHTOWER_STABLE_TIME=2"), "api-signal")
	t.Cleanup(func() { t.Log(s.stderr.String()) })
	says := func(text string) func() bool { return func() bool { return strings.Contains(s.stderr.String(), text) } }
	require.Eventually(t, says(`schedule="none: a pass is made when one is asked for over HTTP"`), 20*time.Second, time.Millisecond)
	got := make(chan reply, 1)
	go func() { got <- s.updateAll(t) }()
	require.Eventually(t, says("msg=start"), 20*time.Second, time.Millisecond)
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	r := <-got
	assert.Equal(t, http.StatusOK, r.code, r.text)
	assert.Equal(t, exitOK, s.wait(t), s.stderr.String())
	assert.Equal(t, true, host.Inspect(t, "api-signal")["State"].(object)["Running"])
}

func TestWhatKeepsTheAPIFromListening(t *testing.T) {
	host := enginehost.Engine(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"a port that is taken":       {[]string{"--http-api-port", port}, "address already in use"},
		"a certificate that is none": {[]string{"--http-api-tls-cert=/nowhere", "--http-api-tls-key=/nowhere"}, "watchtower: the HTTP API's certificate: stat /nowhere: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := runProgram(t, engineEnv(host, "WATCHTOWER_HTTP_API_TOKEN=canary"), append(tt.args, "--http-api-update", "--http-api-host=127.0.0.1", "nobody")...)
			assert.Equal(t, exitFailed, code)
			assert.Contains(t, stderr, tt.want)
			assert.NotContains(t, stderr, "canary")
		})
	}
}
