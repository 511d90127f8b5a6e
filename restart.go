package watchtower

import "github.com/watchtower-go/watchtower/lifecycle"

// WithNoRestart creates successors and does not start them: the old container is
// stopped and removed once the engine has been seen to keep the configuration, and
// whether the new image is any good nobody finds out. Default: a successor of one
// that is up is started, and has to prove itself.
func WithNoRestart(on bool) Option {
	return func(c *config) error { c.noRestart = on; return nil }
}

// WithReviveStopped starts the successors of containers that were not up, which
// WithStates has to let in, and they have to prove themselves like others. One that
// only follows another keeps its state. WithNoRestart wins. Default: what was not up
// stays down.
func WithReviveStopped(on bool) Option {
	return func(c *config) error { c.revive = on; return nil }
}

// WithRemoveVolumes lets containers that move to another image begin with new
// anonymous volumes, and removes the old ones after the swap: the data in them is gone.
// A volume with a name of its user's is never touched, nor is one that another
// container has, and one that only follows another keeps its volumes. Default:
// anonymous volumes are carried on, and no volume is ever removed.
func WithRemoveVolumes(on bool) Option {
	return func(c *config) error { c.removeVolumes = on; return nil }
}

// planPolicy is what the options say of how a plan is carried out.
func (c *config) planPolicy() PlanPolicy {
	return PlanPolicy{
		Rolling: c.rolling, Cleanup: c.cleanup, StopTimeout: c.stopTimeout,
		NoRestart: c.noRestart, Revive: c.revive, RemoveVolumes: c.removeVolumes,
		ServiceRollback: c.serviceRollback,
	}
}

// text tells of what is not as usual; empty if nothing is.
func (p PlanPolicy) text() string {
	text := ""
	if p.NoRestart {
		text += "successors are created and not started\n"
	}
	if p.Revive && !p.NoRestart {
		text += "successors of what is not up are started\n"
	}
	if p.RemoveVolumes {
		text += "anonymous volumes are removed, and begin anew\n"
	}
	if p.ServiceRollback {
		text += "services without update settings are rolled back by their swarm if they fail\n"
	}
	return text
}

// begin says how the successor begins.
func (c *config) begin(m *lifecycle.Member, planned PlannedMember) {
	switch {
	case c.noRestart:
		m.Start = lifecycle.StartNever
	case c.revive && planned.To != nil:
		m.Start = lifecycle.StartAlways
	}
	m.FreshVolumes = c.removeVolumes && planned.To != nil
}
