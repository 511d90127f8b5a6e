package lifecycle

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// replaceBeside is the part in which the service changes hands without a gap:
// the successor is started under its journal name and without the service's
// aliases, so that nobody finds it before it is verified. It joins, the
// predecessor leaves, and only then is stopped.
func (s *swap) replaceBeside(ctx, free context.Context) error {
	m := s.moves[0]
	s.t.step("start", m.name(roleNew))
	if err := s.start(free, m.name(roleNew)); err != nil {
		s.startFailed(err)
		return err
	}
	if err := s.proveAll(ctx, free, s.moves); err != nil {
		return err
	}
	if err := s.join(free, m); err != nil {
		return err
	}
	if err := s.park(free); err != nil {
		return err
	}
	s.verified = true
	if err := s.leave(free, m); err != nil {
		return err
	}
	name := s.t.hold.names[m.old.ID]
	s.t.step("stop", name)
	s.t.stopped = time.Now()
	if err := s.beating(free, func(ctx context.Context) error { return s.stop(ctx, name, m.old.Labels, s.t) }); err != nil {
		return err
	}
	if err := s.lastLook(free); err != nil {
		return err
	}
	s.t.stopped = time.Time{} // the other one served
	return nil
}

// join gives the verified successor the names that clients look for. It is given
// its endpoints anew for it, engines know no other way, and so has to be looked
// at again.
func (s *swap) join(ctx context.Context, m *move) error {
	if len(m.aliased()) == 0 {
		return nil
	}
	s.t.step("connect", m.name(roleNew))
	if err := s.attach(ctx, m.name(roleNew), m.aliased()); err != nil {
		return err
	}
	if err := s.compare(ctx, m, m.spec); err != nil {
		return err
	}
	return s.lastLook(ctx)
}

// leave takes the predecessor off the networks on which the successor has joined.
// Engines stop to hand out an address only after the container has died, which
// until then would refuse every other client.
func (s *swap) leave(ctx context.Context, m *move) error {
	name := s.t.hold.names[m.old.ID]
	for _, network := range slices.Sorted(maps.Keys(m.aliased())) {
		s.t.step("disconnect", name)
		if err := s.disconnect(ctx, network, name); err != nil {
			return err
		}
	}
	return nil
}

// aliased are the endpoints that clients find the service by, beside its name.
func (m *move) aliased() map[string]Document {
	if m.order != StartFirst {
		return nil
	}
	out := map[string]Document{}
	for network, endpoint := range m.spec.Networks {
		if len(endpoint.Texts("Aliases")) > 0 {
			out[network] = endpoint
		}
	}
	return out
}

// created is the spec to create the successor by: one that is to run beside its
// predecessor has no aliases yet.
func (m *move) created() Spec {
	aliased := m.aliased()
	if len(aliased) == 0 {
		return m.spec
	}
	out := m.spec.Clone()
	for network := range aliased {
		delete(out.Networks[network], "Aliases")
	}
	return out
}

// endpointsLabel is what a repair has to know of them: neither of the two has
// them all at all times.
func (m *move) endpointsLabel() string {
	text, err := json.Marshal(m.aliased())
	if err != nil {
		return "{}" // they came from JSON
	}
	return string(text)
}

// endpointsOf reads the label; none if there is none.
func endpointsOf(c *Container) map[string]Document {
	out := map[string]Document{}
	doc, err := ParseDocument([]byte(c.Labels[labelEndpoints]))
	if err != nil {
		return out
	}
	for network := range doc {
		out[network] = doc.Object(network)
	}
	return out
}

// attach gives the container the endpoints it has not, or has without their
// aliases.
func (r *recreator) attach(ctx context.Context, ref string, want map[string]Document) error {
	if len(want) == 0 {
		return nil
	}
	snap, err := r.inspect(ctx, ref)
	if err != nil {
		return err
	}
	for _, network := range slices.Sorted(maps.Keys(want)) {
		have, ok := endpointIn(snap, network)
		if ok && len(missingFrom(want[network].Texts("Aliases"), have.Texts("Aliases"))) == 0 {
			continue
		}
		if ok {
			if err := r.disconnect(ctx, network, ref); err != nil {
				return err
			}
		}
		if err := r.connect(ctx, network, ref, want[network]); err != nil {
			return err
		}
	}
	return nil
}

// endpointIn finds an endpoint by its network's name or ID.
func endpointIn(snap Snapshot, network string) (Document, bool) {
	if endpoint, ok := snap.Networks[network]; ok {
		return endpoint, true
	}
	for _, endpoint := range snap.Networks {
		if endpoint.Text("NetworkID") == network {
			return endpoint, true
		}
	}
	return nil, false
}

// patience is for how long a silent holder is left alone: while nothing is parked
// that is the lease and what hooks and a verification may take, and costs nobody
// anything.
func (r *recreator) patience(m *move) time.Duration {
	wait := r.lease + m.hooks
	if m.order != StartFirst {
		return wait
	}
	labels := m.labels() // prepare has read them
	least, _ := durationLabel(labels, LabelStableTime)
	wait += max(r.stable, least) + healthSlack
	if probe, within, _ := r.probeOf(labels); !probe.none() {
		wait += within
	}
	for _, config := range []Document{m.spec.Config, m.image.Config} {
		if check := config.Object("Healthcheck"); len(check) > 0 {
			wait += healthDeadline(check)
		}
	}
	return wait
}

func (r *recreator) connect(ctx context.Context, network, ref string, endpoint Document) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c, ok := r.engine.(Connector)
	if !ok {
		return errNoConnector
	}
	return named("connect to "+network, c.Connect(ctx, network, ref, endpoint))
}

func (r *recreator) disconnect(ctx context.Context, network, ref string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c, ok := r.engine.(Connector)
	if !ok {
		return errNoConnector
	}
	return named("disconnect from "+network, c.Disconnect(ctx, network, ref))
}

var errNoConnector = precondition("%s: this engine cannot move network aliases", StartFirst)
