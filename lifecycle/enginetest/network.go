package enginetest

import (
	"context"
	"net/netip"

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
		if c.state.Up() {
			e.giveAddress(endpoint)
		}
		return nil
	})
}

// giveAddress gives an endpoint one that no other had, for as long as its
// container is up. Nobody is there to be reached.
func (e *Engine) giveAddress(endpoint lifecycle.Document) {
	e.addresses++
	endpoint["IPAddress"] = netip.AddrFrom4([4]byte{10, byte(e.addresses >> 16), byte(e.addresses >> 8), byte(e.addresses)}).String()
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
