package cosign_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/gate/cosign"
	"github.com/watchtower-go/watchtower/registry"
)

const (
	bundleType    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	emptyType     = "application/vnd.oci.empty.v1+json"
	inToto        = "application/vnd.in-toto+json"
	signPredicate = "https://sigstore.dev/cosign/sign/v1"
	slsaPredicate = "https://slsa.dev/provenance/v1"
	predicateType = "dev.sigstore.bundle.predicateType"
)

// statement is what cosign puts into a bundle: that an image was signed, or
// whatever else the predicate says of it.
func statement(predicate string, about digest.Digest) []byte {
	return fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1", "subject":[{"digest":{"sha256":%q},"annotations":{}}], `+
		`"predicateType":%q, "predicate":{}}`, about.Encoded(), predicate)
}

// envelope is what an envelope's signature is over.
func envelope(payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(inToto), inToto, len(payload), payload)
}

// bundle is the bundle that cosign makes of a statement. What it has of a
// transparency log is not one that anybody would believe.
func bundle(payload []byte, signatures ...[]byte) []byte {
	type object = map[string]any
	made := []object{}
	for _, s := range signatures {
		made = append(made, object{"sig": s})
	}
	text, err := json.Marshal(object{
		"mediaType": bundleType,
		"verificationMaterial": object{
			"publicKey": object{"hint": "zKpsnGzZGXqZyqgVLbZ4Ls7hQ1YyeG0Hn3RzNqvmp1s="}, "tlogEntries": []object{{"logIndex": "1"}},
		},
		"dsseEnvelope": object{"payload": payload, "payloadType": inToto, "signatures": made},
	})
	if err != nil {
		panic(err)
	}
	return text
}

// signedBundle is one that says that the image was signed.
func signedBundle(t *testing.T, signer crypto.Signer, about digest.Digest) []byte {
	t.Helper()
	payload := statement(signPredicate, about)
	return bundle(payload, sign(t, signer, envelope(payload)))
}

// attach puts a bundle beside an image, with what a list of referrers says of it.
func (s *shelf) attach(about digest.Digest, text []byte, listed registry.Descriptor) {
	d := digest.FromBytes(text)
	s.blobs[d] = text
	listed.Digest = digest.FromString("manifest of " + d.String())
	mediaType := listed.ArtifactType
	if mediaType == "" || mediaType == emptyType {
		mediaType = bundleType
	}
	s.manifests[repository+"@"+listed.Digest.String()] = registry.Manifest{Layers: []registry.Descriptor{{MediaType: mediaType, Digest: d, Size: int64(len(text))}}}
	s.referrers[repository+"@"+about.String()] = append(s.referrers[repository+"@"+about.String()], listed)
}

// asCosign is how a bundle is listed by a registry that keeps lists.
func asCosign(predicate string) registry.Descriptor {
	return registry.Descriptor{ArtifactType: bundleType, Annotations: map[string]string{predicateType: predicate}}
}

func judge(t *testing.T, s cosign.Source, pub []byte, opts ...cosign.Option) (gate.Decision, error) {
	t.Helper()
	g, err := cosign.SignedBy(s, [][]byte{pub}, opts...)
	require.NoError(t, err)
	return g.Judge(t.Context(), gate.Candidate{Reference: repository + ":1", Digest: index.String(), Manifest: image.String()})
}

func TestBundles(t *testing.T) {
	t.Parallel()
	key, pub := newKey(t)
	stranger, _ := newKey(t)
	ours := func(about digest.Digest) []byte { return signedBundle(t, key, about) }
	signs := asCosign(signPredicate)
	slsa := statement(slsaPredicate, index)
	attestation := bundle(slsa, sign(t, key, envelope(slsa)))
	swap := func(text []byte, old, replacement string) []byte {
		require.Contains(t, string(text), old)
		return []byte(strings.ReplaceAll(string(text), old, replacement))
	}
	resigned := func(payload []byte) []byte { return bundle(payload, sign(t, key, envelope(payload))) }
	tests := []struct {
		name    string
		build   func(s *shelf)
		verdict gate.Verdict
		reason  string
	}{
		{"the index", func(s *shelf) { s.attach(index, ours(index), signs) }, gate.Accept, ""},
		{"the image in it", func(s *shelf) { s.attach(image, ours(image), signs) }, gate.Accept, ""},
		{"of which a list says nothing", func(s *shelf) { s.attach(index, ours(index), registry.Descriptor{}) }, gate.Accept, ""},
		{"as cosign lists it under a tag", func(s *shelf) { s.attach(index, ours(index), registry.Descriptor{ArtifactType: emptyType}) }, gate.Accept, ""},
		{"of an older version", func(s *shelf) {
			s.attach(index, ours(index), registry.Descriptor{ArtifactType: "application/vnd.dev.sigstore.bundle+json;version=0.2"})
		}, gate.Accept, ""},
		{"of several images", func(s *shelf) {
			other := fmt.Sprintf(`"subject":[{"digest":{"sha256":%q}},`, strings.Repeat("0", 64))
			s.attach(index, resigned(swap(statement(signPredicate, index), `"subject":[`, other)), signs)
		}, gate.Accept, ""},
		{"by a stranger", func(s *shelf) { s.attach(index, signedBundle(t, stranger, index), signs) }, gate.Reject, notTrusted},
		{"by a stranger and by us", func(s *shelf) {
			s.attach(index, signedBundle(t, stranger, index), signs)
			s.attach(index, ours(index), signs)
		}, gate.Accept, ""},
		{"by a stranger under the tag, and by us", func(s *shelf) {
			s.tag(index, s.signature(stranger, index))
			s.attach(image, ours(image), signs)
		}, gate.Accept, ""},
		{"of another image", func(s *shelf) { s.attach(index, ours(digest.FromString("other")), signs) }, gate.Reject, notTrusted},
		{"the payload's own signature", func(s *shelf) {
			payload := statement(signPredicate, index)
			s.attach(index, bundle(payload, sign(t, key, payload)), signs)
		}, gate.Reject, notTrusted},
		{"a payload that was exchanged", func(s *shelf) {
			payload := statement(signPredicate, digest.FromString("other"))
			s.attach(index, bundle(statement(signPredicate, index), sign(t, key, envelope(payload))), signs)
		}, gate.Reject, notTrusted},
		{"an attestation by us", func(s *shelf) { s.attach(index, attestation, asCosign(slsaPredicate)) }, gate.Hold, "not signed"},
		{"an attestation listed as a signature", func(s *shelf) { s.attach(index, attestation, signs) }, gate.Hold, "not signed"},
		{"a list of contents by us", func(s *shelf) {
			s.attach(index, resigned(statement("https://spdx.dev/Document", index)), registry.Descriptor{ArtifactType: emptyType})
		}, gate.Hold, "not signed"},
		{"an attestation, and a signature", func(s *shelf) {
			s.attach(index, attestation, asCosign(slsaPredicate))
			s.attach(index, ours(index), signs)
		}, gate.Accept, ""},
		{"a statement of another type", func(s *shelf) {
			s.attach(index, resigned(swap(statement(signPredicate, index), "Statement/v1", "Statement/v9")), signs)
		}, gate.Hold, "not signed"},
		{"a payload of another type", func(s *shelf) { s.attach(index, swap(ours(index), inToto, "application/json"), signs) }, gate.Hold, "not signed"},
		{"two signatures where one belongs", func(s *shelf) {
			payload := statement(signPredicate, index)
			made := sign(t, key, envelope(payload))
			s.attach(index, bundle(payload, made, made), signs)
		}, gate.Hold, "not signed"},
		{"no signature", func(s *shelf) { s.attach(index, bundle(statement(signPredicate, index)), signs) }, gate.Hold, "not signed"},
		{"a signature over a file", func(s *shelf) {
			s.attach(index, []byte(`{"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AAAA"},"signature":"AAAA"}}`), signs)
		}, gate.Hold, "not signed"},
		{"no base64", func(s *shelf) { s.attach(index, swap(ours(index), `"sig":"`, `"sig":"%`), signs) }, gate.Hold, "not signed"},
		{"no bundle", func(s *shelf) { s.attach(index, []byte("<html>"), signs) }, gate.Hold, "not signed"},
		{"too much for a signature", func(s *shelf) {
			s.attach(index, append(ours(index), strings.Repeat(" ", 256<<10)...), signs)
		}, gate.Hold, "not signed"},
		{"too much, and said to be less", func(s *shelf) {
			s.attach(index, append(ours(index), strings.Repeat(" ", 256<<10)...), signs)
			for _, m := range s.manifests {
				m.Layers[0].Size = 100
			}
		}, gate.Hold, "not signed"},
		{"a bundle that is gone", func(s *shelf) {
			s.attach(index, ours(index), signs)
			clear(s.blobs)
		}, gate.Hold, "not signed"},
		{"something else of another type", func(s *shelf) {
			s.attach(index, ours(index), registry.Descriptor{ArtifactType: "application/spdx+json"})
		}, gate.Hold, "not signed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			tt.build(s)
			d, err := judge(t, s, pub)
			require.NoError(t, err)
			assert.Equal(t, gate.Decision{Verdict: tt.verdict, Reason: tt.reason}, d)
		})
	}
}

func TestWhatIsNoSignatureIsNotRead(t *testing.T) {
	t.Parallel()
	key, pub := newKey(t)
	const lists = 4 // the tags and the referrers of the index and of the image
	tests := []struct {
		name   string
		listed registry.Descriptor
		size   int
		asked  int
	}{
		{"an attestation", asCosign(slsaPredicate), 0, lists},
		{"something else", registry.Descriptor{ArtifactType: "application/spdx+json"}, 0, lists},
		{"too much for a signature", asCosign(signPredicate), 256 << 10, lists + 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			s.attach(index, append(signedBundle(t, key, index), strings.Repeat(" ", tt.size)...), tt.listed)
			d, err := judge(t, s, pub)
			require.NoError(t, err)
			assert.Equal(t, gate.Hold, d.Verdict)
			assert.Equal(t, tt.asked, s.asked)
		})
	}
}

// Which hash goes with a key has changed over cosign's versions.
func TestTheSchemesOfKeys(t *testing.T) {
	t.Parallel()
	curve := func(c elliptic.Curve) crypto.Signer {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		require.NoError(t, err)
		return k
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	tests := []struct {
		name   string
		signer crypto.Signer
		hash   crypto.Hash
		good   bool
	}{
		{"P-256", curve(elliptic.P256()), crypto.SHA256, true},
		{"P-256, of another hash", curve(elliptic.P256()), crypto.SHA384, false},
		{"P-384", curve(elliptic.P384()), crypto.SHA384, true},
		{"P-384, of old", curve(elliptic.P384()), crypto.SHA256, true},
		{"P-521", curve(elliptic.P521()), crypto.SHA512, true},
		{"P-521, of old", curve(elliptic.P521()), crypto.SHA256, true},
		{"RSA", rsaKey, crypto.SHA256, true},
		{"Ed25519", edKey, 0, true},
		{"Ed25519ph", edKey, crypto.SHA512, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t)
			payload := statement(signPredicate, index)
			s.attach(index, bundle(payload, signAs(t, tt.signer, tt.hash, envelope(payload))), asCosign(signPredicate))
			d, err := judge(t, s, public(t, tt.signer))
			require.NoError(t, err)
			assert.Equal(t, tt.good, d.Accepted())
		})
	}
}

func TestASignatureForAnotherRepository(t *testing.T) {
	t.Parallel()
	key, pub := newKey(t)
	payload := func(name string) []byte {
		return fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":%q},"image":{"docker-manifest-digest":%q},`+
			`"type":"cosign container image signature"},"optional":null}`, name, index)
	}
	named := func(name string) []byte {
		text := strings.Replace(string(statement(signPredicate, index)), `{"digest"`, fmt.Sprintf(`{"name":%q,"digest"`, name), 1)
		return bundle([]byte(text), sign(t, key, envelope([]byte(text))))
	}
	tests := []struct {
		name, named string
		same        bool
	}{
		{"itself", repository, true},
		{"with a tag", repository + ":1", true},
		{"with a digest", repository + "@" + index.String(), true},
		{"another", "registry.example/team/other", false},
		{"of another registry", "registry.other/team/app", false},
		{"a part of it", "registry.example/team", false},
		{"none", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			simple, bundled := newShelf(t), newShelf(t)
			text := payload(tt.named)
			simple.tag(index, simple.layer(text, encode(sign(t, key, text))))
			bundled.attach(index, named(tt.named), asCosign(signPredicate))
			for _, s := range []*shelf{simple, bundled} {
				d, err := judge(t, s, pub)
				require.NoError(t, err)
				assert.True(t, d.Accepted(), "whatever it names")
				d, err = judge(t, s, pub, nil, cosign.WithSameRepository())
				require.NoError(t, err)
				assert.Equal(t, tt.same, d.Accepted())
			}
		})
	}
}
