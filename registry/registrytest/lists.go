package registrytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/opencontainers/go-digest"
)

// replyTags lists the tags in order, a page at a time: n and last of the query
// say which, and a Link header where the next one is.
func (r *Registry) replyTags(req *http.Request, name string, own *repository) reply {
	query := req.URL.Query()
	tags := slices.Sorted(maps.Keys(own.tags))
	if last := query.Get("last"); last != "" {
		i, found := slices.BinarySearch(tags, last)
		if found {
			i++
		}
		tags = tags[i:]
	}
	size, err := strconv.Atoi(query.Get("n"))
	if err != nil || size < 1 {
		size = len(tags)
	}
	if most := r.profile.PageSize; most > 0 {
		size = min(size, most)
	}
	if size >= len(tags) {
		return reply{mediaType: typeJSON, body: encode(object{"name": name, "tags": tags})}
	}
	tags = tags[:size]
	next := url.Values{"n": {strconv.Itoa(size)}, "last": {tags[size-1]}}
	return reply{mediaType: typeJSON, body: encode(object{"name": name, "tags": tags})}.
		with("Link", fmt.Sprintf(`</v2/%s/tags/list?%s>; rel="next"`, name, next.Encode()))
}

// artifact is what of a manifest tells whose referrer it is, and of what type.
type artifact struct {
	ArtifactType string
	Annotations  map[string]string
	Config       struct{ MediaType string }
	Subject      struct{ Digest digest.Digest }
}

// replyReferrers lists the manifests whose subject the digest is, as an index,
// an empty one if there are none.
func replyReferrers(req *http.Request, own *repository, subject digest.Digest) reply {
	wanted := req.URL.Query().Get("artifactType")
	entries := []object{}
	for _, d := range slices.Sorted(maps.Keys(own.manifests)) {
		m := own.manifests[d]
		var a artifact
		if json.Unmarshal(m.Body, &a) != nil || a.Subject.Digest != subject {
			continue
		}
		if a.ArtifactType == "" {
			a.ArtifactType = a.Config.MediaType
		}
		if wanted != "" && wanted != a.ArtifactType {
			continue
		}
		entry := describe(m.MediaType, m.Body)
		entry["artifactType"], entry["annotations"] = a.ArtifactType, a.Annotations
		entries = append(entries, entry)
	}
	out := reply{mediaType: TypeIndex, body: encode(object{"schemaVersion": 2, "mediaType": TypeIndex, "manifests": entries})}
	if wanted == "" {
		return out
	}
	return out.with("OCI-Filters-Applied", "artifactType")
}
