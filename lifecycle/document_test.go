package lifecycle_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// Texts are read as an engine's JSON has them, and as programs write them.
func TestTextsOfADocument(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{"decoded": []any{"A=1", 2, "B=2"}, "written": []string{"A=1", "B=2"}} {
		d := lifecycle.Document{"Env": value}
		assert.Equal(t, []string{"A=1", "B=2"}, d.Texts("Env"), name)
	}
	written := lifecycle.Document{"Env": []string{"A=1"}}
	clone := written.Clone()
	written["Env"].([]string)[0] = "other"
	assert.Equal(t, []string{"A=1"}, clone.Texts("Env"), "a clone shares nothing")
	assert.Empty(t, lifecycle.Document{"Env": "A=1"}.Texts("Env"))
}
