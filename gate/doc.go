// Package gate says whether a container may move to the image its reference
// points at now.
//
// A Gate judges a Candidate, after the check found it and before anything is
// pulled. Its Decision accepts, holds until a time or until something else
// changes, or rejects; each with a reason that the report shows. All asks
// several.
//
//	watchtower.WithGate(
//		gate.Cooldown(72*time.Hour, memory),   // not before this host has known it for three days
//		gate.Within(night),                    // and only at night
//		gate.NoMajorJump(),                    // and no new major of a database
//	)
//
// WithinByLabel and CooldownByLabel let a container's labels say what holds for it.
//
// # What they go by
//
// A gate goes by what nobody but this host and its people can forge: when this
// host first saw a digest, the time of day, a digest somebody said yes to, a
// signature by a key somebody holds. What an image says of itself, its version
// for one, is heard only where it makes a gate stricter.
//
// What has to outlive the process is kept in a file: OpenMemory for the times at
// which digests were first seen, OpenApprovals for what was said yes to.
package gate
