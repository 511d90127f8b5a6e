package watchtower_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/gate/cosign"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/registry"
)

// sign makes the document that cosign makes of a digest, with its signature.
func sign(t *testing.T, key *ecdsa.PrivateKey, digest string) enginehost.Artifact {
	t.Helper()
	document := fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":%q},`+
		`"type":"cosign container image signature"},"optional":null}`, digest)
	sum := sha256.Sum256(document)
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	require.NoError(t, err)
	return enginehost.Artifact{
		Type: "application/vnd.dev.cosign.simplesigning.v1+json", Document: document,
		Annotations: map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(signature)},
	}
}

// bundle makes the bundle that cosign makes of a statement about a digest.
func bundle(t *testing.T, key *ecdsa.PrivateKey, predicate, digest string) enginehost.Artifact {
	t.Helper()
	const kind = "application/vnd.in-toto+json"
	statement := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":%q,"predicate":{}}`,
		strings.TrimPrefix(digest, "sha256:"), predicate)
	sum := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(statement), statement))
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	require.NoError(t, err)
	const mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	text, err := json.Marshal(object{
		"mediaType": mediaType, "verificationMaterial": object{"publicKey": object{"hint": "a hint"}},
		"dsseEnvelope": object{"payload": statement, "payloadType": kind, "signatures": []object{{"sig": signature}}},
	})
	require.NoError(t, err)
	return enginehost.Artifact{Type: mediaType, Document: text}
}

func TestOnlySignedImagesMove(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	client, err := registry.New()
	require.NoError(t, err)
	signed, err := cosign.SignedBy(client, [][]byte{pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})})
	require.NoError(t, err)

	const notTrusted = "signed, but not by a key that is trusted, or for another image"
	const signs, builds = "https://sigstore.dev/cosign/sign/v1", "https://slsa.dev/provenance/v1"
	tagOf := func(digest string) string { return strings.Replace(digest, ":", "-", 1) }
	attach := func(repo, digest string, a enginehost.Artifact) { // as cosign does where a registry keeps no lists
		d := reg.PushArtifact(t, repo, "bundle", a)
		reg.PushReferrers(t, repo, tagOf(digest), "application/vnd.oci.empty.v1+json", d)
	}
	tests := []struct {
		name   string
		build  func(repo, digest string)
		status watchtower.Status
		reason string
	}{
		{"unsigned", func(string, string) {}, watchtower.StatusHeld, "not signed"},
		{"by-tag", func(repo, digest string) {
			reg.PushArtifact(t, repo, tagOf(digest)+".sig", sign(t, key, digest))
		}, watchtower.StatusUpdated, ""},
		{"by-referrer", func(repo, digest string) {
			d := reg.PushArtifact(t, repo, "signature", sign(t, key, digest))
			reg.PushReferrers(t, repo, tagOf(digest), "application/vnd.dev.cosign.artifact.sig.v1+json", d)
		}, watchtower.StatusUpdated, ""},
		{"by-a-stranger", func(repo, digest string) {
			reg.PushArtifact(t, repo, tagOf(digest)+".sig", sign(t, stranger, digest))
		}, watchtower.StatusSkipped, notTrusted},
		{"for-another", func(repo, digest string) {
			_, other := reg.Push(t, repo+":other", enginehost.Image{Env: []string{"VERSION=3"}})
			reg.PushArtifact(t, repo, tagOf(digest)+".sig", sign(t, key, other))
		}, watchtower.StatusSkipped, notTrusted},
		{"by-bundle", func(repo, digest string) { attach(repo, digest, bundle(t, key, signs, digest)) }, watchtower.StatusUpdated, ""},
		{"by-a-strangers-bundle", func(repo, digest string) {
			attach(repo, digest, bundle(t, stranger, signs, digest))
		}, watchtower.StatusSkipped, notTrusted},
		{"attested-only", func(repo, digest string) { attach(repo, digest, bundle(t, key, builds, digest)) }, watchtower.StatusHeld, "not signed"},
		{"retagged-from-a-bundle", func(repo, digest string) {
			attach(repo, digest, bundle(t, key, signs, digest))
			reg.Push(t, repo+":1", enginehost.Image{Env: []string{"VERSION=evil"}})
		}, watchtower.StatusHeld, "not signed"},
		{"retagged-to-unsigned", func(repo, digest string) {
			reg.PushArtifact(t, repo, tagOf(digest)+".sig", sign(t, key, digest))
			reg.Push(t, repo+":1", enginehost.Image{Env: []string{"VERSION=evil"}})
		}, watchtower.StatusHeld, "not signed"},
		{"retagged-to-signed", func(repo, digest string) {
			reg.PushArtifact(t, repo, tagOf(digest)+".sig", sign(t, key, digest))
			_, other := reg.Push(t, repo+":2", enginehost.Image{Env: []string{"VERSION=other"}})
			reg.PushArtifact(t, repo, tagOf(other)+".sig", sign(t, key, other))
			reg.Retag(t, repo, other, "1")
		}, watchtower.StatusUpdated, ""},
	}
	var names []string
	for _, tt := range tests {
		ref, _ := reg.Push(t, tt.name+":1", enginehost.Image{Env: []string{"VERSION=1"}})
		host.Pull(t, ref, "")
		host.Run(t, "signed-"+tt.name, object{"Image": ref})
		_, digest := reg.Push(t, tt.name+":1", enginehost.Image{Env: []string{"VERSION=2"}})
		tt.build(tt.name, digest)
		names = append(names, "signed-"+tt.name)
	}
	r := update(t, tower(t, host, names, watchtower.WithGate(signed)))
	for _, tt := range tests {
		e := entry(t, r, "signed-"+tt.name)
		t.Logf("%-24s %-8s %s", tt.name, e.Status, e.Reason)
		require.NoError(t, e.Err, tt.name)
		assert.Equal(t, tt.status, e.Status, tt.name)
		assert.Equal(t, tt.reason, e.Reason, tt.name)
	}
}
