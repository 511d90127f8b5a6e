package dockerengine

import (
	"context"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

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

// Images lists all images in one call.
func (e *Engine) Images(ctx context.Context) ([]lifecycle.Image, error) {
	var out []lifecycle.Image
	err := e.do(ctx, "list", "images", func(s *session) error {
		list, err := s.ImageList(ctx, image.ListOptions{})
		if err != nil {
			return err
		}
		out = make([]lifecycle.Image, len(list))
		for i, img := range list {
			out[i] = lifecycle.Image{ID: img.ID, Tags: known(img.RepoTags), Digests: known(img.RepoDigests)}
		}
		return nil
	})
	return out, err
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
