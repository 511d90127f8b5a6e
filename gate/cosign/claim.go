package cosign

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/opencontainers/go-digest"
)

// The words of cosign's two formats.
const (
	simpleType          = "application/vnd.dev.cosign.simplesigning.v1+json"
	simpleDocument      = "cosign container image signature"
	signatureAnnotation = "dev.cosignproject.cosign/signature"

	bundleType    = "application/vnd.dev.sigstore.bundle" // and its version, ".v0.3+json"
	payloadType   = "application/vnd.in-toto+json"
	statementType = "https://in-toto.io/Statement/v1"
	signPredicate = "https://sigstore.dev/cosign/sign/v1"
)

// maxDocument bounds what is read as a signature: one takes some KiB, with an entry
// of a transparency log ten. What takes more is an attestation.
const maxDocument = 256 << 10

// claim is a signature, what it is over, and what that is about.
type claim struct {
	message, signature []byte
	about              []subject
}

type subject struct {
	digest digest.Digest
	name   string // the repository, with or without a tag; may be empty
}

// parseSimple reads a simple signing document: it is what is signed.
func parseSimple(text []byte, signature string) (claim, bool) {
	var document struct {
		Critical struct {
			Type     string `json:"type"`
			Identity struct {
				Reference string `json:"docker-reference"`
			} `json:"identity"`
			Image struct {
				Digest digest.Digest `json:"docker-manifest-digest"`
			} `json:"image"`
		} `json:"critical"`
	}
	made, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || json.Unmarshal(text, &document) != nil || document.Critical.Type != simpleDocument {
		return claim{}, false
	}
	about := subject{document.Critical.Image.Digest, document.Critical.Identity.Reference}
	return claim{message: text, signature: made, about: []subject{about}}, true
}

// parseBundle reads a sigstore bundle that holds a statement that images were
// signed. Of what else a bundle may hold (an attestation of how an image was built,
// or of what is in it; a signature over a file) nothing says that somebody wants
// the image to be run. What it says of the key is only a hint, and what it has of a
// transparency log is not needed where the key is known.
func parseBundle(text []byte) (claim, bool) {
	var bundle struct {
		Envelope struct {
			Payload     []byte `json:"payload"`
			PayloadType string `json:"payloadType"`
			Signatures  []struct {
				Signature []byte `json:"sig"`
			} `json:"signatures"`
		} `json:"dsseEnvelope"`
	}
	var statement struct {
		Type    string `json:"_type"`
		Subject []struct {
			Name   string            `json:"name"`
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
		Predicate string `json:"predicateType"`
	}
	envelope := &bundle.Envelope
	if json.Unmarshal(text, &bundle) != nil || envelope.PayloadType != payloadType || json.Unmarshal(envelope.Payload, &statement) != nil ||
		statement.Type != statementType || statement.Predicate != signPredicate || len(envelope.Signatures) != 1 { // a bundle has one, says its format
		return claim{}, false
	}
	c := claim{message: preAuthentication(envelope.PayloadType, envelope.Payload), signature: envelope.Signatures[0].Signature}
	for _, s := range statement.Subject {
		for algorithm, hex := range s.Digest {
			c.about = append(c.about, subject{digest.NewDigestFromEncoded(digest.Algorithm(algorithm), hex), s.Name})
		}
	}
	return c, true
}

// preAuthentication is what an envelope's signature is over: the payload with its
// type (DSSE, "PAE").
func preAuthentication(kind string, payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload)
}
