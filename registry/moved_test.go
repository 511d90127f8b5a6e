package registry_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry"
)

func (f *fake) ask(t *testing.T, c *registry.Client, tag string, platform string, known ...digest.Digest) registry.Verdict {
	t.Helper()
	return c.Check(t.Context(), []registry.Query{{
		Reference: f.addr() + "/" + tag, Known: known,
		Platforms: func(context.Context) ([]string, error) { return []string{platform}, nil },
	}})[0]
}

func TestAnIndexThatMovedAloneIsReadOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t, "")
	amd := f.put("app:amd", image("amd"))
	was := f.put("app:1", index(map[string]digest.Digest{"linux/amd64": amd}))
	c := client(t)
	require.NoError(t, f.ask(t, c, "app:1", "linux/amd64", was, amd).Err)
	assert.Equal(t, 1, f.requests()["all"])
	f.put("app:1", index(map[string]digest.Digest{"linux/amd64": amd, "linux/s390x": f.put("app:z", image("z"))}))
	for i, want := range []map[string]int{{"HEAD": 1, "GET": 1, "all": 2}, {"HEAD": 1, "all": 1}, {"HEAD": 1, "all": 1}} {
		v := f.ask(t, c, "app:1", "linux/amd64", was, amd)
		require.NoError(t, v.Err)
		assert.Equal(t, []registry.Image{{Platform: "linux/amd64", Manifest: amd}}, v.Images)
		assert.Equal(t, want, f.requests(), "check %d", i)
	}
	v := f.ask(t, c, "app:1", "linux/amd64", was)
	assert.Equal(t, digest.FromString("amd"), v.Images[0].Config, "one who does not know the image is told")
	assert.Equal(t, map[string]int{"HEAD": 1, "GET": 1, "all": 2}, f.requests())
}

func TestThePlatformThatAnEngineWouldTake(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		offers []string
		asked  string
		want   string
	}{
		{"exact", []string{"linux/386", "linux/amd64"}, "linux/amd64", "linux/amd64"},
		{"another system", []string{"windows/amd64"}, "linux/amd64", ""},
		{"arm64 is v8", []string{"linux/arm64/v8"}, "linux/arm64", "linux/arm64/v8"},
		{"v8 is arm64", []string{"linux/arm64"}, "linux/arm64/v8", "linux/arm64"},
		{"arm is v7", []string{"linux/arm/v6", "linux/arm/v7"}, "linux/arm", "linux/arm/v7"},
		{"an older arm will do", []string{"linux/arm/v5", "linux/arm/v6"}, "linux/arm", "linux/arm/v6"},
		{"a newer one will not", []string{"linux/arm/v7"}, "linux/arm/v6", ""},
		{"amd64 is v1", []string{"linux/amd64/v1"}, "linux/amd64", "linux/amd64/v1"},
		{"an older amd64 will do", []string{"linux/amd64"}, "linux/amd64/v3", "linux/amd64"},
		{"a newer one may not", []string{"linux/amd64/v3"}, "linux/amd64", ""},
		{"attestations are for nobody", []string{"unknown/unknown"}, "linux/amd64", ""},
		{"odd spelling", []string{"Linux/AMD64"}, "linux/amd64", "Linux/AMD64"},
		{"no platform asked for", []string{"linux/amd64"}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, "")
			entries := map[string]digest.Digest{}
			for _, offer := range tt.offers {
				entries[offer] = f.put("app:"+digest.FromString(offer).Encoded()[:8], image(offer))
			}
			f.put("app:1", index(entries))
			v := f.ask(t, client(t), "app:1", tt.asked)
			require.NoError(t, v.Err)
			if tt.want == "" {
				assert.Empty(t, v.Images)
				return
			}
			require.Len(t, v.Images, 1)
			assert.Equal(t, entries[tt.want], v.Images[0].Manifest)
			assert.Equal(t, digest.FromString(tt.want), v.Images[0].Config)
		})
	}
}

func TestAnIndexOfOneImageForAll(t *testing.T) {
	t.Parallel()
	f := newFake(t, "")
	only := f.put("app:only", image("only"))
	f.put("app:1", map[string]any{"manifests": []any{map[string]any{"digest": only}}})
	v := f.ask(t, client(t), "app:1", "linux/riscv64")
	require.NoError(t, v.Err)
	assert.Equal(t, digest.FromString("only"), v.Images[0].Config)
}

func TestAReferenceWrittenWithADigest(t *testing.T) {
	t.Parallel()
	f := newFake(t, "")
	d := f.put("app:1", image("1"))
	v := f.ask(t, client(t), "app@"+d.String(), "linux/amd64")
	require.NoError(t, v.Err)
	assert.Equal(t, d, v.Digest)
	f.fault = always(http.StatusOK, "Docker-Content-Digest", digest.FromString("other").String())
	assert.ErrorContains(t, f.ask(t, client(t), "app@"+d.String(), "linux/amd64").Err, "as that")
}

func TestContentIsWhatItsDigestSays(t *testing.T) {
	t.Parallel()
	lie := digest.FromString("another").String()
	tests := map[string]func(http.ResponseWriter, *http.Request) bool{
		"the tag's manifest": func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return true
			}
			w.Header().Set("Docker-Content-Digest", lie)
			_, _ = w.Write([]byte(`{"config":{"digest":"` + lie + `"}}`))
			return true
		},
		"a manifest by digest": func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				return false
			}
			_, _ = w.Write([]byte(`{"config":{"digest":"` + lie + `"}}`))
			return true
		},
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, "")
			f.put("app:1", image("1"))
			f.fault = fault
			v := f.ask(t, client(t), "app:1", "linux/amd64")
			require.ErrorContains(t, v.Err, "is something else")
			assert.True(t, errdefs.IsUnavailable(v.Err))
			assert.Empty(t, v.Digest)
		})
	}
}

func TestManifestsThatAreNone(t *testing.T) {
	t.Parallel()
	for body, text := range map[string]string{
		`[]`:                             "not JSON",
		`{}`:                             "of an unknown kind",
		`{"config":{"digest":"md5:1"}}`:  `names the digest "md5:1"`,
		`{"manifests":[{"digest":"x"}]}`: `names the digest "x"`,
	} {
		f := newFake(t, "")
		f.mu.Lock()
		f.manifests["app:1"] = []byte(body)
		f.manifests["app@"+digest.FromString(body).String()] = []byte(body)
		f.mu.Unlock()
		v := f.ask(t, client(t), "app:1", "linux/amd64")
		require.ErrorContains(t, v.Err, text, body)
		assert.True(t, errdefs.IsUnavailable(v.Err))
	}
}

// Where a HEAD is answered, its 404 is believed: a GET may count as a pull.
func TestWhatIsMissingIsNotAskedForTwice(t *testing.T) {
	t.Parallel()
	f := newFake(t, "")
	qs := append(f.queries(1), registry.Query{Reference: f.addr() + "/gone:1"})
	v := client(t).Check(t.Context(), qs)
	requireAll(t, v[:1])
	assert.True(t, errdefs.IsNotFound(v[1].Err))
	assert.Equal(t, map[string]int{"HEAD": 2, "all": 2}, f.requests())
}
