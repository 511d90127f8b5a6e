package cosign

import (
	"context"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/registry"
)

// maxSignatures bounds how many of an image's signatures are read in one place, and
// how many of the manifests there that may hold some.
const maxSignatures = 32

// What a list of referrers says of one. Where a registry keeps no lists, cosign's
// own say "empty" of a bundle.
const (
	simpleArtifact      = "application/vnd.dev.cosign.artifact.sig.v1+json"
	emptyArtifact       = "application/vnd.oci.empty.v1+json"
	predicateAnnotation = "dev.sigstore.bundle.predicateType"
)

// search is one candidate's.
type search struct {
	*signed
	repository string

	found bool  // there are signatures
	more  bool  // there are more than were read
	err   error // the first; it matters only if nothing verifies
}

// at names an image, or what is about it.
func (s *search) at(d digest.Digest) string { return s.repository + "@" + d.String() }

func (s *search) fail(d digest.Digest, err error) {
	if s.err == nil {
		s.err = fmt.Errorf("cosign: %s: %w", s.at(d), err)
	}
}

func (s *search) remembered(d digest.Digest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[s.at(d)]
}

// tagged looks under the tag that cosign makes of the digest.
func (s *search) tagged(ctx context.Context, d digest.Digest) bool {
	m, err := s.source.Manifest(ctx, s.repository+":"+strings.Replace(d.String(), ":", "-", 1)+".sig")
	if err != nil {
		if !errdefs.IsNotFound(err) {
			s.fail(d, err)
		}
		return false
	}
	left := maxSignatures
	return s.among(ctx, m.Layers, d, &left)
}

// referring looks among the referrers of the manifest. One that is listed and not
// there is none.
func (s *search) referring(ctx context.Context, d digest.Digest) bool {
	list, err := s.source.Referrers(ctx, s.at(d), "")
	if err != nil {
		s.fail(d, err)
		return false
	}
	manifests, left := maxSignatures, maxSignatures
	for _, item := range list {
		if !maySign(item) {
			continue
		}
		if manifests--; manifests < 0 {
			s.more = true
			return false
		}
		m, err := s.source.Manifest(ctx, s.at(item.Digest))
		switch {
		case errdefs.IsNotFound(err):
		case err != nil:
			s.fail(d, err)
		case s.among(ctx, m.Layers, d, &left):
			return true
		}
	}
	return false
}

// maySign tells what is worth reading from attestations and the like. Nobody has
// signed what it goes by, but all that can be done with that is to hide a signature.
func maySign(item registry.Descriptor) bool {
	predicate, told := item.Annotations[predicateAnnotation]
	if item.Digest.Validate() != nil || told && predicate != signPredicate {
		return false
	}
	switch item.ArtifactType {
	case simpleArtifact, emptyArtifact, "":
		return true
	}
	return strings.HasPrefix(item.ArtifactType, bundleType)
}

// among looks for a signature that verifies in the layers of a manifest, for as long
// as any may be read.
func (s *search) among(ctx context.Context, layers []registry.Descriptor, d digest.Digest, left *int) bool {
	for _, layer := range layers {
		simple := layer.MediaType == simpleType
		if !simple && !strings.HasPrefix(layer.MediaType, bundleType) {
			continue
		}
		if *left--; *left < 0 {
			s.more = true
			return false
		}
		text, err := s.document(ctx, layer)
		if err != nil {
			s.fail(d, err)
			continue
		}
		var c claim
		var ok bool
		if simple {
			c, ok = parseSimple(text, layer.Annotations[signatureAnnotation])
		} else {
			c, ok = parseBundle(text)
		}
		s.found = s.found || simple || ok
		if ok && s.holds(c, d) {
			return true
		}
	}
	return false
}

// document reads what a layer names: nothing if there is nothing, or too much for a
// signature.
func (s *search) document(ctx context.Context, layer registry.Descriptor) ([]byte, error) {
	if layer.Size > maxDocument || layer.Digest.Validate() != nil {
		return nil, nil
	}
	text, err := s.source.Blob(ctx, s.repository, layer.Digest)
	if errdefs.IsNotFound(err) || len(text) > maxDocument {
		return nil, nil
	}
	return text, err
}

// holds: one of the keys has signed it, and it is about the digest.
func (s *search) holds(c claim, d digest.Digest) bool {
	for _, about := range c.about {
		if about.digest != d || s.sameRepository && !names(about.name, s.repository) {
			continue
		}
		for _, k := range s.keys {
			if k.verifies(c.message, c.signature) {
				return true
			}
		}
		return false
	}
	return false
}

// names: it is a reference into the repository.
func names(name, repository string) bool {
	ref, err := registry.Parse(name)
	return err == nil && ref.Host+"/"+ref.Repository == repository
}
