package filter

import (
	"fmt"
	"strconv"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// The labels containers are selected by.
const (
	// EnableLabel says with a boolean whether a container is watched.
	EnableLabel = "com.centurylinklabs.watchtower.enable"
	// ScopeLabel says which of several watchers a container belongs to.
	ScopeLabel = "com.centurylinklabs.watchtower.scope"
)

// NoScope is the Scope of containers that are in none.
const NoScope = "none"

type enabled bool

// Enabled follows EnableLabel: a container with false is refused; with required,
// so is one without true. A value that is no boolean counts as no label.
func Enabled(required bool) Filter { return enabled(required) }

// Match reports whether the label lets the container pass.
func (required enabled) Match(c lifecycle.Container) bool {
	ok, _ := required.Explain(c)
	return ok
}

// Explain tells a label that says no from one that is missing.
func (required enabled) Explain(c lifecycle.Container) (bool, string) {
	on, err := strconv.ParseBool(c.Labels[EnableLabel])
	switch {
	case err == nil && !on:
		return false, "its enable label is false"
	case err != nil && bool(required):
		return false, "it has no enable label"
	}
	return true, ""
}

func (required enabled) tell() string {
	if required {
		return "its enable label is true"
	}
	return "its enable label is not false"
}

type scope string

// Scope follows ScopeLabel: exactly that value; for NoScope no label, an empty
// one or "none"; for the empty string every container.
func Scope(name string) Filter { return scope(name) }

// Match reports whether the container is in the scope.
func (s scope) Match(c lifecycle.Container) bool {
	have := c.Labels[ScopeLabel]
	switch s {
	case "":
		return true
	case NoScope:
		return have == "" || have == NoScope
	default:
		return have == string(s)
	}
}

// Explain names both scopes.
func (s scope) Explain(c lifecycle.Container) (bool, string) {
	if s.Match(c) {
		return true, ""
	}
	have := c.Labels[ScopeLabel]
	if have == "" {
		return false, fmt.Sprintf("it is in no scope, not in %q", string(s))
	}
	return false, fmt.Sprintf("its scope is %q, not %q", have, string(s))
}

func (s scope) tell() string {
	switch s {
	case "":
		return "it is in any scope or none"
	case NoScope:
		return "it is in no scope"
	default:
		return fmt.Sprintf("its scope is %q", string(s))
	}
}
