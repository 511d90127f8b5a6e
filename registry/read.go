package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
)

// maxBlob bounds a blob that is read: what is read is small, as signatures are.
const maxBlob = 4 << 20

// Descriptor points at a manifest or blob, in the words of the OCI image
// specification.
type Descriptor struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Digest       digest.Digest     `json:"digest"`
	Size         int64             `json:"size"` // in bytes
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// Manifest is the manifest of an image or of an artifact, a signature for one.
type Manifest struct {
	// Digest is that of its bytes.
	Digest digest.Digest `json:"-"`
	// Layers are what it holds; none for an index.
	Layers []Descriptor `json:"layers"`
	// Subject is what it is about; nil for an image.
	Subject *Descriptor `json:"subject"`
}

// Manifest reads the manifest a reference leads to, by tag or digest, with one
// GET. Errors are those of a Verdict: NotFound where there is none.
func (c *Client) Manifest(ctx context.Context, reference string) (Manifest, error) {
	var m Manifest
	err := c.reading(ctx, reference, func(h *host, ref Reference) error {
		d, body, err := h.read(ctx, ref, ref.version())
		if err != nil {
			return err
		}
		if json.Unmarshal(body, &m) != nil {
			return broken(ref, errors.New("its manifest is not JSON"))
		}
		m.Digest = d
		return nil
	})
	return m, err
}

// Blob reads what a digest names in the reference's repository, at most 4 MiB.
// Errors are those of a Verdict.
func (c *Client) Blob(ctx context.Context, reference string, d digest.Digest) ([]byte, error) {
	if d.Validate() != nil {
		return nil, invalid("Blob", fmt.Sprintf("%q", d), "a digest")
	}
	ref, err := Parse(reference)
	if err != nil {
		return nil, err
	}
	var body []byte
	blob := Reference{Host: ref.Host, Repository: ref.Repository, Digest: d}
	err = c.reading(ctx, blob.String(), func(h *host, ref Reference) (err error) {
		body, err = h.blob(ctx, ref, d, maxBlob)
		return err
	})
	return body, err
}

// reading runs one reading of a repository, unless its registry is closed.
func (c *Client) reading(ctx context.Context, reference string, read func(h *host, ref Reference) error) error {
	ref, err := Parse(reference)
	if err != nil {
		return err
	}
	h := c.host(ref)
	h.reopen()
	if err := h.closed(ref); err != nil {
		return err
	}
	h.locate(ctx)
	if err := read(h, ref); err != nil {
		return h.explain(ref, err)
	}
	return nil
}

// reopen forgets that the registry answered nothing at a check that has ended.
func (h *host) reopen() {
	if !h.busy.TryAcquire(1) {
		return
	}
	defer h.busy.Release(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dead = nil
}
