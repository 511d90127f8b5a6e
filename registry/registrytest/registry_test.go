package registrytest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// answer is what of a response is looked at, once it was read.
type answer struct {
	StatusCode    int
	Header        http.Header
	ContentLength int64
}

// do sends a request; headers are given as name and value in turn.
func do(t *testing.T, rt http.RoundTripper, method, target, body string, headers ...string) (answer, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, resp.ContentLength}, string(got)
}

// memory is a registry in memory and the way to it.
func memory(t *testing.T, p registrytest.Profile) (*registrytest.Registry, *http.Transport) {
	t.Helper()
	r := registrytest.New(p)
	t.Cleanup(r.Close)
	return r, registrytest.Transport(r)
}

func TestContentIsServedByTagAndDigest(t *testing.T) {
	t.Parallel()
	r, rt := memory(t, registrytest.Profile{})
	amd, arm := registrytest.Image{Env: []string{"A=1"}}, registrytest.Image{Platform: "linux/arm/v7", Docker: true}
	contents := map[string]registrytest.Content{
		registrytest.TypeManifest:       amd,
		registrytest.TypeDockerManifest: arm,
		registrytest.TypeIndex:          registrytest.Index{Images: []registrytest.Image{amd, arm}, Attestation: "{}"},
		registrytest.TypeDockerList:     registrytest.Index{Images: []registrytest.Image{amd}, Docker: true},
		"application/odd":               registrytest.Manifest{MediaType: "application/odd", Body: []byte("odd")},
	}
	for mediaType, content := range contents {
		d := r.Push("team/manifests", "1", content)
		assert.Equal(t, content.Digest(), d)
		for _, version := range []string{"1", d.String()} {
			target := r.URL + "/v2/team/manifests/manifests/" + version
			resp, body := do(t, rt, http.MethodGet, target, "", "Accept", "x/y, "+mediaType+";q=0.5")
			assert.Equal(t, http.StatusOK, resp.StatusCode)
			assert.Equal(t, mediaType, resp.Header.Get("Content-Type"))
			assert.Equal(t, d.String(), resp.Header.Get("Docker-Content-Digest"))
			assert.Equal(t, d, digest.FromString(body))
			head, none := do(t, rt, http.MethodHead, target, "")
			assert.Equal(t, resp.Header["Docker-Content-Digest"], head.Header["Docker-Content-Digest"])
			assert.EqualValues(t, len(body), head.ContentLength)
			assert.Empty(t, none)
			resp, body = do(t, rt, http.MethodHead, target, "", "Accept", "x/y")
			assert.Equal(t, http.StatusNotFound, resp.StatusCode, "GHCR and others want it named: %s", body)
		}
	}
	_, config := do(t, rt, http.MethodGet, r.URL+"/v2/team/manifests/blobs/"+arm.ConfigDigest().String(), "")
	assert.JSONEq(t, `{"os":"linux","architecture":"arm","variant":"v7","config":{"Env":null,"Labels":null},
		"rootfs":{"type":"layers","diff_ids":[]}}`, config)
	_, blob := do(t, rt, http.MethodGet, r.URL+"/v2/a/blobs/"+r.PushBlob("a", []byte("blob")).String(), "")
	assert.Equal(t, "blob", blob)
}

func TestTagsMoveAndGo(t *testing.T) {
	t.Parallel()
	r, rt := memory(t, registrytest.Profile{})
	status := func(version string) int {
		resp, _ := do(t, rt, http.MethodHead, r.URL+"/v2/app/manifests/"+version, "")
		return resp.StatusCode
	}
	first := r.Push("app", "1", registrytest.Image{})
	second := r.Push("app", "", registrytest.Image{Env: []string{"A=2"}})
	require.NotEqual(t, first, second)
	r.Tag("app", "1", second)
	r.Tag("app", "old", first)
	assert.Equal(t, 200, status("1"))
	assert.Equal(t, 200, status(first.String()))
	r.Delete("app", "1")
	assert.Equal(t, 404, status("1"))
	assert.Equal(t, 200, status(second.String()), "what it pointed at is there")
	r.Delete("app", first.String())
	assert.Equal(t, 404, status(first.String()))
	assert.Equal(t, 404, status("old"))
	resp, body := do(t, rt, http.MethodPut, r.URL+"/v2/app/manifests/1", "{}")
	assert.Equal(t, 405, resp.StatusCode, body)
}

func TestAnAttestationMovesTheIndexAlone(t *testing.T) {
	t.Parallel()
	image := registrytest.Image{}
	one := registrytest.Index{Images: []registrytest.Image{image}, Attestation: "one"}
	two := registrytest.Index{Images: []registrytest.Image{image}, Attestation: "two"}
	assert.NotEqual(t, one.Digest(), two.Digest())
	r, rt := memory(t, registrytest.Profile{})
	r.Push("app", "1", two)
	_, body := do(t, rt, http.MethodGet, r.URL+"/v2/app/manifests/1", "")
	var index struct {
		Manifests []struct {
			Digest      digest.Digest
			Platform    map[string]string
			Annotations map[string]string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &index))
	require.Len(t, index.Manifests, 2)
	assert.Equal(t, image.Digest(), index.Manifests[0].Digest)
	assert.Equal(t, map[string]string{"os": "unknown", "architecture": "unknown"}, index.Manifests[1].Platform)
	assert.Equal(t, image.Digest().String(), index.Manifests[1].Annotations["vnd.docker.reference.digest"])
	resp, _ := do(t, rt, http.MethodGet, r.URL+"/v2/app/manifests/"+index.Manifests[1].Digest.String(), "")
	assert.Equal(t, 200, resp.StatusCode)
}

func TestTagsAreListedInPages(t *testing.T) {
	t.Parallel()
	r, rt := memory(t, registrytest.Profile{PageSize: 2})
	for _, tag := range []string{"c", "a", "b", "e", "d"} {
		r.Push("app", tag, registrytest.Image{})
	}
	var pages []string
	for next := "/v2/app/tags/list?n=100"; next != ""; {
		resp, body := do(t, rt, http.MethodGet, r.URL+next, "")
		pages = append(pages, body)
		next, _, _ = strings.Cut(strings.TrimPrefix(resp.Header.Get("Link"), "<"), ">")
	}
	assert.Equal(t, []string{
		`{"name":"app","tags":["a","b"]}`, `{"name":"app","tags":["c","d"]}`, `{"name":"app","tags":["e"]}`,
	}, pages)
}

func TestWhatNamesASubjectRefersToIt(t *testing.T) {
	t.Parallel()
	r, rt := memory(t, registrytest.Profile{})
	image := r.Push("app", "1", registrytest.Image{})
	refer := func(kind string) digest.Digest {
		return r.Push("app", "", registrytest.Manifest{MediaType: registrytest.TypeManifest, Body: []byte(
			`{"artifactType":"` + kind + `","config":{"mediaType":"x"},"subject":{"digest":"` + image.String() + `"}}`)})
	}
	signature, bill := refer("application/signature"), refer("application/bill")
	_, all := do(t, rt, http.MethodGet, r.URL+"/v2/app/referrers/"+image.String(), "")
	assert.Contains(t, all, signature.String())
	assert.Contains(t, all, bill.String())
	resp, some := do(t, rt, http.MethodGet, r.URL+"/v2/app/referrers/"+image.String()+"?artifactType=application/bill", "")
	assert.Equal(t, "artifactType", resp.Header.Get("OCI-Filters-Applied"))
	assert.NotContains(t, some, signature.String())
	assert.Contains(t, some, bill.String())
	_, none := do(t, rt, http.MethodGet, r.URL+"/v2/app/referrers/"+bill.String(), "")
	assert.Contains(t, none, `"manifests":[]`)

	old, rt := memory(t, registrytest.Profile{NoReferrers: true})
	old.Push("app", "1", registrytest.Image{})
	resp, _ = do(t, rt, http.MethodGet, old.URL+"/v2/app/referrers/"+image.String(), "")
	assert.Equal(t, 404, resp.StatusCode)
}

func TestOneOnTheLoopbackIsReachedByTheNetwork(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(registrytest.Profile) *registrytest.Registry{
		"http": registrytest.Start, "https": registrytest.StartTLS,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(registrytest.DockerHub())
			t.Cleanup(r.Close)
			r.Push("app", "1", registrytest.Image{})
			assert.Equal(t, name+"://"+r.Host, r.URL)
			assert.Equal(t, r.Host+"/app:1", r.Reference("app", "1"))
			trusted := x509.NewCertPool()
			if own := r.Certificate(); own != nil {
				trusted.AddCert(own)
			}
			plain := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
			t.Cleanup(plain.CloseIdleConnections)
			own := registrytest.Transport(r)
			t.Cleanup(own.CloseIdleConnections)
			for _, rt := range []http.RoundTripper{plain, own} {
				resp, _ := do(t, rt, http.MethodGet, r.URL+"/v2/", "")
				challenge := resp.Header.Get("WWW-Authenticate")
				realm := strings.Split(challenge, `"`)[1]
				assert.True(t, strings.HasPrefix(realm, name+"://127.0.0.1:") && strings.HasSuffix(realm, "/token"), challenge)
				assert.NotContains(t, realm, r.Host, "its token service is elsewhere")
				resp, _ = do(t, rt, http.MethodGet, realm+"?service=registry.docker.io", "")
				assert.Equal(t, 200, resp.StatusCode)
			}
		})
	}
}

func TestATransportLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	hub, ghcr := registrytest.New(registrytest.DockerHub()), registrytest.New(registrytest.GHCR())
	t.Cleanup(hub.Close)
	rt := registrytest.Transport(hub, ghcr)
	for _, target := range []string{"https://registry-1.docker.io/v2/", "http://registry-1.docker.io:80/v2/", "https://ghcr.io:443/v2/"} {
		resp, _ := do(t, rt, http.MethodGet, target, "")
		assert.Equal(t, 401, resp.StatusCode, target)
	}
	ghcr.Close()
	for target, text := range map[string]string{
		"https://quay.io/v2/": "no registry is quay.io:443", "https://ghcr.io/v2/": "the registry is closed",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		require.NoError(t, err)
		_, err = rt.RoundTrip(req) //nolint:bodyclose // there is none
		assert.ErrorContains(t, err, text)
	}
}

func TestRequestsAreKeptInOrder(t *testing.T) {
	t.Parallel()
	r, rt := memory(t, registrytest.Profile{Auth: registrytest.Basic})
	r.SetLogin("robot", "right")
	r.Push("app", "1", registrytest.Image{})
	do(t, rt, http.MethodGet, r.URL+"/v2/", "")
	do(t, rt, http.MethodHead, r.URL+"/v2/app/manifests/1", "", "Authorization", "Basic cm9ib3Q6d3Jvbmc=")
	do(t, rt, http.MethodGet, r.URL+"/v2/app/manifests/1", "", "Authorization", "Basic cm9ib3Q6cmlnaHQ=")
	do(t, rt, http.MethodGet, r.URL+"/v2/app/tags/list", "")
	requests := r.Requests()
	assert.Equal(t, `ping      GET   registry.example/v2/                 401  refused     
head      HEAD  registry.example/v2/app/manifests/1  401  refused     basic
manifest  GET   registry.example/v2/app/manifests/1  200  authorized  basic
other     GET   registry.example/v2/app/tags/list    401  refused     
`, requests.String())
	assert.Equal(t, registrytest.Counts{Ping: 1, Head: 1, Manifest: 1, Other: 1}, requests.Counts())
	assert.Equal(t, "1 ping, 1 head, 1 manifest, 1 other", requests.Counts().String())
	assert.Equal(t, 4, requests.Counts().All())
	assert.Equal(t, 1, requests.BadLogins())
	assert.Equal(t, "manifest registry.example/v2/app/manifests/1 200 basic", requests[2].String())
	assert.Equal(t, "none", r.Requests().Counts().String(), "once each")
}

func TestLatencyIsWaitedForAndBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, rt := memory(t, registrytest.Profile{})
		for given, want := range map[time.Duration]time.Duration{
			-time.Second: 0, 0: 0, 20 * time.Millisecond: 20 * time.Millisecond, time.Hour: time.Minute,
		} {
			r.SetLatency(given)
			start := time.Now()
			do(t, rt, http.MethodGet, r.URL+"/v2/", "")
			assert.Equal(t, want, time.Since(start))
		}
	})
}
