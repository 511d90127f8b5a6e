package dockerengine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// fakeEngine answers for engines that cannot be had here: newer ones, and ones
// that break in the middle.
func fakeEngine(t *testing.T, version func() string, handle func(w http.ResponseWriter, r *http.Request, path string)) *dockerengine.Engine {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", version())
		if r.URL.Path == "/_ping" {
			return
		}
		asked, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v"), "/")
		if asked != version() {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"message":"client version %s is too new. Maximum supported API version is %s"}`, asked, version())
			return
		}
		handle(w, r, "/"+path)
	}))
	t.Cleanup(server.Close)
	e, err := dockerengine.New(dockerengine.WithHost("tcp://" + server.Listener.Addr().String()))
	require.NoError(t, err)
	return e
}

func TestFromAPI144AllNetworksGoIntoTheCreateCall(t *testing.T) {
	t.Parallel()
	var body map[string]any
	var query string
	e := fakeEngine(t, func() string { return "1.44" }, func(w http.ResponseWriter, r *http.Request, path string) {
		assert.Equal(t, "/containers/create", path)
		query = r.URL.RawQuery
		raw, _ := io.ReadAll(r.Body)
		assert.NoError(t, json.Unmarshal(raw, &body))
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"Id":"abc"}`))
	})
	config, err := lifecycle.ParseDocument([]byte(`{"Image":"app:1","MacAddress":"02:42:00:00:00:07","NewField":{"exact":12345678901234567890}}`))
	require.NoError(t, err)
	id, err := e.Create(t.Context(), lifecycle.CreateOptions{Name: "web", Platform: "linux/arm64", Spec: lifecycle.Spec{
		Config:     config,
		HostConfig: lifecycle.Document{"NetworkMode": "a", "NewerField": "kept"},
		Networks:   map[string]lifecycle.Document{"a": {}, "b": {"Aliases": []string{"x"}}},
	}})
	require.NoError(t, err)
	assert.Equal(t, "abc", id)
	assert.Equal(t, "name=web&platform=linux%2Farm64", query)
	assert.Equal(t, map[string]any{
		"a": map[string]any{"MacAddress": "02:42:00:00:00:07"}, "b": map[string]any{"Aliases": []any{"x"}},
	}, body["NetworkingConfig"].(map[string]any)["EndpointsConfig"])
	assert.NotContains(t, body, "MacAddress", "it has moved to the endpoint")
	assert.Equal(t, "kept", body["HostConfig"].(map[string]any)["NewerField"], "fields the client library does not know survive")
	assert.Contains(t, body, "NewField")
}

func TestAnArchiveIsNeverSentTwice(t *testing.T) {
	t.Parallel()
	var version atomic.Value
	version.Store("1.44")
	var got bytes.Buffer
	e := fakeEngine(t, func() string { return version.Load().(string) }, func(w http.ResponseWriter, r *http.Request, path string) {
		switch path {
		case "/containers/web/json":
			version.Store("1.41") // it is replaced just now
			_, _ = w.Write([]byte(`{}`))
		case "/containers/web/archive":
			_, _ = io.Copy(&got, r.Body)
		}
	})
	err := e.CopyTo(t.Context(), "web", strings.NewReader("once"))
	require.EqualError(t, err, "dockerengine: copy to web: the engine was replaced while it was copied to")
	assert.True(t, errdefs.IsUnavailable(err))
	require.NoError(t, e.CopyTo(t.Context(), "web", strings.NewReader("whole")), "the next call knows the new one")
	assert.Equal(t, "whole", got.String())
}

func TestAPullThatFailsInItsStreamFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stream string
		is     func(error) bool
	}{
		"not found":    {`{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}`, errdefs.IsNotFound},
		"login":        {`{"error":"unauthorized: authentication required"}`, errdefs.IsUnauthorized},
		"limit":        {`{"errorDetail":{"message":"toomanyrequests: slow down"}}`, errdefs.IsResourceExhausted},
		"full disk":    {`{"errorDetail":{"message":"write /x: no space left on device"}}`, errdefs.IsResourceExhausted},
		"broken off":   {`{"status":"Downl`, errdefs.IsUnavailable},
		"no such host": {`{"error":"dial tcp: lookup r.example: no such host"}`, errdefs.IsUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := fakeEngine(t, func() string { return "1.44" }, func(w http.ResponseWriter, _ *http.Request, _ string) {
				_, _ = w.Write([]byte(`{"status":"Pulling from app"}` + "\n" + tt.stream))
			})
			err := e.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:1"})
			require.Error(t, err)
			assert.True(t, tt.is(err), "%v", err)
		})
	}
}

func TestAnInspectWithHolesIsNoPanic(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"Id":"x","Config":null,"HostConfig":null,"State":null,"NetworkSettings":null,"Mounts":null}`, `{"State":{"Health":{"Log":[]}}}`} {
		e := fakeEngine(t, func() string { return "1.44" }, func(w http.ResponseWriter, _ *http.Request, _ string) {
			_, _ = w.Write([]byte(body))
		})
		_, err := e.Inspect(t.Context(), "x")
		require.NoError(t, err, body)
		_, err = e.InspectImage(t.Context(), "x")
		require.NoError(t, err, body)
	}
}
