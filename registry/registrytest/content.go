package registrytest

import (
	_ "crypto/sha256" // the digests that are made
	"encoding/json"
	"strings"

	"github.com/opencontainers/go-digest"
)

// The media types of manifests.
const (
	// TypeManifest is an OCI image's or any other artifact's.
	TypeManifest = "application/vnd.oci.image.manifest.v1+json"
	// TypeIndex is an OCI index's.
	TypeIndex = "application/vnd.oci.image.index.v1+json"
	// TypeDockerManifest is an image's in Docker's own format.
	TypeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	// TypeDockerList is an index's in Docker's own format.
	TypeDockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// Content is what a tag can point at: an Image, an Index or a Manifest. Equal
// values have equal digests.
type Content interface {
	// Digest is that of the manifest.
	Digest() digest.Digest
	// put stores it, with what it points at.
	put(into *repository)
}

// Manifest is any manifest, as it is.
type Manifest struct {
	// MediaType is how it is served.
	MediaType string
	// Body is what is served. It need not be a manifest at all.
	Body []byte
}

// Digest is that of the body.
func (m Manifest) Digest() digest.Digest { return digest.FromBytes(m.Body) }

func (m Manifest) put(into *repository) { into.manifests[m.Digest()] = m }

// Image is an image without layers: what tells one from another is its
// configuration. The zero value is an empty one for linux/amd64.
type Image struct {
	// Platform is "os/arch" or "os/arch/variant"; "linux/amd64" if empty.
	Platform string
	// Env and Labels are of its configuration.
	Env    []string
	Labels map[string]string
	// Docker says that it is in Docker's own format, not OCI's.
	Docker bool
}

// Digest is that of the manifest.
func (i Image) Digest() digest.Digest { return i.manifest().Digest() }

// ConfigDigest is that of the configuration: the image ID of engines with the
// classic image store.
func (i Image) ConfigDigest() digest.Digest { return digest.FromBytes(i.config()) }

type object map[string]any

func (i Image) config() []byte {
	config := i.platform()
	config["config"] = object{"Env": i.Env, "Labels": i.Labels}
	config["rootfs"] = object{"type": "layers", "diff_ids": []string{}}
	return encode(config)
}

func (i Image) platform() object {
	text := i.Platform
	if text == "" {
		text = "linux/amd64"
	}
	parts := strings.SplitN(text, "/", 3)
	out := object{}
	for n, part := range parts {
		out[[]string{"os", "architecture", "variant"}[n]] = part
	}
	return out
}

func (i Image) manifest() Manifest {
	kind, configKind := TypeManifest, "application/vnd.oci.image.config.v1+json"
	if i.Docker {
		kind, configKind = TypeDockerManifest, "application/vnd.docker.container.image.v1+json"
	}
	return Manifest{MediaType: kind, Body: encode(object{
		"schemaVersion": 2, "mediaType": kind, "config": describe(configKind, i.config()), "layers": []object{},
	})}
}

func (i Image) put(into *repository) {
	into.putBlob(i.config())
	i.manifest().put(into)
}

// Index is an image for several platforms.
type Index struct {
	// Images are its entries, in this order.
	Images []Image
	// Attestation, if it is not empty, is the content of an attestation that
	// each image gets: an entry more, for the platform unknown/unknown, as
	// BuildKit makes it. Another text moves the index and no image.
	Attestation string
	// Docker says that it is in Docker's own format, not OCI's.
	Docker bool
}

// Digest is that of the index itself.
func (x Index) Digest() digest.Digest { return x.manifest().Digest() }

func (x Index) manifest() Manifest {
	kind := TypeIndex
	if x.Docker {
		kind = TypeDockerList
	}
	entries := []object{}
	for _, image := range x.Images {
		m := image.manifest()
		entry := describe(m.MediaType, m.Body)
		entry["platform"] = image.platform()
		entries = append(entries, entry)
	}
	for n, attestation := range x.attestations() {
		entry := describe(attestation.MediaType, attestation.Body)
		entry["platform"] = object{"os": "unknown", "architecture": "unknown"}
		entry["annotations"] = object{
			"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": x.Images[n].Digest(),
		}
		entries = append(entries, entry)
	}
	return Manifest{MediaType: kind, Body: encode(object{"schemaVersion": 2, "mediaType": kind, "manifests": entries})}
}

// attestations are one for each image, whose statement is its only layer.
func (x Index) attestations() []Manifest {
	if x.Attestation == "" {
		return nil
	}
	var out []Manifest
	for _, image := range x.Images {
		layer := describe("application/vnd.in-toto+json", []byte(x.Attestation))
		config := describe("application/vnd.oci.image.config.v1+json", image.config())
		out = append(out, Manifest{TypeManifest, encode(object{
			"schemaVersion": 2, "mediaType": TypeManifest, "config": config, "layers": []object{layer},
		})})
	}
	return out
}

func (x Index) put(into *repository) {
	for _, image := range x.Images {
		image.put(into)
	}
	for _, attestation := range x.attestations() {
		attestation.put(into)
		into.putBlob([]byte(x.Attestation))
	}
	x.manifest().put(into)
}

// describe is the descriptor of some content.
func describe(mediaType string, body []byte) object {
	return object{"mediaType": mediaType, "digest": digest.FromBytes(body), "size": len(body)}
}

func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic("registrytest: " + err.Error()) // all are maps of strings and numbers
	}
	return body
}
