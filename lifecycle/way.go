package lifecycle

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// PeerTeller is an engine that tells what it is reached by.
type PeerTeller interface {
	// Peer is the address and the port at the other end of the last connection; the
	// zero value if there was none, or it went through no network of this process's:
	// to a local socket.
	Peer() netip.AddrPort
}

// apart refuses a container through which this process reaches the engine: a socket
// proxy, or the one whose network it uses. Once that is stopped, nobody is left who
// could start the new one, or the old one again.
func (r *recreator) apart(ctx context.Context, old Snapshot) error {
	teller, ok := r.engine.(PeerTeller)
	if !ok || !old.State.Up() {
		return nil
	}
	peer := teller.Peer()
	if !peer.IsValid() {
		return nil
	}
	if answersAt(old, peer) {
		return precondition("the engine is reached through it, at %s: its swap would cut itself off; replace it by hand", peer)
	}
	if r.me.container == "" {
		return nil
	}
	own, err := r.inspect(ctx, r.me.container)
	if err != nil {
		return err
	}
	if parent, ok := strings.CutPrefix(own.HostConfig.Text("NetworkMode"), "container:"); ok && (parent == old.ID || parent == old.Name) {
		return precondition("the engine is reached by its network, which is this process's: its swap would cut itself off; replace it by hand")
	}
	return nil
}

// answersAt: the address is the container's, or the port is one that it has on the
// host. A port that the engine itself listens on no container can have.
func answersAt(c Snapshot, peer netip.AddrPort) bool {
	for _, endpoint := range c.Networks {
		for _, field := range []string{"IPAddress", "GlobalIPv6Address"} {
			if ip, err := netip.ParseAddr(endpoint.Text(field)); err == nil && ip == peer.Addr() {
				return true
			}
		}
	}
	port := strconv.Itoa(int(peer.Port()))
	if c.HostConfig.Text("NetworkMode") == "host" {
		_, exposed := c.Config.Object("ExposedPorts")[port+"/tcp"]
		return exposed
	}
	for inside, bound := range c.HostConfig.Object("PortBindings") {
		bindings, _ := bound.([]any)
		if strings.HasSuffix(inside, "/tcp") && slices.ContainsFunc(bindings, func(b any) bool {
			binding, _ := b.(map[string]any)
			return Document(binding).Text("HostPort") == port
		}) {
			return true
		}
	}
	return false
}
