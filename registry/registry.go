package registry

import (
	"context"

	"github.com/opencontainers/go-digest"
)

// Query asks what one image reference points at.
type Query struct {
	// Reference is an image reference as people write it: "nginx",
	// "ghcr.io/org/app:1.2", "127.0.0.1:5000/app". A missing tag is "latest".
	Reference string
	// Known are the digests of the image in use, of any kind (index, platform
	// manifest, config). When the tag's digest is among them nothing moved and
	// nothing more is asked. Empty: the answer is always resolved.
	Known []digest.Digest
	// Platforms names the platforms, as "os/arch" or "os/arch/variant", whose
	// content is wanted. It is called at most once, and only when the tag's
	// digest is not among Known, so that it may be costly; those of several
	// queries are called at the same time. Nil: nothing beyond the tag's digest
	// is resolved.
	Platforms func(ctx context.Context) ([]string, error)
}

// Verdict is the answer to one Query.
type Verdict struct {
	// Reference is that of the Query, unchanged.
	Reference string
	// Digest is what the tag points at now: an index's or a manifest's digest.
	// Empty if Err is set.
	Digest digest.Digest
	// Images is the content by platform, in the order the platforms were asked.
	// A platform the tag does not serve is missing from it. Nil when it was not
	// resolved: Digest is one of the Query's Known or no platform was asked for.
	Images []Image
	// Endpoint is who gave this answer: the reference's registry, as references
	// name it, or for Docker Hub one of its mirrors, by its host and what path its
	// URL has. Empty if Err is set, or the Checker does not tell.
	Endpoint string
	// OriginErr is why the registry itself gave no answer, where a mirror gave one
	// in its place; nil if the answer is the registry's. It carries a class as Err
	// does.
	OriginErr error
	// StaleMirror is the mirror through which an engine would pull and which
	// points at something else than the registry, whose answer counts. Empty if
	// there is none. It is asked only when Digest is none of the Query's Known.
	StaleMirror string
	// Err says why there is no answer. It carries an errdefs class: NotFound,
	// Unauthenticated, PermissionDenied, ResourceExhausted (then a *Error holds
	// the time to wait), Unavailable, InvalidArgument, DeadlineExceeded.
	Err error
}

// Image is what a tag serves for one platform.
type Image struct {
	// Platform is the platform asked for, "os/arch" or "os/arch/variant".
	Platform string
	// Manifest is the digest of the platform's manifest.
	Manifest digest.Digest
	// Config is the digest of the image's configuration: the image ID of
	// engines with the classic image store. It may be empty when Manifest is one
	// of the Query's Known: what is known already is not read.
	Config digest.Digest
}

// Checker answers queries. All distinct references of a pass come in one call, so that
// requests can be shared; in a further one only those of containers that follow
// versions, where the tag they were asked by is of no use to them. The verdicts come
// back in the queries' order, one each, its error inside. A Checker never pulls. It is not called again
// before it returned, and returns early when ctx ends, with the verdicts it has
// and ctx's error in the others.
type Checker interface {
	Check(ctx context.Context, queries []Query) []Verdict
}

// CheckerFunc adapts a function to Checker.
type CheckerFunc func(ctx context.Context, queries []Query) []Verdict

// Check calls f.
func (f CheckerFunc) Check(ctx context.Context, queries []Query) []Verdict { return f(ctx, queries) }
