package dockerengine_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

func onlyVersion(version string) func() string { return func() string { return version } }

// What a newer engine knows of a service goes back to it, to the last digit.
func TestAServiceGoesBackAsItCame(t *testing.T) {
	t.Parallel()
	const spec = `{"Later":{"exact":12345678901234567890},"Mode":{"Global":{}},"Name":"web",` +
		`"TaskTemplate":{"ContainerSpec":{"Image":"app:1@sha256:x"},"ForceUpdate":18446744073709551615}}`
	var posted *http.Request
	var body []byte
	status, answer := http.StatusOK, `{"Warnings":["odd"]}`
	e := fakeEngine(t, onlyVersion("1.44"), func(w http.ResponseWriter, r *http.Request, path string) {
		switch path {
		case "/services", "/services/web":
			text := `{"ID":"abc","Version":{"Index":7},"Spec":` + spec + `,"UpdateStatus":{"State":"paused","Message":"why","StartedAt":"2026-01-02T03:04:05.6Z","CompletedAt":null},` +
				`"PreviousSpec":{"TaskTemplate":{"ContainerSpec":{"Image":"app:1@sha256:w"}}}}`
			if path == "/services" {
				text = "[" + text + "]"
			}
			_, _ = io.WriteString(w, text)
		case "/services/abc/update":
			posted = r
			body, _ = io.ReadAll(r.Body)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, answer)
		default:
			t.Error("asked for", path)
		}
	})
	list, err := e.Services(t.Context())
	require.NoError(t, err)
	web, err := e.Service(t.Context(), "web")
	require.NoError(t, err)
	assert.Equal(t, []lifecycle.Service{web}, list)
	assert.Equal(t, lifecycle.ModeGlobal, web.Mode)
	assert.Equal(t, lifecycle.RolloutPaused, web.Rollout)
	assert.Equal(t, "why", web.Message)
	assert.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC), web.RolloutStarted)
	assert.Zero(t, web.RolloutEnded)
	assert.Equal(t, "app:1@sha256:w", web.PreviousImage)

	opts := lifecycle.ServiceOptions{Service: web.ID, Version: web.Version, Spec: web.Spec, Reference: "registry.example/app:1"}
	warnings, err := e.UpdateService(t.Context(), opts)
	require.NoError(t, err)
	assert.Equal(t, []string{"odd"}, warnings)
	assert.Equal(t, "7", posted.URL.Query().Get("version"))
	assert.Empty(t, posted.Header["X-Registry-Auth"], "the swarm keeps the login it has")
	assert.JSONEq(t, spec, string(body))
	assert.Contains(t, string(body), "12345678901234567890", "no number was rounded")
	assert.Contains(t, string(body), "18446744073709551615")

	opts.Credential = credentials.Credential{Username: "me", Password: credentials.NewSecret("pass")}
	_, err = e.UpdateService(t.Context(), opts)
	require.NoError(t, err)
	data, err := base64.URLEncoding.DecodeString(posted.Header.Get("X-Registry-Auth"))
	require.NoError(t, err)
	var login map[string]string
	require.NoError(t, json.Unmarshal(data, &login))
	assert.Equal(t, map[string]string{"username": "me", "password": "pass", "serveraddress": "registry.example"}, login)

	// As engine 20.10 was seen to answer.
	status, answer = http.StatusInternalServerError, `{"message":"rpc error: code = Unknown desc = update out of sequence"}`
	_, err = e.UpdateService(t.Context(), opts)
	require.ErrorIs(t, err, errdefs.ErrConflict)
	status, answer = http.StatusInternalServerError, `{"message":"rpc error: code = Unknown desc = The swarm does not have a leader"}`
	_, err = e.UpdateService(t.Context(), opts)
	require.Error(t, err)
	assert.False(t, errdefs.IsConflict(err))
}

func TestWhichPartAnEngineHasInASwarm(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		swarm string
		want  lifecycle.Cluster
	}{
		"none":          {`{"LocalNodeState":"inactive"}`, lifecycle.Cluster{}},
		"none, Podman":  {`{}`, lifecycle.Cluster{}},
		"a worker":      {`{"LocalNodeState":"active","ControlAvailable":false}`, lifecycle.Cluster{Role: lifecycle.RoleWorker}},
		"a locked node": {`{"LocalNodeState":"locked","ControlAvailable":false}`, lifecycle.Cluster{Role: lifecycle.RoleWorker}},
		"a manager": {`{"LocalNodeState":"active","ControlAvailable":true,"Cluster":{"ID":"abc"}}`, lifecycle.Cluster{
			Role: lifecycle.RoleManager, ID: "abc", Platforms: []string{"linux/amd64", "linux/arm/v7", "linux/arm64", "linux/s390x"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			infos := 0
			e := fakeEngine(t, onlyVersion("1.41"), func(w http.ResponseWriter, _ *http.Request, path string) {
				if path == "/info" {
					infos++
					_, _ = fmt.Fprintf(w, `{"Swarm":%s,"RegistryConfig":{}}`, tt.swarm)
					return
				}
				assert.Equal(t, "/nodes", path)
				var list []map[string]any
				for _, arch := range []string{"x86_64", "aarch64", "armv7l", "s390x", "x86_64", ""} {
					list = append(list, map[string]any{"Description": map[string]any{"Platform": map[string]string{"OS": "linux", "Architecture": arch}}})
				}
				assert.NoError(t, json.NewEncoder(w).Encode(list))
			})
			_, err := e.RegistryConfig(t.Context())
			require.NoError(t, err)
			for range 2 {
				got, err := e.Cluster(t.Context())
				require.NoError(t, err)
				assert.Equal(t, tt.want, got)
			}
			assert.Equal(t, 1, infos, "one answer tells of both")
		})
	}
}

func TestWhatTasksSay(t *testing.T) {
	t.Parallel()
	var filters string
	e := fakeEngine(t, onlyVersion("1.41"), func(w http.ResponseWriter, r *http.Request, _ string) {
		filters = r.URL.Query().Get("filters")
		_, _ = io.WriteString(w, `[{"ID":"t1","CreatedAt":"2026-01-02T03:04:05Z","Spec":{"ContainerSpec":{"Image":"app:1"}},"DesiredState":"shutdown",`+
			`"Status":{"State":"failed","Err":"task: non-zero exit (3)","ContainerStatus":{"ExitCode":3}}}]`)
	})
	tasks, err := e.Tasks(t.Context(), "abc")
	require.NoError(t, err)
	assert.JSONEq(t, `{"service":["abc"]}`, filters)
	assert.Equal(t, []lifecycle.Task{{
		ID: "t1", Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Image: "app:1", Wanted: "shutdown", State: "failed", Err: "task: non-zero exit (3)", ExitCode: 3,
	}}, tasks)
	gone, err := dockerengine.New(dockerengine.WithHost("unix:///nowhere.sock"))
	require.NoError(t, err)
	_, err = gone.Cluster(t.Context())
	require.ErrorIs(t, err, errdefs.ErrUnavailable)
}
