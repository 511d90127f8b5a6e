package registrytest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// A real registry answers the same to the same. Its tags are not compared: the
// one that Debian has neither sorts nor pages them.
func TestItAnswersAsARealRegistryDoes(t *testing.T) {
	t.Parallel()
	genuine := enginehost.StartRegistry(t)
	simulated, rt := memory(t, registrytest.Profile{})
	for _, tag := range []string{"a", "b", "c"} {
		image := enginehost.Image{NoBusybox: true, Env: []string{"TAG=" + tag}}
		_, d := genuine.Push(t, "team/app:"+tag, image)
		got, body := do(t, http.DefaultTransport, http.MethodGet, "http://"+genuine.Addr+"/v2/team/app/manifests/"+tag, "",
			"Accept", registrytest.TypeDockerManifest)
		require.Equal(t, http.StatusOK, got.StatusCode)
		assert.EqualValues(t, d, simulated.Push("team/app", tag, registrytest.Manifest{
			MediaType: registrytest.TypeDockerManifest, Body: []byte(body),
		}))
	}
	_, index := genuine.PushIndex(t, "team/app:index", map[string]enginehost.Image{"linux/arm64": {NoBusybox: true}})
	_, body := do(t, http.DefaultTransport, http.MethodGet, "http://"+genuine.Addr+"/v2/team/app/manifests/index", "",
		"Accept", registrytest.TypeIndex)
	simulated.Push("team/app", "index", registrytest.Manifest{MediaType: registrytest.TypeIndex, Body: []byte(body)})
	blob := simulated.PushBlob("team/app", []byte("blob"))
	for _, path := range []string{
		"", "team/app/manifests/a", "team/app/manifests/index", "team/app/manifests/" + index,
		"team/app/manifests/none", "team/app/manifests/" + blob.String(), "none/app/manifests/a",
		"team/app/blobs/" + registrytest.Image{}.Digest().String(),
	} {
		for _, method := range []string{http.MethodHead, http.MethodGet} {
			ask := func(rt http.RoundTripper, base string) (answer, string) {
				return do(t, rt, method, base+"/v2/"+path, "", "Accept", registrytest.TypeDockerManifest+", "+registrytest.TypeIndex)
			}
			want, wantBody := ask(http.DefaultTransport, "http://"+genuine.Addr)
			got, gotBody := ask(rt, simulated.URL)
			assert.Equal(t, want.StatusCode, got.StatusCode, "%s %s", method, path)
			for _, name := range []string{"Docker-Content-Digest", "Docker-Distribution-Api-Version"} {
				assert.Equal(t, want.Header.Get(name), got.Header.Get(name), "%s of %s %s", name, method, path)
			}
			if want.StatusCode == http.StatusOK && method == http.MethodGet {
				assert.JSONEq(t, wantBody, gotBody, path)
			}
		}
	}
}
