package cosign_test

import (
	"crypto/ed25519"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry"
)

// Whatever a bundle is made of: it is good only with the payload that was signed.
func FuzzBundle(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	payload := statement(signPredicate, index)
	f.Add(bundle(payload, ed25519.Sign(key, envelope(payload))))
	f.Add(bundle(statement(slsaPredicate, index), ed25519.Sign(key, envelope(statement(slsaPredicate, index)))))
	f.Add([]byte(`{"messageSignature":{"signature":"AAAA"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := newShelf(t)
		s.attach(index, text, registry.Descriptor{})
		d, err := judge(t, s, public(t, key))
		require.NoError(t, err)
		if !d.Accepted() {
			return
		}
		var said struct {
			Envelope struct{ Payload []byte } `json:"dsseEnvelope"`
		}
		require.NoError(t, json.Unmarshal(text, &said))
		assert.Equal(t, payload, said.Envelope.Payload)
	})
}

// Whatever a simple signing document is made of: it is good only as it was signed.
func FuzzSimpleSigning(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	payload := []byte(`{"critical":{"image":{"docker-manifest-digest":"` + index.String() + `"},"type":"cosign container image signature"}}`)
	signature := encode(ed25519.Sign(key, payload))
	f.Add(payload, signature)
	f.Add([]byte("{}"), "%%")
	f.Fuzz(func(t *testing.T, text []byte, made string) {
		s := newShelf(t)
		s.tag(index, s.layer(text, made))
		d, err := judge(t, s, public(t, key))
		require.NoError(t, err)
		if d.Accepted() {
			assert.Equal(t, payload, text)
		}
	})
}
