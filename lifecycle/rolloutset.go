package lifecycle

import "time"

// rolloutMonitor is how long each new task is watched of a service that is given its
// settings: the engine's 5 s end before most health checks have failed three times.
const rolloutMonitor = 30 * time.Second

// WithRollbackUnlessSet updates a service whose specification has no UpdateConfig with one
// that has the cluster roll back what fails within 30 s of a task's start: the engine's
// default is to pause, which leaves the image that failed in the specification. All else is
// as the engine does it by default: one task at a time, the old one stopped first. What is
// rolled back is as before; one that was updated keeps it. A service that has an
// UpdateConfig, even an empty one, is never given another. Default: no service is.
func WithRollbackUnlessSet(on bool) RollOutOption {
	return func(r *rollOut) { r.rollback = on }
}

// rollbackConfig is WithRollbackUnlessSet's. Once there is a config, a parallelism that is
// not in it is no limit any more: all tasks would be replaced at once.
func rollbackConfig() map[string]any {
	return map[string]any{"FailureAction": "rollback", "Monitor": rolloutMonitor.Nanoseconds(), "Parallelism": 1}
}
