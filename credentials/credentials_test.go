package credentials_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
)

func TestASecretShowsNowhere(t *testing.T) {
	t.Parallel()
	c := credentials.Credential{
		Username: "robot", Password: credentials.NewSecret("canary"), IdentityToken: credentials.NewSecret("canary"),
		RegistryToken: credentials.NewSecret("canary"), Source: "test",
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", c, &c, c.Password)
	}
	// fmt calls no method on what is in an unexported field: the most usual leak.
	hidden := struct{ c credentials.Credential }{c}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+verb+"\n", hidden, &hidden)
	}
	for _, v := range []any{c, &c, c.Password, map[string]any{"x": c}, hidden} {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		out.Write(data)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "c", c, "p", c.Password, "h", hidden)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "c", c, "p", c.Password, "h", hidden)
	assert.NotContains(t, out.String(), "canary")
	assert.NotContains(t, strings.ToLower(out.String()), "63616e617279", "nor in hexadecimal")
	assert.Contains(t, out.String(), "***")
	assert.Equal(t, "canary", c.Password.Reveal())
}

func TestSecretsAreEqualByTheirText(t *testing.T) {
	t.Parallel()
	assert.Equal(t, credentials.NewSecret("a"), credentials.NewSecret("a"))
	assert.NotEqual(t, credentials.NewSecret("a"), credentials.NewSecret("b"))
	for _, none := range []credentials.Secret{{}, credentials.NewSecret("")} {
		assert.True(t, none.IsZero())
		assert.Equal(t, credentials.Secret{}, none)
		assert.Empty(t, none.Reveal())
		assert.Empty(t, none.String())
	}
}
