package cosign

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/registry"
)

// The words of cosign's format.
const (
	artifactType        = "application/vnd.dev.cosign.artifact.sig.v1+json"
	payloadType         = "application/vnd.dev.cosign.simplesigning.v1+json"
	signatureAnnotation = "dev.cosignproject.cosign/signature"
	documentType        = "cosign container image signature"
)

// maxSignatures bounds how many of an image's signatures are read.
const maxSignatures = 32

// maxKnown bounds what is remembered of images that are signed.
const maxKnown = 4096

// Source is where signatures are read: a registry.Client.
type Source interface {
	// Manifest reads a manifest; NotFound if there is none.
	Manifest(ctx context.Context, reference string) (registry.Manifest, error)
	// Blob reads what a digest names in the reference's repository.
	Blob(ctx context.Context, reference string, d digest.Digest) ([]byte, error)
	// Referrers lists the manifests of one type about the reference's.
	Referrers(ctx context.Context, reference, artifactType string) ([]registry.Descriptor, error)
}

var _ Source = (*registry.Client)(nil)

// SignedBy lets an image move that one of the keys has signed: the image itself, or
// the index it is in. The keys are PEM texts of one or more public keys each
// (ECDSA, RSA of 2048 bits or more, Ed25519), cosign.pub for one. What is not signed
// is held, since it may be signed in a minute; what has only signatures of others,
// or one of these keys for another image, is rejected. A nil source, no key, or a
// text that is none is an error of class InvalidArgument.
//
// The gate's own errors are those of the source: an image whose signatures cannot be
// read stays where it is.
func SignedBy(source Source, keys ...[]byte) (gate.Gate, error) {
	if source == nil {
		return nil, invalid("nil source: want a registry.Client")
	}
	g := &signed{source: source, known: map[digest.Digest]bool{}}
	for i, text := range keys {
		parsed, err := parseKeys(text)
		if err != nil {
			return nil, invalid("key %d: %v", i+1, err)
		}
		g.keys = append(g.keys, parsed...)
	}
	if len(g.keys) == 0 {
		return nil, invalid("no key: want the public key that signs the images")
	}
	return g, nil
}

func invalid(format string, args ...any) error {
	return errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("cosign: SignedBy: "+format, args...))
}

type signed struct {
	source Source
	keys   []key

	mu    sync.Mutex
	known map[digest.Digest]bool // that are signed: that never changes
}

// Judge reads the signatures of the index and of the image, until one is found that
// verifies.
func (g *signed) Judge(ctx context.Context, c gate.Candidate) (gate.Decision, error) {
	ref, err := registry.Parse(c.Reference)
	if err != nil {
		return gate.Decision{}, err
	}
	repository := ref.Host + "/" + ref.Repository
	found := 0
	for _, text := range []string{c.Digest, c.Manifest} {
		d := digest.Digest(text)
		if d.Validate() != nil {
			continue
		}
		ok, n, err := g.check(ctx, repository, d)
		if err != nil {
			return gate.Decision{}, fmt.Errorf("cosign: %s@%s: %w", repository, d, err)
		}
		if found += n; ok {
			return gate.Decision{Verdict: gate.Accept}, nil
		}
		if c.Manifest == c.Digest {
			break
		}
	}
	if found > 0 {
		return gate.Decision{Verdict: gate.Reject, Reason: "signed, but not by a key that is trusted, or for another image"}, nil
	}
	return gate.Decision{Verdict: gate.Hold, Reason: "not signed"}, nil
}

// check reports whether one of the keys has signed the digest, and how many
// signatures there are.
func (g *signed) check(ctx context.Context, repository string, d digest.Digest) (ok bool, found int, err error) {
	g.mu.Lock()
	ok = g.known[d]
	g.mu.Unlock()
	if ok {
		return true, 1, nil
	}
	for _, look := range []func(context.Context, string, digest.Digest) ([]registry.Manifest, error){g.tagged, g.referring} {
		manifests, err := look(ctx, repository, d)
		if err != nil {
			return false, found, err
		}
		for _, m := range manifests {
			for _, layer := range m.Layers {
				if layer.MediaType != payloadType || found >= maxSignatures {
					continue
				}
				found++
				ok, err := g.verify(ctx, repository, layer, d)
				if err != nil {
					return false, found, err
				}
				if ok {
					g.remember(d)
					return true, found, nil
				}
			}
		}
	}
	return false, found, nil
}

func (g *signed) remember(d digest.Digest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= maxKnown {
		clear(g.known)
	}
	g.known[d] = true
}

// tagged are the signatures under the tag that cosign makes of the digest.
func (g *signed) tagged(ctx context.Context, repository string, d digest.Digest) ([]registry.Manifest, error) {
	m, err := g.source.Manifest(ctx, repository+":"+strings.Replace(d.String(), ":", "-", 1)+".sig")
	if errdefs.IsNotFound(err) {
		return nil, nil
	}
	return []registry.Manifest{m}, err
}

// referring are the signatures among the referrers of the manifest.
func (g *signed) referring(ctx context.Context, repository string, d digest.Digest) ([]registry.Manifest, error) {
	list, err := g.source.Referrers(ctx, repository+"@"+d.String(), artifactType)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var out []registry.Manifest
	for _, item := range list[:min(len(list), maxSignatures)] {
		m, err := g.source.Manifest(ctx, repository+"@"+item.Digest.String())
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// verify reads one signature's document: it counts if a key signed its very bytes
// and it names the digest.
func (g *signed) verify(ctx context.Context, repository string, layer registry.Descriptor, d digest.Digest) (bool, error) {
	signature, err := base64.StdEncoding.DecodeString(layer.Annotations[signatureAnnotation])
	if err != nil || len(signature) == 0 {
		return false, nil
	}
	payload, err := g.source.Blob(ctx, repository, layer.Digest)
	if errdefs.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	named, err := signedDigest(payload)
	if err != nil || named != d {
		return false, nil
	}
	for _, k := range g.keys {
		if k.verifies(payload, signature) {
			return true, nil
		}
	}
	return false, nil
}

// signedDigest is what a simple signing document is about.
func signedDigest(payload []byte) (digest.Digest, error) {
	var document struct {
		Critical struct {
			Type  string `json:"type"`
			Image struct {
				Digest digest.Digest `json:"docker-manifest-digest"`
			} `json:"image"`
		} `json:"critical"`
	}
	if err := json.Unmarshal(payload, &document); err != nil {
		return "", err
	}
	if document.Critical.Type != documentType {
		return "", errors.New("a document of another type")
	}
	return document.Critical.Image.Digest, document.Critical.Image.Digest.Validate()
}
