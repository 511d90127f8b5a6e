package credentials

import (
	"context"
	"errors"
)

// Chain asks the stores in turn and returns the first answer that is not
// anonymous. A store that cannot be asked does not keep the next from being
// asked; its error is returned if none of them answers.
func Chain(stores ...Store) Store {
	return StoreFunc(func(ctx context.Context, host string) (Credential, error) {
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
	})
}

// Static holds logins by registry, "ghcr.io", or by a path on one,
// "registry.example/team"; the longest that fits wins. Docker Hub may be spelt
// in any of its ways. The map is copied.
func Static(logins map[string]Credential) Store {
	entries := make(map[string]Credential, len(logins))
	for key, c := range logins {
		if c.Source == "" {
			c.Source = "static"
		}
		entries[normalize(key)] = c
	}
	return StoreFunc(func(_ context.Context, host string) (Credential, error) {
		c, _ := lookup(entries, host)
		return c, nil
	})
}
