package enginehost

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Host is a running engine.
type Host struct {
	// Address is what DOCKER_HOST would hold.
	Address string
	// Version and APIVersion are the engine's own.
	Version, APIVersion string

	oldest string // the oldest API version it speaks
	client *http.Client
	engine killer // nil for an engine that is not the tests' own
}

// killer is an engine's process.
type killer interface {
	kill() error
	start() error
	reload() error
	// proc is where its containers' processes are told of, by the IDs it tells.
	proc() string
}

// Engine returns the engine of this test binary. Without one it skips the test,
// and fails it where an engine is required.
func Engine(t testing.TB) *Host {
	t.Helper()
	if current == nil {
		unproven(t, missing)
	}
	return current
}

func unproven(t testing.TB, why string) {
	t.Helper()
	Unproven(t, "NO ENGINE", why)
}

// Unproven skips the test, since what it needs is lacking, and fails it where that is
// required.
func Unproven(t testing.TB, lacking, why string) {
	t.Helper()
	reason := lacking + ", NOTHING PROVEN: " + why
	if os.Getenv("CI") == "true" || os.Getenv(requiredVar) == "required" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// Killable returns Engine if it may be killed: an engine that is not this test
// binary's own may not, and is as good as none. The caller must be the only test
// that uses it.
func Killable(t testing.TB) *Host {
	t.Helper()
	h := Engine(t)
	if h.engine == nil {
		unproven(t, "the engine is not the tests' own and must not be killed")
	}
	return h
}

// Own reports whether the engine is this test binary's own, in name spaces with
// it: whether what it does to files and processes can be reached.
func (h *Host) Own() bool { return h.engine != nil }

// Kill ends the engine with SIGKILL, and its containerd with it, as a crash
// would. Containers it leaves behind go on, until it starts again.
func (h *Host) Kill() error {
	err := h.engine.kill()
	h.client.CloseIdleConnections()
	return err
}

// Start starts the engine that was killed, on the same data, and returns once
// it answers.
func (h *Host) Start() error { return h.engine.start() }

// call sends one request to the engine's API and decodes the answer into out.
func (h *Host) call(ctx context.Context, method, path string, body, out any) (int, error) {
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		payload = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://engine"+path, payload)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return resp.StatusCode, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, bytes.TrimSpace(raw))
	}
	if out == nil || len(raw) == 0 {
		return resp.StatusCode, nil
	}
	if text, ok := out.(*string); ok {
		*text = string(raw)
		return resp.StatusCode, nil
	}
	return resp.StatusCode, json.Unmarshal(raw, out)
}

// API sends one request to the engine's API, which must succeed.
func (h *Host) API(t testing.TB, method, path string, body, out any) {
	t.Helper()
	_, err := h.call(context.Background(), method, path, body, out)
	require.NoError(t, err)
}

// Status sends one request and returns its status.
func (h *Host) Status(t testing.TB, method, path string, body any) int {
	t.Helper()
	status, _ := h.call(context.Background(), method, path, body, nil)
	require.NotZero(t, status, "the engine answers")
	return status
}

// Object is a JSON object.
type Object = map[string]any

// Create creates a container from the body of the engine's create call and
// removes it, by whatever name it has then, when the test ends.
func (h *Host) Create(t testing.TB, name string, body Object) (id string) {
	t.Helper()
	var out struct{ Id string } //nolint:revive // the engine's spelling
	h.API(t, http.MethodPost, "/containers/create?name="+url.QueryEscape(name), body, &out)
	t.Cleanup(func() { h.RemoveAll(t, name) })
	return out.Id
}

// Run creates a container and starts it.
func (h *Host) Run(t testing.TB, name string, body Object) (id string) {
	t.Helper()
	id = h.Create(t, name, body)
	h.API(t, http.MethodPost, "/containers/"+id+"/start", nil, nil)
	return id
}

// RemoveAll removes the container of that name, and what a swap left of it.
func (h *Host) RemoveAll(t testing.TB, name string) {
	t.Helper()
	for _, c := range h.list(t, name) {
		if c == name || strings.HasPrefix(c, name+".wt-") {
			h.Status(t, http.MethodDelete, "/containers/"+c+"?force=1&v=1", nil)
		}
	}
}

// List returns the names of all containers.
func (h *Host) List(t testing.TB) []string { t.Helper(); return h.list(t, "") }

// list returns the names of containers that have the text in one of theirs.
func (h *Host) list(t testing.TB, text string) []string {
	t.Helper()
	filters, err := json.Marshal(map[string][]string{"name": {regexp.QuoteMeta(text)}})
	require.NoError(t, err)
	var list []struct{ Names []string }
	h.API(t, http.MethodGet, "/containers/json?all=1&filters="+url.QueryEscape(string(filters)), nil, &list)
	var out []string
	for _, c := range list {
		for _, name := range c.Names {
			out = append(out, strings.TrimPrefix(name, "/"))
		}
	}
	return out
}

// Inspect returns the engine's inspect of a container.
func (h *Host) Inspect(t testing.TB, ref string) Object {
	t.Helper()
	var out Object
	h.API(t, http.MethodGet, "/containers/"+ref+"/json", nil, &out)
	return out
}

// ImageExists reports whether the engine has the image.
func (h *Host) ImageExists(t testing.TB, ref string) bool {
	t.Helper()
	return h.Status(t, http.MethodGet, "/images/"+ref+"/json", nil) == http.StatusOK
}

// Network creates a bridge network with the given subnet, empty for any, and
// removes it when the test ends.
func (h *Host) Network(t testing.TB, name, subnet string) {
	t.Helper()
	body := Object{"Name": name}
	if subnet != "" {
		body["IPAM"] = Object{"Config": []Object{{"Subnet": subnet}}}
	}
	h.API(t, http.MethodPost, "/networks/create", body, nil)
	t.Cleanup(func() { h.Status(t, http.MethodDelete, "/networks/"+name, nil) })
}

// Volume removes the named volume when the test ends; the engine makes it.
func (h *Host) Volume(t testing.TB, name string) {
	t.Helper()
	t.Cleanup(func() { h.Status(t, http.MethodDelete, "/volumes/"+name, nil) })
}

// Exec runs a command in a container and returns what it wrote.
func (h *Host) Exec(t testing.TB, ref string, command ...string) string {
	t.Helper()
	var made struct{ Id string } //nolint:revive // the engine's spelling
	h.API(t, http.MethodPost, "/containers/"+ref+"/exec",
		Object{"Cmd": command, "AttachStdout": true, "AttachStderr": true, "Tty": true}, &made)
	var out string
	h.API(t, http.MethodPost, "/exec/"+made.Id+"/start", Object{"Tty": true}, &out)
	return strings.TrimSpace(strings.ReplaceAll(out, "\r\n", "\n"))
}

// Pull pulls a reference with an optional X-Registry-Auth header, as the
// engine's own users do.
func (h *Host) Pull(t testing.TB, ref, auth string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost,
		"http://engine/images/create?fromImage="+url.QueryEscape(ref), nil)
	require.NoError(t, err)
	if auth != "" {
		req.Header.Set("X-Registry-Auth", auth)
	}
	resp, err := h.client.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, string(raw))
	require.NotContains(t, string(raw), "errorDetail", "pull of "+ref)
}
