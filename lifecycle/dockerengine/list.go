package dockerengine

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/versions"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// Containers lists all containers, in whatever state, in one call.
func (e *Engine) Containers(ctx context.Context) ([]lifecycle.Container, error) {
	var out []lifecycle.Container
	err := e.do(ctx, "list", "containers", func(s *session) error {
		list, err := s.ContainerList(ctx, container.ListOptions{All: true})
		if err != nil {
			return err
		}
		out = make([]lifecycle.Container, len(list))
		for i, c := range list {
			out[i] = lifecycle.Container{
				ID: c.ID, Name: ownName(c.Names), Image: c.Image, ImageID: c.ImageID,
				Labels: c.Labels, State: state(c.State), Created: time.Unix(c.Created, 0),
			}
			if d := c.ImageManifestDescriptor; d != nil {
				out[i].ImageManifest = d.Digest.String()
				if p := d.Platform; p != nil {
					out[i].ImagePlatform = platform(p.OS, p.Architecture, p.Variant)
				}
			}
		}
		return nil
	})
	return out, err
}

// ownName leaves out the names others have for it: a link adds "/web/db".
func ownName(names []string) string {
	for _, name := range names {
		name = strings.TrimPrefix(name, "/")
		if !strings.Contains(name, "/") {
			return name
		}
	}
	return ""
}

// listed is the part of the list's images that is read.
type listed struct {
	ID                    string `json:"Id"`
	RepoTags, RepoDigests []string
	Labels                map[string]string
	Created               int64
	Descriptor            *struct{} // containerd's store has it
	Manifests             []struct {
		ImageData *struct {
			Identity *struct{ Pull []struct{} }
		}
	}
}

// originVersion is the API that tells in the list where images came from.
const originVersion = "1.54"

// Images lists all images in one call. The origins of those in containerd's store
// are asked for at the version that brought them, since all of them have digests,
// whether or not a registry has ever seen them.
func (e *Engine) Images(ctx context.Context) ([]lifecycle.Image, error) {
	var out []lifecycle.Image
	err := e.do(ctx, "list", "images", func(s *session) error {
		version, query := s.version, url.Values{}
		tells := versions.GreaterThanOrEqualTo(s.newest, originVersion)
		if tells {
			version, query = originVersion, url.Values{"manifests": {"1"}, "identity": {"1"}}
		}
		var list []listed
		if err := e.get(ctx, s, version, "/images/json", query, &list); err != nil {
			return err
		}
		out = make([]lifecycle.Image, len(list))
		for i, img := range list {
			out[i] = lifecycle.Image{ID: img.ID, Tags: known(img.RepoTags), Digests: known(img.RepoDigests), Labels: img.Labels}
			if img.Created > 0 { // else the image does not say
				out[i].Created = time.Unix(img.Created, 0)
			}
			if tells && img.Descriptor != nil {
				out[i].Origin = img.origin()
			}
		}
		return nil
	})
	return out, err
}

func (l listed) origin() lifecycle.Origin {
	for _, m := range l.Manifests {
		if m.ImageData != nil && m.ImageData.Identity != nil && len(m.ImageData.Identity.Pull) > 0 {
			return lifecycle.OriginRegistry
		}
	}
	return lifecycle.OriginLocal
}

// known leaves out what older engines list for an image without tags.
func known(refs []string) []string {
	var out []string
	for _, ref := range refs {
		if !strings.Contains(ref, "<none>") {
			out = append(out, ref)
		}
	}
	return out
}
