package registrytest

import (
	"slices"

	"github.com/opencontainers/go-digest"
)

// repository is what has been pushed to one.
type repository struct {
	tags      map[string]digest.Digest
	manifests map[digest.Digest]Manifest
	blobs     map[digest.Digest][]byte
}

// Push puts the content, and what it points at, into the repository, lets the
// tag point at it, and returns its digest. Without a tag it is there by its
// digest only.
func (r *Registry) Push(repository, tag string, c Content) digest.Digest {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := r.repository(repository)
	c.put(own)
	if tag != "" {
		own.tags[tag] = c.Digest()
	}
	return c.Digest()
}

// PushBlob puts a blob into the repository and returns its digest.
func (r *Registry) PushBlob(repository string, blob []byte) digest.Digest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.repository(repository).putBlob(blob)
}

func (own *repository) putBlob(blob []byte) digest.Digest {
	d := digest.FromBytes(blob)
	own.blobs[d] = slices.Clone(blob)
	return d
}

// Tag lets the tag point at the digest, whether there is such content or not.
func (r *Registry) Tag(repository, tag string, d digest.Digest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.repository(repository).tags[tag] = d
}

// Delete removes a tag, or the manifest of a digest and the tags that point at
// it.
func (r *Registry) Delete(repository, version string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := r.repository(repository)
	delete(own.tags, version)
	delete(own.manifests, digest.Digest(version))
	for tag, d := range own.tags {
		if d.String() == version {
			delete(own.tags, tag)
		}
	}
}

// repository makes the repository if it is new. The caller holds the lock.
func (r *Registry) repository(name string) *repository {
	own := r.repositories[name]
	if own == nil {
		own = &repository{
			tags: map[string]digest.Digest{}, manifests: map[digest.Digest]Manifest{}, blobs: map[digest.Digest][]byte{},
		}
		r.repositories[name] = own
	}
	return own
}

// find is what a tag or digest stands for. The caller holds the lock.
func (own *repository) find(version string) (Manifest, bool) {
	d, tagged := own.tags[version]
	if !tagged {
		d = digest.Digest(version)
	}
	m, ok := own.manifests[d]
	return m, ok
}
