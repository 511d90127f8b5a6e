package docstest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Nothing is promised but with the test that proves it.
func TestEveryGuaranteeNamesItsProof(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "docs/guarantees.md"))
	require.NoError(t, err)
	promised, _, found := strings.Cut(string(text), "\n## What is not promised")
	require.True(t, found)
	rows := 0
	for line := range strings.Lines(promised) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 || strings.HasPrefix(line, "|---") || strings.Contains(line, "| proven by |") {
			continue
		}
		rows++
		assert.Regexp(t, "`Test[A-Z]", cells[len(cells)-2], "%s", cells[1])
	}
	assert.Greater(t, rows, 30)
}
