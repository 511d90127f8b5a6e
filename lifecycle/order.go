package lifecycle

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Order says which of a swap's two containers is up alone at some time. The zero
// value is StopFirst.
type Order string

// The orders, in Swarm's words.
const (
	// StopFirst: the old one is stopped before the new one is started. Nothing
	// serves for as long as the engine needs for both.
	StopFirst Order = "stop-first"
	// StartFirst: the new one is started, and verified, beside the old one. It
	// needs twice the memory for a while, and a service of which two may run.
	StartFirst Order = "start-first"
)

// LabelUpdateOrder sets, for one container, the order it is swapped in:
// "stop-first" or "start-first". The latter is a demand: where it is impossible
// the update is refused. It also says that two may share what they can write to.
const LabelUpdateOrder = labelPrefix + "update-order"

// OrderOf returns the order in which a container is swapped that moves alone,
// and, if start-first is wished for and not what it is, the reason. The
// container's label wins over the wish. A label with another value, or one that
// demands what is impossible, is a FailedPrecondition.
//
// Start-first is impossible for what two cannot have at a time: a published
// port, a static address, a MAC address, the host's network or another
// container's; and for a container that removes itself. A wish, but not a
// label, also gives way to mounts that can be written to and to devices. One
// that is not running has nothing to keep up: stop-first, without a reason.
func OrderOf(c Snapshot, wish Order) (order Order, reason string, err error) {
	label, labelled := c.Labels[LabelUpdateOrder]
	if accepted, ok := LabelAccepts(LabelUpdateOrder, label); labelled && !ok {
		return "", "", precondition("label %s: %q: want %s", LabelUpdateOrder, label, accepted)
	}
	order = cmp.Or(Order(label), wish, StopFirst)
	if order == StopFirst || c.State != StateRunning {
		return StopFirst, "", nil
	}
	reason = exclusive(c)
	if labelled {
		if reason != "" {
			return "", "", precondition("label %s: %q: %s", LabelUpdateOrder, label, reason)
		}
		return StartFirst, "", nil
	}
	if reason = cmp.Or(reason, shared(c)); reason != "" {
		return StopFirst, reason, nil
	}
	return StartFirst, "", nil
}

// exclusive is what two containers cannot have at a time.
func exclusive(c Snapshot) string {
	mode := c.HostConfig.Text("NetworkMode")
	switch {
	case c.HostConfig.Flag("AutoRemove"):
		return "it removes itself when it is stopped"
	case mode == "host":
		return "it uses the host's network"
	case strings.HasPrefix(mode, "container:"):
		return "it uses another container's network"
	case c.Config.Text("MacAddress") != "":
		return "it has a MAC address of its own"
	}
	for _, port := range slices.Sorted(maps.Keys(c.HostConfig.Object("PortBindings"))) {
		bindings, _ := c.HostConfig.Object("PortBindings")[port].([]any)
		for _, b := range bindings {
			if binding, ok := b.(map[string]any); ok && Document(binding).Text("HostPort") != "" {
				return fmt.Sprintf("it publishes port %s", port)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Networks)) {
		endpoint := c.Networks[name]
		for _, field := range []string{"IPv4Address", "IPv6Address"} {
			if address := endpoint.Object("IPAMConfig").Text(field); address != "" {
				return fmt.Sprintf("it has the static address %s", address)
			}
		}
		if givenMAC(endpoint, "") != "" {
			return "it has a MAC address of its own"
		}
	}
	return ""
}

// shared is what two containers can have at a time, but may not be made for.
func shared(c Snapshot) string {
	for _, m := range c.Mounts {
		// A socket is not what its clients write to.
		if !m.ReadOnly && (m.Type == "bind" || m.Type == "volume") && !strings.HasSuffix(m.Source, ".sock") {
			return fmt.Sprintf("it can write to %s", m.Destination)
		}
	}
	if devices, _ := c.HostConfig["Devices"].([]any); len(devices) > 0 {
		return "it uses a device"
	}
	return ""
}

// orderOf is the order of a target's member.
func orderOf(t Target, seat int, old Snapshot) (Order, error) {
	order, reason, err := OrderOf(old, t.Order)
	never := t.Members[seat].Start == StartNever
	switch {
	case err != nil:
		return "", err
	case never && t.Order == StartFirst:
		return "", precondition("%s: its successor is not to be started", StartFirst)
	case never:
		return StopFirst, nil
	case t.Order == StartFirst && reason != "":
		return "", precondition("%s: %s", StartFirst, reason)
	case order == StartFirst && len(t.Members) > 1:
		return "", precondition("%s: it moves together with others", StartFirst)
	}
	return order, nil
}
