package credentials

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Chain asks the stores in turn and returns the first answer that is not
// anonymous. A store that cannot be asked does not keep the next from being
// asked; what went wrong is returned, joined, if none of them answers. Its text
// names those of them that have one.
func Chain(stores ...Store) Store { return chain(slices.Clone(stores)) }

type chain []Store

func (stores chain) Credential(ctx context.Context, host string) (Credential, error) {
	var errs []error
	for _, s := range stores {
		c, err := s.Credential(ctx, host)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !c.IsZero() {
			return c, nil
		}
	}
	return Credential{}, errors.Join(errs...)
}

// String names who is asked.
func (stores chain) String() string {
	var names []string
	for _, s := range stores {
		if n, ok := s.(fmt.Stringer); ok && n.String() != "" {
			names = append(names, n.String())
		}
	}
	return strings.Join(names, ", ")
}

// named is a store with a name, for messages.
type named struct {
	Store

	name string
}

// String is the name.
func (n named) String() string { return n.name }

// Static holds logins by registry, "ghcr.io", or by a path on one,
// "registry.example/team"; the longest that fits wins. Keys may be spelt as in
// a config.json, Docker Hub in any of its ways. The map is copied.
func Static(logins map[string]Credential) Store {
	all := make(map[string]entry, len(logins))
	for key, c := range logins {
		if c.Source == "" {
			c.Source = "static"
		}
		all[key] = entry{login: c}
	}
	return named{entries(byName(all)), "static"}
}

// entry is a login, or why there is none.
type entry struct {
	login Credential
	err   error
}

// entries is a Store of what is known beforehand, by normalized registry.
type entries map[string]entry

// Credential finds the entry that fits best.
func (e entries) Credential(_ context.Context, host string) (Credential, error) {
	found, _ := lookup(e, host)
	return found.login, found.err
}
