package cosign_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/gate/cosign"
	"github.com/watchtower-go/watchtower/registry"
)

// shelf is a Source in memory.
type shelf struct {
	t         *testing.T
	manifests map[string]registry.Manifest // by reference
	blobs     map[digest.Digest][]byte
	referrers map[string][]registry.Descriptor // by reference with digest
	err       error
	asked     int
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	return &shelf{t: t, manifests: map[string]registry.Manifest{}, blobs: map[digest.Digest][]byte{}, referrers: map[string][]registry.Descriptor{}}
}

func (s *shelf) Manifest(_ context.Context, reference string) (registry.Manifest, error) {
	s.asked++
	if m, ok := s.manifests[reference]; ok {
		return m, s.err
	}
	return registry.Manifest{}, errors.Join(s.err, errdefs.ErrNotFound)
}

func (s *shelf) Blob(_ context.Context, _ string, d digest.Digest) ([]byte, error) {
	s.asked++
	if b, ok := s.blobs[d]; ok {
		return b, s.err
	}
	return nil, errdefs.ErrNotFound
}

func (s *shelf) Referrers(_ context.Context, reference, artifactType string) ([]registry.Descriptor, error) {
	s.asked++
	require.Empty(s.t, artifactType, "one list has them all")
	return s.referrers[reference], s.err
}

const (
	repository = "registry.example/team/app"
	index      = digest.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
	image      = digest.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")
)

// signature makes a manifest with one signature, as cosign does.
func (s *shelf) signature(signer crypto.Signer, about digest.Digest) registry.Manifest {
	s.t.Helper()
	payload := fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":%q},"image":{"docker-manifest-digest":%q},`+
		`"type":"cosign container image signature"},"optional":null}`, repository, about)
	return s.layer(payload, encode(sign(s.t, signer, payload)))
}

func (s *shelf) layer(payload []byte, made string) registry.Manifest {
	d := digest.FromBytes(payload)
	s.blobs[d] = payload
	return registry.Manifest{Layers: []registry.Descriptor{{
		MediaType: "application/vnd.dev.cosign.simplesigning.v1+json", Digest: d,
		Annotations: map[string]string{"dev.cosignproject.cosign/signature": made},
	}}}
}

func (s *shelf) tag(about digest.Digest, m registry.Manifest) {
	s.manifests[repository+":"+strings.Replace(about.String(), ":", "-", 1)+".sig"] = m
}

func (s *shelf) refer(about digest.Digest, m registry.Manifest) {
	d := digest.FromString(fmt.Sprint(about, m))
	s.manifests[repository+"@"+d.String()] = m
	s.referrers[repository+"@"+about.String()] = append(s.referrers[repository+"@"+about.String()], registry.Descriptor{
		Digest: d, ArtifactType: "application/vnd.dev.cosign.artifact.sig.v1+json",
	})
}

// sign signs as cosign does by default: what the key's kind asks for.
func sign(t *testing.T, signer crypto.Signer, message []byte) []byte {
	t.Helper()
	if _, ok := signer.(ed25519.PrivateKey); ok {
		return signAs(t, signer, crypto.Hash(0), message)
	}
	return signAs(t, signer, crypto.SHA256, message)
}

func encode(signature []byte) string { return base64.StdEncoding.EncodeToString(signature) }

func signAs(t *testing.T, signer crypto.Signer, hash crypto.Hash, message []byte) []byte {
	t.Helper()
	if hash != 0 {
		h := hash.New()
		h.Write(message)
		message = h.Sum(nil)
	}
	made, err := signer.Sign(rand.Reader, message, hash)
	require.NoError(t, err)
	return made
}

func newKey(t *testing.T) (crypto.Signer, []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return k, public(t, k)
}

func public(t *testing.T, k crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	key, pub := newKey(t)
	stranger, _ := newKey(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	tests := []struct {
		name    string
		build   func(s *shelf)
		verdict gate.Verdict
		reason  string
	}{
		{"not signed", func(*shelf) {}, gate.Hold, "not signed"},
		{"the index, by tag", func(s *shelf) { s.tag(index, s.signature(key, index)) }, gate.Accept, ""},
		{"the index, by referrer", func(s *shelf) { s.refer(index, s.signature(key, index)) }, gate.Accept, ""},
		{"the image in it, by tag", func(s *shelf) { s.tag(image, s.signature(key, image)) }, gate.Accept, ""},
		{"the image in it, by referrer", func(s *shelf) { s.refer(image, s.signature(key, image)) }, gate.Accept, ""},
		{"by the second key", func(s *shelf) { s.tag(index, s.signature(rsaKey, index)) }, gate.Accept, ""},
		{"by the third key", func(s *shelf) { s.tag(index, s.signature(edKey, index)) }, gate.Accept, ""},
		{"by a stranger", func(s *shelf) { s.tag(index, s.signature(stranger, index)) }, gate.Reject, notTrusted},
		{"by a stranger and by us", func(s *shelf) {
			s.tag(index, s.signature(stranger, index))
			s.refer(index, s.signature(key, index))
		}, gate.Accept, ""},
		{"another image's signature under this one's tag", func(s *shelf) {
			s.tag(index, s.signature(key, digest.FromString("other")))
		}, gate.Reject, notTrusted},
		{"no base64", func(s *shelf) { s.tag(index, s.layer([]byte("{}"), "%%%")) }, gate.Reject, notTrusted},
		{"no document", func(s *shelf) { s.tag(index, s.layer([]byte("<html>"), "AAAA")) }, gate.Reject, notTrusted},
		{"a document of another type", func(s *shelf) {
			payload := fmt.Appendf(nil, `{"critical":{"image":{"docker-manifest-digest":%q},"type":"atomic container signature"}}`, index)
			s.tag(index, s.layer(payload, encode(sign(t, key, payload))))
		}, gate.Reject, notTrusted},
		{"a document that is gone", func(s *shelf) {
			s.tag(index, s.signature(key, index))
			clear(s.blobs)
		}, gate.Reject, notTrusted},
		{"something else under the tag", func(s *shelf) {
			s.tag(index, registry.Manifest{Layers: []registry.Descriptor{{MediaType: "application/octet-stream"}}})
		}, gate.Hold, "not signed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			tt.build(s)
			g, err := cosign.SignedBy(s, [][]byte{pub, append(public(t, rsaKey), public(t, edKey)...)})
			require.NoError(t, err)
			for range 2 {
				d, err := g.Judge(t.Context(), gate.Candidate{
					Reference: repository + ":1", Digest: index.String(), Manifest: image.String(),
				})
				require.NoError(t, err)
				assert.Equal(t, gate.Decision{Verdict: tt.verdict, Reason: tt.reason}, d)
			}
		})
	}
}

func TestWhatIsSignedIsReadOnce(t *testing.T) {
	t.Parallel()
	key, pub := newKey(t)
	s := newShelf(t)
	s.tag(index, s.signature(key, index))
	g, err := cosign.SignedBy(s, [][]byte{pub})
	require.NoError(t, err)
	for range 3 {
		_, err := g.Judge(t.Context(), gate.Candidate{Reference: repository, Digest: index.String()})
		require.NoError(t, err)
	}
	assert.Equal(t, 2, s.asked, "the manifest and the document")
}

func TestSignaturesThatCannotBeReadAreNoYes(t *testing.T) {
	t.Parallel()
	key, pub := newKey(t)
	s := newShelf(t)
	s.tag(index, s.signature(key, index))
	s.err = errdefs.ErrUnavailable
	g, err := cosign.SignedBy(s, [][]byte{pub})
	require.NoError(t, err)
	d, err := g.Judge(t.Context(), gate.Candidate{Reference: repository, Digest: index.String()})
	assert.True(t, errdefs.IsUnavailable(err))
	assert.ErrorContains(t, err, "cosign: "+repository+"@"+index.String())
	assert.Empty(t, d)
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // it is to be refused
	if err != nil {
		weak = nil // this build of Go makes none
	}
	_, pub := newKey(t)
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	short := pub[:len(pub)/2]
	tests := map[string][]byte{
		"a PEM block that is broken or cut short":              append(slices.Clone(pub), short...),
		"an ECDSA key of less than 256 bits":                   public(t, p224),
		"no PEM: want a PUBLIC KEY, as in cosign.pub":          []byte("cosign"),
		`a "PRIVATE KEY": want a PUBLIC KEY, as in cosign.pub`: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")}),
		"a PUBLIC KEY that cannot be read":                     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}),
	}
	if weak != nil {
		tests["an RSA key of less than 2048 bits"] = public(t, weak)
	}
	whole, err := cosign.SignedBy(newShelf(t), [][]byte{append([]byte("# ours, and the other\n"), append(slices.Clone(pub), pub...)...)})
	require.NoError(t, err)
	assert.NotNil(t, whole)
	_, err = cosign.SignedBy(newShelf(t), [][]byte{append(short, pub...)})
	assert.EqualError(t, err, "cosign: SignedBy: key 1: a PEM block that is broken or cut short")
	for why, text := range tests {
		_, err := cosign.SignedBy(newShelf(t), [][]byte{pub, text})
		assert.True(t, errdefs.IsInvalidArgument(err))
		assert.EqualError(t, err, "cosign: SignedBy: key 2: "+why)
	}
	_, err = cosign.SignedBy(newShelf(t), nil)
	assert.EqualError(t, err, "cosign: SignedBy: no key: want the public key that signs the images")
	var none *registry.Client
	for _, source := range []cosign.Source{nil, none} {
		_, err = cosign.SignedBy(source, [][]byte{pub})
		assert.EqualError(t, err, "cosign: SignedBy: nil source: want a registry.Client")
	}
}
