package cosign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// key verifies signatures.
type key struct{ public any }

// parseKeys reads the public keys of a PEM text, one or more.
func parseKeys(text []byte) ([]key, error) {
	var out []key
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("a %q: want a PUBLIC KEY, as in cosign.pub", block.Type)
		}
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, errors.New("a PUBLIC KEY that cannot be read")
		}
		switch public := public.(type) {
		case *ecdsa.PublicKey, ed25519.PublicKey:
		case *rsa.PublicKey:
			if public.Size() < 256 {
				return nil, errors.New("an RSA key of less than 2048 bits")
			}
		default:
			return nil, errors.New("a key of an unknown kind: want ECDSA, RSA or Ed25519")
		}
		out = append(out, key{public})
	}
	if len(out) == 0 {
		return nil, errors.New("no PEM: want a PUBLIC KEY, as in cosign.pub")
	}
	return out, nil
}

// verifies reports whether the signature is this key's for the message, in the
// schemes cosign signs with: ECDSA and RSA (PKCS #1 v1.5) over its SHA-256, Ed25519
// over itself.
func (k key) verifies(message, signature []byte) bool {
	sum := sha256.Sum256(message)
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(public, sum[:], signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(public, message, signature)
	default:
		return false
	}
}
