package cosign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/registry"
)

// maxKnown bounds what is remembered of images that are signed.
const maxKnown = 4096

// Source is where signatures are read: a registry.Client.
type Source interface {
	// Manifest reads a manifest; NotFound if there is none.
	Manifest(ctx context.Context, reference string) (registry.Manifest, error)
	// Blob reads what a digest names in the reference's repository.
	Blob(ctx context.Context, reference string, d digest.Digest) ([]byte, error)
	// Referrers lists the manifests about the reference's, of one type, or of all
	// if that is empty.
	Referrers(ctx context.Context, reference, artifactType string) ([]registry.Descriptor, error)
}

var _ Source = (*registry.Client)(nil)

// Option sets one thing of a gate. A nil Option is skipped.
type Option func(*signed) error

// WithSameRepository lets a signature count only if what was signed names the
// repository that the image comes from: what a key signed for one repository is no
// yes in another. Simple signing names it (its docker-reference, with or without a
// tag or digest). The bundles that cosign writes since 3.0 do not, unless
// something else makes them with the name in the statement's subject: images are
// then to be signed with --new-bundle-format=false. Default: any repository, as
// cosign itself has it.
func WithSameRepository() Option {
	return func(g *signed) error {
		g.sameRepository = true
		return nil
	}
}

// SignedBy lets an image move that one of the keys has signed: the image itself, or
// the index it is in. The keys are PEM texts of one or more public keys each
// (ECDSA of 256 bits or more, RSA of 2048 or more, Ed25519), cosign.pub for one. What
// is not signed is held, since it may be signed in a minute, and so is what has more
// signatures of others than are read, which is 32 under the tag and 32 among the
// referrers. What has only signatures of others, or one of these keys for another
// image, is rejected. A nil source, no key, or a text that is none, or is cut short,
// is an error of class InvalidArgument.
//
// The source is a client of the gate's own, with the logins, mirrors and
// certificates it was made with, not with the Tower's; unless the Tower is given the
// same one, by watchtower.WithChecker: then it is one client, with one set of
// connections, tokens and limits.
//
// The gate's own errors are those of the source: an image of which some signature
// could not be read, and none of the others is good, stays where it is.
func SignedBy(source Source, keys [][]byte, opts ...Option) (gate.Gate, error) {
	if c, ok := source.(*registry.Client); source == nil || ok && c == nil {
		return nil, invalid("nil source: want a registry.Client")
	}
	g := &signed{source: source, known: map[string]bool{}}
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
	var errs []error
	for _, opt := range opts {
		if opt != nil {
			errs = append(errs, opt(g))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return g, nil
}

func invalid(format string, args ...any) error {
	return errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("cosign: SignedBy: "+format, args...))
}

type signed struct {
	source         Source
	keys           []key
	sameRepository bool

	mu    sync.Mutex
	known map[string]bool // "repository@digest" that are signed: that never changes
}

// Judge looks for a signature that verifies of the index and of the image: under
// their tags first, since that needs nothing of a registry that not all of them
// have, then among their referrers.
func (g *signed) Judge(ctx context.Context, c gate.Candidate) (gate.Decision, error) {
	ref, err := registry.Parse(c.Reference)
	if err != nil {
		return gate.Decision{}, err
	}
	s := &search{signed: g, repository: ref.Host + "/" + ref.Repository}
	var digests []digest.Digest
	for _, text := range []string{c.Digest, c.Manifest} {
		if d := digest.Digest(text); d.Validate() == nil && !slices.Contains(digests, d) {
			digests = append(digests, d)
		}
	}
	if slices.ContainsFunc(digests, s.remembered) {
		return gate.Decision{Verdict: gate.Accept}, nil
	}
	for _, look := range []func(context.Context, digest.Digest) bool{s.tagged, s.referring} {
		for _, d := range digests {
			if look(ctx, d) {
				g.remember(s.at(d))
				return gate.Decision{Verdict: gate.Accept}, nil
			}
		}
	}
	switch {
	case s.err != nil:
		return gate.Decision{}, s.err
	case s.more:
		return gate.Decision{Verdict: gate.Hold, Reason: fmt.Sprintf(
			"more than %d signatures, and none of the first by a key that is trusted", maxSignatures)}, nil
	case s.found:
		return gate.Decision{Verdict: gate.Reject, Reason: "signed, but not by a key that is trusted, or for another image"}, nil
	}
	return gate.Decision{Verdict: gate.Hold, Reason: "not signed"}, nil
}

func (g *signed) remember(image string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= maxKnown {
		clear(g.known)
	}
	g.known[image] = true
}
