package enginehost

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

const typeArtifact = "application/vnd.oci.image.manifest.v1+json"

// Artifact is a document that is kept beside images: a signature for one.
type Artifact struct {
	// Type is what the document is, and Annotations what is said of it.
	Type        string
	Document    []byte
	Annotations map[string]string
}

// PushArtifact puts the artifact into the registry under "repository:tag" and
// returns its manifest's digest.
func (r *Registry) PushArtifact(t testing.TB, repo, tag string, a Artifact) (digest string) {
	t.Helper()
	config := []byte("{}")
	return r.putManifest(t, repo, tag, typeArtifact, encode(t, Object{
		"schemaVersion": 2, "mediaType": typeArtifact,
		"config": Object{"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(config), "digest": r.putBlob(t, repo, config)},
		"layers": []Object{{
			"mediaType": a.Type, "size": len(a.Document), "digest": r.putBlob(t, repo, a.Document), "annotations": a.Annotations,
		}},
	}))
}

// PushReferrers puts an index of manifests under a tag, as is done where a registry
// keeps no lists of what refers to a manifest.
func (r *Registry) PushReferrers(t testing.TB, repo, tag, artifactType string, digests ...string) {
	t.Helper()
	manifests := []Object{}
	for _, d := range digests {
		size := r.size(t, repo, d)
		manifests = append(manifests, Object{"mediaType": typeArtifact, "artifactType": artifactType, "digest": d, "size": size})
	}
	r.putManifest(t, repo, tag, typeIndex, encode(t, Object{"schemaVersion": 2, "mediaType": typeIndex, "manifests": manifests}))
}

// Retag lets another tag of the repository point at what the digest names.
func (r *Registry) Retag(t testing.TB, repo, digest, tag string) {
	t.Helper()
	body, mediaType := r.manifest(t, repo, digest)
	r.putManifest(t, repo, tag, mediaType, body)
}

func (r *Registry) size(t testing.TB, repo, digest string) int {
	t.Helper()
	body, _ := r.manifest(t, repo, digest)
	return len(body)
}

// manifest reads one, of a registry that asks for no login.
func (r *Registry) manifest(t testing.TB, repo, digest string) (body []byte, mediaType string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.Addr+"/v2/"+repo+"/manifests/"+digest, http.NoBody)
	require.NoError(t, err)
	for _, accepted := range []string{typeManifest, typeIndex, typeArtifact} {
		req.Header.Add("Accept", accepted)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", body)
	return body, resp.Header.Get("Content-Type")
}
