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
)

const (
	// maxListed bounds the entries of a list: the repositories with most tags have
	// some ten thousand.
	maxListed = 100_000
	// maxList bounds a list's bytes: that many of the longest tags.
	maxList = 16 << 20
	// maxPages bounds the requests a list may cost.
	maxPages = 100
	// pageSize is how many tags are asked for at once; registries cut it to what
	// they like.
	pageSize = "1000"
)

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
		return h.pages(ctx, ref, "tags", "/tags/list?n="+pageSize, func(body []byte) (int, error) {
			var page struct {
				Tags []string `json:"tags"`
			}
			if json.Unmarshal(body, &page) != nil {
				return 0, errors.New("its list of tags is not JSON")
			}
			out = append(out, page.Tags...)
			return len(page.Tags), nil
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Referrers lists what is about the manifest that the reference, one with a
// digest, names: its signatures and the like, of one artifact type, or of all if
// that is empty, with one GET for each page. Where a registry keeps no such lists,
// it is the one that clients keep under a tag, as the OCI distribution
// specification has it; some clients do not write the right type there. Errors are
// those of a Verdict.
func (c *Client) Referrers(ctx context.Context, reference, artifactType string) ([]Descriptor, error) {
	var out []Descriptor
	add := func(body []byte) (int, error) {
		var index struct {
			Manifests []Descriptor `json:"manifests"`
		}
		if json.Unmarshal(body, &index) != nil {
			return 0, errors.New("its list of referrers is not JSON")
		}
		for _, d := range index.Manifests {
			if artifactType == "" || d.ArtifactType == artifactType {
				out = append(out, d)
			}
		}
		return len(index.Manifests), nil
	}
	err := c.reading(ctx, reference, func(h *host, ref Reference) error {
		if !ref.Pinned() {
			return invalid("Referrers", fmt.Sprintf("%q", reference), "a reference with a digest")
		}
		path := "/referrers/" + ref.Digest.String()
		if artifactType != "" {
			path += "?" + url.Values{"artifactType": {artifactType}}.Encode()
		}
		err := h.pages(ctx, ref, "referrers", path, add)
		if len(out) > 0 || !keepsNoLists(err) {
			return err
		}
		kept := Reference{Host: ref.Host, Repository: ref.Repository, Tag: strings.Replace(ref.Digest.String(), ":", "-", 1)}
		_, body, err := h.read(ctx, kept, kept.Tag)
		if errdefs.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := add(body); err != nil {
			return broken(kept, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// keepsNoLists: so answers a registry that does not know what is asked of it.
func keepsNoLists(err error) bool {
	var denial *Error
	return errors.As(err, &denial) && slices.Contains([]int{
		http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented,
	}, denial.Status)
}

// pages reads a list to its end, within the bounds. What it is made of is for add
// to read, which tells how many entries a page has.
func (h *host) pages(ctx context.Context, ref Reference, of, path string, add func(body []byte) (int, error)) error {
	entries, size := 0, 0
	for range maxPages {
		body, next, err := h.list(ctx, ref, path)
		if err != nil {
			return err
		}
		n, err := add(body)
		if err != nil {
			return broken(ref, err)
		}
		if path = next; path == "" {
			return nil
		}
		entries, size = entries+n, size+len(body)
		if entries > maxListed || size > maxList {
			break
		}
	}
	return broken(ref, fmt.Errorf("a list of %s that does not end: %d so far", of, entries))
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
