package watchtower

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// panicked is the panic of a part that the Tower's user brought.
type panicked struct {
	part  string
	value any
}

func (p *panicked) Error() string { return fmt.Sprintf("%s panicked: %v", p.part, p.value) }

// contain calls such a part: its panic is not the pass's, but that call's error.
func contain(part string, call func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicked{part, r}
		}
	}()
	return call()
}

// containedFilter refuses what a filter panics about.
type containedFilter struct {
	Filter

	logger *slog.Logger
}

func (f containedFilter) Match(c lifecycle.Container) bool {
	ok, _ := f.Explain(c)
	return ok
}

func (f containedFilter) Explain(c lifecycle.Container) (ok bool, reason string) {
	err := contain("a filter", func() error { ok, reason = filter.Reason(f.Filter, c); return nil })
	if err != nil {
		f.logger.Error("left alone", append(about(c), "err", err)...)
		return false, err.Error()
	}
	return ok, reason
}

// containedStore has no login where a store panics, so that others are asked.
type containedStore struct{ CredentialStore }

func (s containedStore) Credential(ctx context.Context, host string) (login credentials.Credential, err error) {
	err = contain("the credential store", func() (err error) {
		login, err = s.CredentialStore.Credential(ctx, host)
		return err
	})
	return login, err
}

// String is the store's name, if it has one.
func (s containedStore) String() string {
	if named, ok := s.CredentialStore.(fmt.Stringer); ok {
		return named.String()
	}
	return ""
}
