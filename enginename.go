package watchtower

import (
	"fmt"
	"strings"
)

// engineNameMost bounds a name: it stands in every line about its engine.
const engineNameMost = 63

// WithEngineName names the engine, for programs that watch several, each with a Tower of
// its own: the name stands in the Report, in every event and line of the log and the
// audit, and in Health, and what Once keeps is kept by it. It is at most 63 letters,
// digits, dots, dashes and underscores, and begins with a letter or a digit. Towers that
// share an Observer, or what Once keeps, want names that differ; WithStateDirectory wants
// a directory for each. Default: none, and nothing speaks of an engine.
func WithEngineName(name string) Option {
	return func(c *config) error {
		if name != "" && !engineName(name) {
			return invalid("WithEngineName", fmt.Sprintf("%q", name),
				fmt.Sprintf("at most %d letters, digits, dots, dashes and underscores, a letter or a digit first", engineNameMost))
		}
		c.engineName = name
		return nil
	}
}

func engineName(name string) bool {
	const first = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return len(name) <= engineNameMost && strings.Trim(name[:1], first) == "" && strings.Trim(name, first+"._-") == ""
}

// EngineName is the engine's name; empty if it has none: see WithEngineName.
func (t *Tower) EngineName() string { return t.cfg.engineName }
