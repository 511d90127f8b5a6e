package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// engineWith is an engine that has one container, of that image, and only tells.
func engineWith(t *testing.T, image string) (address string) {
	t.Helper()
	repository := image[:strings.LastIndex(image, ":")]
	digest := "sha256:" + strings.Repeat("0", 64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		switch {
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			_, _ = fmt.Fprintf(w, `[{"Id":"1","Names":["/web"],"Image":%q,"ImageID":%q,"State":"running"}]`, image, digest)
		case strings.HasSuffix(r.URL.Path, "/images/json"):
			_, _ = fmt.Fprintf(w, `[{"Id":%[1]q,"RepoTags":[%[2]q],"RepoDigests":["%[3]s@%[1]s"]}]`, digest, image, repository)
		default:
			_, _ = io.WriteString(w, "{}")
		}
	}))
	t.Cleanup(server.Close)
	return "tcp://" + server.Listener.Addr().String()
}

func TestMetricsAreCountedIfTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64))
	}))
	t.Cleanup(registry.Close)
	host := registry.Listener.Addr().String()
	engine := engineWith(t, host+"/app:1")
	for name, tt := range map[string]struct {
		args []string
		want bool
	}{
		"nobody asked":         {nil, false},
		"by the switch":        {[]string{"--http-api-metrics"}, true},
		"by name":              {[]string{"--http-api-endpoints=health,metrics"}, true},
		"along with all":       {[]string{"--http-api-endpoints=all"}, true},
		"something else alone": {[]string{"--http-api-endpoints=health"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var kept *session
			opens := func(se *session) (fleet, error) {
				kept = se
				return open(se)
			}
			var errs syncBuffer
			args := append([]string{"--run-once", "--host", engine, "--http-api-token=canary", "--http-api-events-token=canary"}, tt.args...)
			require.Equal(t, exitOK, run(args, io.Discard, &errs, nil, opens), errs.String())
			if !tt.want {
				assert.Nil(t, kept.metrics)
				return
			}
			server := httptest.NewServer(kept.metrics.Handler())
			defer server.Close()
			resp, err := server.Client().Get(server.URL + "/v1/metrics")
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			for _, line := range []string{
				`watchtower_containers_scanned 1`,
				`watchtower_container_out_of_date{container="web",image="` + host + `/app:1"} 0`,
				`watchtower_engine_requests_total{endpoint="/containers/json",method="GET",status="200"} `,
				`watchtower_registry_requests_total{host="` + host + `",method="HEAD",status="200"} 1`,
			} {
				assert.Contains(t, string(body), "\n"+line)
			}
		})
	}
}
