package credentials_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
)

func TestChain(t *testing.T) {
	t.Parallel()
	broken := credentials.StoreFunc(func(context.Context, string) (credentials.Credential, error) {
		return credentials.Credential{}, errors.New("the vault is sealed")
	})
	one := credentials.Static(map[string]credentials.Credential{"a.example": {Username: "one"}, "hub.example/team": {Username: "team"}})
	two := credentials.Static(map[string]credentials.Credential{"a.example": {Username: "two"}, "b.example": {Username: "two"}})
	chain := credentials.Chain(broken, one, two)
	assert.Equal(t, "one", ask(t, chain, "a.example").Username)
	assert.Equal(t, "two", ask(t, chain, "b.example").Username)
	assert.Equal(t, "team", ask(t, chain, "hub.example/team/app").Username)
	_, err := chain.Credential(t.Context(), "c.example")
	require.EqualError(t, err, "the vault is sealed")
	assert.True(t, ask(t, credentials.Chain(), "a.example").IsZero())
}
