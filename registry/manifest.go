package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
)

// maxContents bounds what is kept of resolved digests: some hundred bytes each.
const maxContents = 4096

// contentKey is what never changes: a digest's content for a platform.
type contentKey struct {
	digest   digest.Digest
	platform string
}

// content is an image, or the lack of one for that platform.
type content struct {
	image  Image
	served bool
}

// manifest is an index or an image's manifest; which one shows in what it has.
type manifest struct {
	Config    *descriptor  `json:"config"`
	Manifests []descriptor `json:"manifests"`
}

type descriptor struct {
	Digest   digest.Digest `json:"digest"`
	Platform *platform     `json:"platform"`
}

func parseManifest(body []byte) (manifest, error) {
	var m manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return m, errors.New("its manifest is not JSON")
	}
	if m.Config == nil && m.Manifests == nil {
		return m, errors.New("its manifest is of an unknown kind")
	}
	for _, d := range append(m.Manifests, deref(m.Config)...) {
		if err := d.Digest.Validate(); err != nil {
			return m, fmt.Errorf("its manifest names the digest %.80q", d.Digest)
		}
	}
	return m, nil
}

func deref(d *descriptor) []descriptor {
	if d == nil {
		return nil
	}
	return []descriptor{*d}
}

// resolve finds the content for each platform. What a digest holds is read once,
// whatever is asked about it later.
func (h *host) resolve(ctx context.Context, q *question, body []byte, platforms []string) ([]Image, error) {
	images := []Image{}
	d := q.verdict.Digest
	for _, platform := range platforms {
		key := contentKey{d, platform}
		c, ok := h.client.recall(key)
		if !ok {
			var err error
			if body == nil {
				if body, err = h.manifest(ctx, q.ref, d); err != nil {
					return nil, err
				}
			}
			if c, err = find(d, body, platform); err != nil {
				return nil, broken(q.ref, err)
			}
			h.client.remember(key, c)
		}
		if !c.served {
			continue
		}
		if c.image.Config == "" && !known(q.query.Known, c.image.Manifest) {
			own, err := h.image(ctx, q.ref, c.image)
			if err != nil {
				return nil, err
			}
			c.image.Config = own.Config
			h.client.remember(key, c)
		}
		images = append(images, c.image)
	}
	return images, nil
}

// image completes an image that an index points at. The next index is likely to
// point at the same one.
func (h *host) image(ctx context.Context, ref Reference, image Image) (Image, error) {
	key := contentKey{image.Manifest, image.Platform}
	if c, ok := h.client.recall(key); ok {
		return c.image, nil
	}
	body, err := h.manifest(ctx, ref, image.Manifest)
	if err != nil {
		return image, err
	}
	c, err := find(image.Manifest, body, image.Platform)
	if err != nil || c.image.Config == "" {
		return image, broken(ref, errors.New("its index points at no image"))
	}
	h.client.remember(key, c)
	return c.image, nil
}

// manifest reads one by its digest, and so the same from wherever it comes: from a
// mirror first, since reading is what registries limit.
func (h *host) manifest(ctx context.Context, ref Reference, d digest.Digest) ([]byte, error) {
	for _, m := range h.mirrors {
		if body, err := m.manifest(ctx, m.at(ref), d); err == nil {
			return body, nil
		}
	}
	if err := h.closed(ref); err != nil {
		return nil, err
	}
	_, body, err := h.read(ctx, ref, d.String())
	if err != nil {
		return nil, h.explain(ref, err)
	}
	return body, nil
}

// find reads a manifest. An index tells the platform's manifest, not yet its
// configuration.
func find(d digest.Digest, body []byte, platform string) (content, error) {
	m, err := parseManifest(body)
	if err != nil {
		return content{}, err
	}
	if m.Manifests == nil {
		return content{Image{platform, d, m.Config.Digest}, true}, nil
	}
	chosen, ok := choose(m.Manifests, platform)
	return content{Image{Platform: platform, Manifest: chosen}, ok}, nil
}

func (c *Client) recall(key contentKey) (content, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.contents[key]
	return found, ok
}

func (c *Client) remember(key contentKey, found content) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.contents) >= maxContents {
		clear(c.contents)
	}
	c.contents[key] = found
}
