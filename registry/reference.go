package registry

import (
	"fmt"
	"regexp"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// Hub is Docker Hub's name in references.
const Hub = "docker.io"

// hubHost is where Docker Hub's registry is.
const hubHost = "registry-1.docker.io"

// Reference is an image reference, taken apart. The zero value is no reference.
type Reference struct {
	// Host is the registry as references name it, with its port: "docker.io",
	// "ghcr.io", "127.0.0.1:5000".
	Host string
	// Repository is the path on it: "library/nginx".
	Repository string
	// Tag is "latest" if nothing else is written; empty for a reference by
	// digest alone.
	Tag string
	// Digest is set for a reference that names one.
	Digest digest.Digest
}

var bareID = regexp.MustCompile(`^(sha256:)?[0-9a-f]{64}$`)

// Parse takes a reference apart: "nginx", "ghcr.io/org/app:1.2",
// "app:1@sha256:…". Anything else, a bare image ID included, is an error of
// class InvalidArgument.
func Parse(text string) (Reference, error) {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil || bareID.MatchString(text) {
		if err == nil {
			err = fmt.Errorf("an image ID names no repository")
		}
		return Reference{}, errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("registry: %q: %w", text, err))
	}
	r := Reference{Host: reference.Domain(named), Repository: reference.Path(named)}
	if digested, ok := named.(reference.Digested); ok {
		r.Digest = digested.Digest()
	}
	if tagged, ok := named.(reference.Tagged); ok {
		r.Tag = tagged.Tag()
	} else if r.Digest == "" {
		r.Tag = "latest"
	}
	return r, nil
}

// Pinned reports whether the reference names a digest, so that it can never
// point at anything else.
func (r Reference) Pinned() bool { return r.Digest != "" }

// String is the whole reference: "docker.io/library/nginx:latest". Two texts
// that mean the same reference give the same string.
func (r Reference) String() string {
	text := r.Host + "/" + r.Repository
	if r.Tag != "" {
		text += ":" + r.Tag
	}
	if r.Digest != "" {
		text += "@" + r.Digest.String()
	}
	return text
}

// endpoint is where the registry is asked.
func (r Reference) endpoint() string {
	if r.Host == Hub {
		return hubHost
	}
	return r.Host
}

// version is the tag, or the digest where there is one.
func (r Reference) version() string {
	if r.Digest != "" {
		return r.Digest.String()
	}
	return r.Tag
}
