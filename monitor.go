package watchtower

import "slices"

const (
	// MonitorOnlyLabel says with a boolean whether a container is only monitored: it
	// is checked and reported, and never pulled for or replaced. One that follows
	// another that is replaced does so all the same, on its own image.
	MonitorOnlyLabel = "com.centurylinklabs.watchtower.monitor-only"
	// NoPullLabel says with a boolean whether a container follows what is on the
	// engine, instead of its registry: see WithNoPull.
	NoPullLabel = "com.centurylinklabs.watchtower.no-pull"
)

// WithMonitorOnly only monitors all containers: see MonitorOnlyLabel, which may say
// so of one. Gates are not asked about them. Default: they are updated.
func WithMonitorOnly(on bool) Option {
	return func(c *config) error { c.monitorOnly = on; return nil }
}

// WithLabelPrecedence lets MonitorOnlyLabel and NoPullLabel decide where they are:
// one that says false excepts a container from the option. Default: either of the two
// is enough. All other labels decide in any case.
func WithLabelPrecedence(on bool) Option {
	return func(c *config) error { c.labelsFirst = on; return nil }
}

// setAside takes what is only monitored out of what is stale: it is told of, and
// nobody moves because of it.
func (p *pass) setAside(stale []candidate) []candidate {
	monitored := func(c candidate) bool { return c.entry.Policy.on(policyMonitorOnly) }
	for _, c := range stale {
		if monitored(c) {
			c.entry.Reason = "only monitored: " + c.entry.Reason
			p.monitored = append(p.monitored, c)
		}
	}
	return slices.DeleteFunc(stale, monitored)
}

// found tells of what is stale, by name.
func (p *pass) found(stale []candidate) {
	all := append(slices.Clone(stale), p.monitored...)
	slices.SortFunc(all, byName)
	for _, c := range all {
		if c.entry.Status == StatusStale {
			p.emit(UpdateFound{At: p.now(), Entry: *c.entry})
		}
	}
}
