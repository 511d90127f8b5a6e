package enginetest

import (
	"context"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/lifecycle"
)

var _ lifecycle.Connector = (*Engine)(nil)

// Connect gives a container an endpoint. Networks need not be made.
func (e *Engine) Connect(ctx context.Context, network, ref string, endpoint lifecycle.Document) error {
	return e.change(ctx, "Connect", ref, func() error {
		c, err := e.find(ref)
		if err != nil {
			return err
		}
		if _, ok := c.networks[network]; ok {
			return fail(errdefs.ErrPermissionDenied, "%s is on %s already", c.name, network)
		}
		endpoint = endpoint.Clone()
		endpoint["Aliases"] = append(anys(endpoint.Texts("Aliases")), c.id[:12])
		c.networks[network] = endpoint
		return nil
	})
}

// Disconnect takes a container's endpoint away.
func (e *Engine) Disconnect(ctx context.Context, network, ref string) error {
	return e.change(ctx, "Disconnect", ref, func() error {
		c, err := e.find(ref)
		if err != nil {
			return err
		}
		if _, ok := c.networks[network]; !ok {
			return fail(errdefs.ErrInternal, "%s is not on %s", c.name, network)
		}
		delete(c.networks, network)
		return nil
	})
}
