package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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
	Platform *struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
		Variant      string `json:"variant"`
	} `json:"platform"`
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

// resolve finds the content for each platform. A digest that was resolved
// before costs nothing.
func (h *host) resolve(ctx context.Context, q *question, body []byte, platforms []string) ([]Image, error) {
	images := []Image{}
	d := q.verdict.Digest
	for _, platform := range platforms {
		key := contentKey{d, platform}
		c, ok := h.client.recall(key)
		if !ok {
			var err error
			if body == nil {
				if body, err = h.read(ctx, q.ref, d.String()); err != nil {
					return nil, err
				}
			}
			if c, err = h.find(ctx, q, d, body, platform); err != nil {
				return nil, err
			}
			if !c.served || c.image.Config != "" {
				h.client.remember(key, c)
			}
		}
		if c.served {
			images = append(images, c.image)
		}
	}
	return images, nil
}

// find reads a manifest, and for an index the one of the platform.
func (h *host) find(ctx context.Context, q *question, d digest.Digest, body []byte, platform string) (content, error) {
	m, err := parseManifest(body)
	if err != nil {
		return content{}, broken(q.ref, err)
	}
	if m.Manifests == nil {
		return content{Image{platform, d, m.Config.Digest}, true}, nil
	}
	chosen, ok := choose(m.Manifests, platform)
	if !ok {
		return content{}, nil
	}
	if known(q.query.Known, chosen) {
		// What runs already: its configuration is no news.
		return content{Image{Platform: platform, Manifest: chosen}, true}, nil
	}
	if body, err = h.read(ctx, q.ref, chosen.String()); err != nil {
		return content{}, err
	}
	if m, err = parseManifest(body); err != nil || m.Config == nil {
		return content{}, broken(q.ref, errors.New("its index points at no image"))
	}
	return content{Image{platform, chosen, m.Config.Digest}, true}, nil
}

// choose picks the entry of an index that an engine would pull for the platform.
func choose(entries []descriptor, platform string) (digest.Digest, bool) {
	want := normalize(platform)
	for _, e := range entries {
		if e.Platform == nil {
			continue
		}
		have := e.Platform.OS + "/" + e.Platform.Architecture
		if e.Platform.Variant != "" {
			have += "/" + e.Platform.Variant
		}
		if normalize(have) == want {
			return e.Digest, true
		}
	}
	return "", false
}

// normalize spells a platform one way: arm64 is always v8, arm is v7 unless it
// says otherwise, as engines have it.
func normalize(platform string) string {
	platform = strings.ToLower(platform)
	switch {
	case strings.HasSuffix(platform, "/arm64/v8"):
		return strings.TrimSuffix(platform, "/v8")
	case strings.HasSuffix(platform, "/arm"):
		return platform + "/v7"
	default:
		return platform
	}
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
