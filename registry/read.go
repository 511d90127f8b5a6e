package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
)

const (
	// maxTags bounds a list of tags: the repositories with most have some ten
	// thousand.
	maxTags = 100_000
	// maxPages bounds the requests a list may cost.
	maxPages = 100
	// pageSize is how many tags are asked for at once; registries cut it to what
	// they like.
	pageSize = "1000"
	// maxBlob bounds a blob that is read: what is read is small, as signatures are.
	maxBlob = 4 << 20
)

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
	var body []byte
	err := c.reading(ctx, reference, func(h *host, ref Reference) (err error) {
		if d.Validate() != nil {
			return invalid("Blob", fmt.Sprintf("%q", d), "a digest")
		}
		body, err = h.blob(ctx, ref, d, maxBlob)
		return err
	})
	return body, err
}

// Referrers lists what is about the manifest that the reference, one with a
// digest, names: its signatures and the like, of one artifact type. Where a
// registry keeps no such lists, it is the one that clients keep under a tag, as the
// OCI distribution specification has it. Errors are those of a Verdict.
func (c *Client) Referrers(ctx context.Context, reference, artifactType string) ([]Descriptor, error) {
	var out []Descriptor
	err := c.reading(ctx, reference, func(h *host, ref Reference) error {
		if !ref.Pinned() {
			return invalid("Referrers", fmt.Sprintf("%q", reference), "a reference with a digest")
		}
		path := "/referrers/" + ref.Digest.String() + "?" + url.Values{"artifactType": {artifactType}}.Encode()
		body, _, err := h.list(ctx, ref, path)
		var denial *Error
		if errors.As(err, &denial) && slices.Contains([]int{http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed}, denial.Status) {
			kept := Reference{Host: ref.Host, Repository: ref.Repository, Tag: strings.Replace(ref.Digest.String(), ":", "-", 1)}
			if _, body, err = h.read(ctx, kept, kept.Tag); errdefs.IsNotFound(err) {
				return nil
			}
		}
		if err != nil {
			return err
		}
		var index struct {
			Manifests []Descriptor `json:"manifests"`
		}
		if json.Unmarshal(body, &index) != nil {
			return broken(ref, errors.New("its list of referrers is not JSON"))
		}
		out = slices.DeleteFunc(index.Manifests, func(d Descriptor) bool { return d.ArtifactType != artifactType })
		return nil
	})
	return out, err
}

// TagLister is a Checker that can also list a repository's tags. It is asked only
// for containers that follow versions.
type TagLister interface {
	// Tags lists all tags of the reference's repository, in any order. Its errors
	// are those of a Verdict.
	Tags(ctx context.Context, reference string) ([]string, error)
}

var _ TagLister = (*Client)(nil)

// Tags lists all tags of the reference's repository, in the registry's order, with
// one GET for each page. Errors are those of a Verdict.
func (c *Client) Tags(ctx context.Context, reference string) ([]string, error) {
	var out []string
	err := c.reading(ctx, reference, func(h *host, ref Reference) error {
		path := "/tags/list?n=" + pageSize
		for range maxPages {
			body, next, err := h.list(ctx, ref, path)
			if err != nil {
				return err
			}
			var page struct {
				Tags []string `json:"tags"`
			}
			if json.Unmarshal(body, &page) != nil {
				return broken(ref, errors.New("its list of tags is not JSON"))
			}
			out = append(out, page.Tags...)
			if path = next; path == "" {
				return nil
			}
			if len(out) > maxTags {
				break
			}
		}
		return broken(ref, fmt.Errorf("a list of tags that does not end: %d so far", len(out)))
	})
	return out, err
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

// list reads one page of a list, and finds where the next one is: its query, on the
// same path, whatever host the link names.
func (h *host) list(ctx context.Context, ref Reference, path string) (body []byte, next string, err error) {
	resp, err := h.ask(ctx, http.MethodGet, ref, path)
	if err != nil {
		return nil, "", err
	}
	defer discard(resp)
	if resp.StatusCode != http.StatusOK {
		return nil, "", denied("get", ref, resp)
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxManifest+1))
	if err != nil {
		return nil, "", unanswered(ctx, "get", ref, err)
	}
	if len(body) > maxManifest {
		return nil, "", broken(ref, fmt.Errorf("a list of more than %d bytes", maxManifest))
	}
	return body, nextPage(path, resp.Header.Values("Link")), nil
}

// nextPage reads `<…?last=x&n=1000>; rel="next"` (RFC 8288).
func nextPage(path string, links []string) string {
	for _, link := range links {
		target, rel, ok := strings.Cut(link, ">")
		target, began := strings.CutPrefix(strings.TrimSpace(target), "<")
		if !ok || !began || !strings.Contains(strings.ReplaceAll(rel, `"`, ""), "rel=next") {
			continue
		}
		u, err := url.Parse(target)
		if err != nil || u.RawQuery == "" {
			continue
		}
		path, _, _ = strings.Cut(path, "?")
		return path + "?" + u.RawQuery
	}
	return ""
}
