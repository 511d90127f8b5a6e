package dockerengine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// What Docker 29 says with containerd's image store: of a container which of an
// index's manifests it runs, and of an image, to those who ask for it at a version
// newer than the client's own, whether it came from a registry.
func TestContainerdsImageStore(t *testing.T) {
	t.Parallel()
	const index, manifest = "sha256:9edc180cd2d0ad7dc6dfdf5168f94221116a92bb32e8cb56280cc3cf7a8ac8cb", "sha256:b3caaa826128e2f4d496f860f786e1fe394e7d3b9b205a43eed8ef41138bd167"
	const running = `"ImageManifestDescriptor":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + manifest +
		`","size":427,"platform":{"architecture":"arm64","os":"linux","variant":"v8"}}`
	answers := map[string]string{
		"/containers/json":                       `[{"Id":"a","Names":["/web"],"Image":"app:1","ImageID":"` + index + `",` + running + `},{"Id":"b","Names":["/old"]}]`,
		"/images/r.example:5000/team/app:1/json": `{"Id":"` + index + `","Os":"linux","Architecture":"arm64","Variant":"v8"}`,
		"/containers/web/json":                   `{"Id":"a","Name":"/web","Image":"` + index + `","Config":{"Image":"app:1"},` + running + `}`,
		"/images/json": `[
			{"Id":"pulled","RepoTags":["app:1"],"RepoDigests":["app@` + index + `"],"Descriptor":{"digest":"` + index + `"},"Manifests":[
				{"ImageData":{"Containers":null}},{"ImageData":{"Identity":{"Pull":[{"Repository":"docker.io/library/app"}]}}}]},
			{"Id":"built","RepoDigests":["mine@` + manifest + `"],"Descriptor":{},"Manifests":[
				{"ImageData":{"Identity":{"Build":[{"Ref":"x"}]}}},{"ImageData":null},{"AttestationData":{"For":"` + manifest + `"}}]},
			{"Id":"classic","RepoDigests":["app@` + index + `"],"RepoTags":["<none>:<none>"]}]`,
	}
	server := func(newest string) (address string, asked *[]string) {
		asked = &[]string{}
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Api-Version", newest)
			if r.URL.Path != "/_ping" {
				*asked = append(*asked, r.URL.String())
				_, path, _ := strings.Cut(r.URL.Path[1:], "/")
				_, _ = w.Write([]byte(answers["/"+path]))
			}
		}))
		t.Cleanup(s.Close)
		return "tcp://" + s.Listener.Addr().String(), asked
	}
	for name, tt := range map[string]struct {
		newest  string
		opts    []dockerengine.Option
		asked   string
		origins []lifecycle.Origin
	}{
		"from API 1.54 on": {
			"1.56", nil, "/v1.54/images/json?identity=1&manifests=1",
			[]lifecycle.Origin{lifecycle.OriginRegistry, lifecycle.OriginLocal, lifecycle.OriginUnknown},
		},
		"below":                 {"1.50", nil, "/v1.50/images/json", make([]lifecycle.Origin, 3)},
		"at an older, demanded": {"1.56", []dockerengine.Option{dockerengine.WithAPIVersion("1.49")}, "/v1.49/images/json", make([]lifecycle.Origin, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, asked := server(tt.newest)
			e, err := dockerengine.New(append([]dockerengine.Option{dockerengine.WithHost(address)}, tt.opts...)...)
			require.NoError(t, err)
			images, err := e.Images(t.Context())
			require.NoError(t, err)
			assert.Equal(t, []string{tt.asked}, *asked, "one call")
			var origins []lifecycle.Origin
			for _, image := range images {
				origins = append(origins, image.Origin)
			}
			assert.Equal(t, tt.origins, origins)
			assert.Equal(t, lifecycle.Image{ID: "classic", Digests: []string{"app@" + index}}, images[2])

			list, err := e.Containers(t.Context())
			require.NoError(t, err)
			snap, err := e.Inspect(t.Context(), "web")
			require.NoError(t, err)
			for _, c := range []lifecycle.Container{list[0], snap.Container} {
				assert.Equal(t, manifest, c.ImageManifest)
				assert.Equal(t, "linux/arm64/v8", c.ImagePlatform)
			}
			assert.Empty(t, list[1].ImageManifest+list[1].ImagePlatform, "created before the engine kept it")

			image, err := e.InspectImageFor(t.Context(), "r.example:5000/team/app:1", "linux/arm64/v8")
			require.NoError(t, err)
			assert.Equal(t, "linux/arm64/v8", image.Platform)
			last, err := url.ParseRequestURI((*asked)[len(*asked)-1])
			require.NoError(t, err)
			assert.JSONEq(t, `{"os":"linux","architecture":"arm64","variant":"v8"}`, last.Query().Get("platform"))
			_, err = e.InspectImage(t.Context(), "r.example:5000/team/app:1")
			require.NoError(t, err)
			assert.NotContains(t, (*asked)[len(*asked)-1], "?")
		})
	}
}

// The version it had is refused by an engine that was put in its place.
func TestImagesOfAnEngineThatWasReplacedByAnOlderOne(t *testing.T) {
	t.Parallel()
	var newest atomic.Value
	newest.Store("1.56")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		have := newest.Load().(string)
		w.Header().Set("Api-Version", have)
		asked, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v"), "/")
		if r.URL.Path != "/_ping" && asked > have {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"message":"client version %s is too new. Maximum supported API version is %s"}`, asked, have)
			return
		}
		_, _ = w.Write([]byte(`[]`))
	}))
	t.Cleanup(s.Close)
	e, err := dockerengine.New(dockerengine.WithHost("tcp://" + s.Listener.Addr().String()))
	require.NoError(t, err)
	_, err = e.Images(t.Context())
	require.NoError(t, err)
	newest.Store("1.43")
	_, err = e.Images(t.Context())
	require.NoError(t, err)
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
