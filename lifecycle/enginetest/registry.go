package enginetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/registry"
)

// The types of what tags point at.
const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
)

// published is what a tag of the registry points at.
type published struct {
	digest    digest.Digest
	variants  []variant
	index     bool
	documents map[digest.Digest][]byte
}

// variant is an image for one platform.
type variant struct {
	platform         string
	image            *Image
	manifest, config digest.Digest
}

// choose is what a pull takes; a tag without an index has one image for all.
func (p published) choose(platform string) (variant, bool) {
	for _, v := range p.variants {
		if v.platform == platform || !p.index {
			return v, true
		}
	}
	return variant{}, false
}

// Publish puts an image into the registry under the reference, in the place of
// the one before, and returns the digest the tag points at now.
func (e *Engine) Publish(reference string, image Image) digest.Digest {
	return e.put(reference, publish(map[string]Image{Platform: image}, false))
}

// PublishIndex is Publish for an index of images by platform, "linux/arm64". An
// attestation calls its platform "unknown/unknown".
func (e *Engine) PublishIndex(reference string, images map[string]Image) digest.Digest {
	return e.put(reference, publish(images, true))
}

func (e *Engine) put(reference string, p published) digest.Digest {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.published[whole(reference)] = p
	if ref, err := registry.Parse(reference); err == nil {
		ref.Tag, ref.Digest = "", p.digest
		e.published[ref.String()] = p
		for ref.Digest = range p.documents {
			e.documents[ref.String()] = p.documents[ref.Digest]
		}
	}
	return p.digest
}

// pullable is what is published under a reference; of a tag and a digest the
// digest counts.
func (e *Engine) pullable(reference string) (published, bool) {
	p, ok := e.published[untagged(whole(reference))]
	return p, ok
}

// untagged is a reference with a digest, without its tag.
func untagged(reference string) string {
	ref, err := registry.Parse(reference)
	if err != nil || !ref.Pinned() {
		return reference
	}
	ref.Tag = ""
	return ref.String()
}

// publish makes the documents, which are such as registries have, as far as a
// check reads them.
func publish(images map[string]Image, index bool) published {
	p := published{index: index, documents: map[digest.Digest][]byte{}}
	var entries []any
	for _, platform := range slices.Sorted(maps.Keys(images)) {
		image := images[platform]
		v := variant{platform: platform, image: &image}
		v.config = p.add(map[string]any{
			"config": image.config(), "created": image.Created, "for": fmt.Sprintf("%s %#v", platform, image),
		})
		v.manifest = p.add(map[string]any{
			"schemaVersion": 2, "mediaType": typeManifest, "config": map[string]any{"digest": v.config},
		})
		p.variants = append(p.variants, v)
		parts := strings.SplitN(platform+"/", "/", 3)
		entries = append(entries, map[string]any{
			"mediaType": typeManifest, "digest": v.manifest,
			"platform": map[string]any{"os": parts[0], "architecture": parts[1], "variant": strings.Trim(parts[2], "/")},
		})
		p.digest = v.manifest
	}
	if index {
		p.digest = p.add(map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": entries})
	}
	return p
}

func (p published) add(document map[string]any) digest.Digest {
	body, err := json.Marshal(document)
	if err != nil {
		panic(err) // it is maps of strings
	}
	d := digest.FromBytes(body)
	p.documents[d] = body
	return d
}

// Checker answers from the engine's registry. It is a registry.Client, with all that
// one can read.
func (e *Engine) Checker() registry.Checker {
	c, err := registry.New(registry.WithTransport(e.Transport()))
	if err != nil {
		panic(err) // it has one good option
	}
	return c
}

// Transport leads to the engine's registry, under whatever name. It is for a
// registry.Client, whose requests a wrapper can count or break.
func (e *Engine) Transport() http.RoundTripper { return wire{e} }

type wire struct{ engine *Engine }

// RoundTrip answers for a manifest, by tag or digest, for a configuration, and for
// a list of tags; to all that is not there the answer is 404.
func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	host := req.URL.Host
	if host == "registry-1.docker.io" {
		host = registry.Hub
	}
	path := strings.Replace(strings.TrimPrefix(req.URL.Path, "/v2/"), "/blobs/", "/manifests/", 1)
	repository, version, _ := strings.Cut(path, "/manifests/")
	resp := &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: http.NoBody, Request: req, ProtoMajor: 1, ProtoMinor: 1}
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	body, ok := w.engine.documents[host+"/"+repository+"@"+version]
	if p, tagged := w.engine.published[host+"/"+repository+":"+version]; tagged {
		body, ok = p.documents[p.digest], true
	}
	if repository, listed := strings.CutSuffix(path, "/tags/list"); listed {
		body, ok = w.engine.listTags(host + "/" + repository)
	}
	if !ok {
		return resp, nil
	}
	resp.StatusCode = http.StatusOK
	resp.Header.Set("Docker-Content-Digest", digest.FromBytes(body).String())
	if req.Method == http.MethodGet {
		resp.Body = io.NopCloser(bytes.NewReader(body))
	}
	return resp, nil
}

// listTags is a list of tags as registries have it.
func (e *Engine) listTags(repository string) (body []byte, ok bool) {
	tags := []string{}
	for reference := range e.published {
		if tag, of := strings.CutPrefix(reference, repository+":"); of {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	body, err := json.Marshal(map[string]any{"tags": tags})
	return body, err == nil && len(tags) > 0
}
