package docstest_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/assert/yaml"
	"github.com/stretchr/testify/require"
)

func TestEveryJSONBlockIsJSON(t *testing.T) {
	t.Parallel()
	for _, b := range blocksOf(t, "json") {
		var into any
		assert.NoError(t, json.Unmarshal([]byte(b.text), &into), "%s:%d", b.page.path, b.line)
	}
}

// A Compose file has services, and they have images; what has an image is one.
func TestEveryYAMLBlockIsYAML(t *testing.T) {
	t.Parallel()
	services := 0
	for _, b := range blocksOf(t, "yaml") {
		var into struct {
			Services map[string]struct{ Image string }
		}
		require.NoError(t, yaml.Unmarshal([]byte(b.text), &into), "%s:%d", b.page.path, b.line)
		if strings.Contains(b.text, "image:") {
			assert.NotEmpty(t, into.Services, "%s:%d: an image of no service", b.page.path, b.line)
		}
		for name, service := range into.Services {
			services++
			assert.NotEmpty(t, service.Image, "%s:%d: %s", b.page.path, b.line, name)
		}
	}
	assert.Positive(t, services)
}

func TestEveryShellBlockCanBeRead(t *testing.T) {
	t.Parallel()
	for _, b := range blocksOf(t, "sh") {
		cmd := exec.CommandContext(t.Context(), "bash", "-n")
		cmd.Stdin = strings.NewReader(b.text)
		out, err := cmd.CombinedOutput()
		assert.NoError(t, err, "%s:%d: %s", b.page.path, b.line, out)
	}
}
