package watchtower

import (
	"context"
	"fmt"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// cleanUp removes the images that this pass replaced and that nothing refers to
// any more. It looks anew: what the pass saw at its beginning is history.
func (p *pass) cleanUp(ctx context.Context, replaced []*Entry) {
	if len(replaced) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	inv, err := p.inventory(ctx)
	seen := map[string]bool{}
	for _, e := range replaced {
		id := e.Container.ImageID
		if seen[id] {
			continue
		}
		seen[id] = true
		gone := ImageRemoved{ImageID: id, Reference: e.Container.Image, Err: err}
		if err == nil {
			if gone.Kept = inv.heldBy(id); gone.Kept == "" {
				gone.Err = p.cfg.engine.RemoveImage(ctx, id)
			}
		}
		gone.At = p.now()
		p.emit(gone)
	}
}

// heldBy says what still refers to the image, empty for nothing.
func (inv *inventory) heldBy(imageID string) string {
	for _, c := range inv.containers {
		if c.ImageID == imageID {
			return fmt.Sprintf("container %s uses it", c.Name)
		}
	}
	image, ok := inv.images[imageID]
	if !ok {
		return "it is gone"
	}
	return tagged(image)
}

func tagged(image lifecycle.Image) string {
	if len(image.Tags) > 0 {
		return fmt.Sprintf("it is also %s", image.Tags[0])
	}
	return ""
}
