package cosign

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
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
	blocks := bytes.Count(text, []byte("-----BEGIN "))
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
		case ed25519.PublicKey:
		case *ecdsa.PublicKey:
			if public.Curve.Params().BitSize < 256 {
				return nil, errors.New("an ECDSA key of less than 256 bits")
			}
		case *rsa.PublicKey:
			if public.Size() < 256 {
				return nil, errors.New("an RSA key of less than 2048 bits")
			}
		default:
			return nil, errors.New("a key of an unknown kind: want ECDSA, RSA or Ed25519")
		}
		out = append(out, key{public})
	}
	if len(out) < blocks {
		return nil, errors.New("a PEM block that is broken or cut short")
	}
	if len(out) == 0 {
		return nil, errors.New("no PEM: want a PUBLIC KEY, as in cosign.pub")
	}
	return out, nil
}

// verifies reports whether the signature is this key's for the message, in one of
// the schemes that cosign has signed with: ECDSA over its SHA-256, or over the hash
// of the curve's size; RSA (PKCS #1 v1.5) over its SHA-256; Ed25519 over itself, or
// over its SHA-512 (Ed25519ph).
func (k key) verifies(message, signature []byte) bool {
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(public, sum(crypto.SHA256, message), signature) ||
			ecdsa.VerifyASN1(public, sum(hashOf(public), message), signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum(crypto.SHA256, message), signature) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(public, message, signature) ||
			ed25519.VerifyWithOptions(public, sum(crypto.SHA512, message), signature, &ed25519.Options{Hash: crypto.SHA512}) == nil
	default:
		return false
	}
}

// hashOf is the hash that goes with a curve.
func hashOf(public *ecdsa.PublicKey) crypto.Hash {
	switch bits := public.Curve.Params().BitSize; {
	case bits > 384:
		return crypto.SHA512
	case bits > 256:
		return crypto.SHA384
	default:
		return crypto.SHA256
	}
}

func sum(hash crypto.Hash, message []byte) []byte {
	h := hash.New()
	h.Write(message)
	return h.Sum(nil)
}
