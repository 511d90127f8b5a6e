package lifecycle

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
)

// PeerTeller is an engine that tells what it is reached by.
type PeerTeller interface {
	// Peer is the address and the port at the other end of the last connection; the
	// zero value if there was none, or it went through no network of this process's:
	// to a local socket.
	Peer() netip.AddrPort
}

// CutOff says why the swap of a container would cut off whoever makes it from the
// engine; empty if it would not. own is the container that this process runs in; the
// zero value if it runs in none. A socket proxy is such a container, or the one whose
// network this process uses: once that is stopped, nobody is left who could start the
// new one, or the old one again.
func CutOff(engine Engine, own, c Snapshot) string {
	teller, ok := engine.(PeerTeller)
	if !ok || !c.State.Up() {
		return ""
	}
	peer := teller.Peer()
	parent, lodger := strings.CutPrefix(own.HostConfig.Text("NetworkMode"), "container:")
	switch {
	case !peer.IsValid():
		return ""
	case answersAt(c, peer):
		return fmt.Sprintf("the engine is reached through it, at %s: replace it by hand", peer)
	case lodger && (parent == c.ID || parent == c.Name):
		return "the engine is reached by its network, which is this process's: replace it by hand"
	}
	return ""
}

// apart refuses what would cut this process off. By a local socket nothing does, and
// nothing is asked.
func (r *recreator) apart(ctx context.Context, old Snapshot) error {
	if teller, ok := r.engine.(PeerTeller); !ok || !teller.Peer().IsValid() {
		return nil
	}
	var own Snapshot
	if r.me.container != "" {
		var err error
		if own, err = r.inspect(ctx, r.me.container); err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	if why := CutOff(r.engine, own, old); why != "" {
		return precondition("%s", why)
	}
	return nil
}

// answersAt: the address is the container's, or the port is one that it has on the
// host. A port that the engine itself listens on no container can have.
func answersAt(c Snapshot, peer netip.AddrPort) bool {
	port := strconv.Itoa(int(peer.Port()))
	if c.HostConfig.Text("NetworkMode") == "host" {
		_, exposed := c.Config.Object("ExposedPorts")[port+"/tcp"]
		return exposed
	}
	for _, address := range addresses(c) {
		if ip, err := netip.ParseAddr(address); err == nil && ip == peer.Addr() {
			return true
		}
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
