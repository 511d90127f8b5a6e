package exampletest

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What runs the examples without an engine leaves out those that say they need one: all
// of them are built here, and what is built is started.
func TestNoExampleIsLeftOut(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../examples/*/main.go")
	require.NoError(t, err)
	needy := 0
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		require.NoError(t, err)
		if strings.Contains(file.Doc.Text(), "needs Docker") {
			needy++
			assert.Contains(t, onAnEngine(), filepath.Base(filepath.Dir(path)), "nothing runs it")
		}
	}
	assert.Positive(t, needy)
	tests, err := os.ReadFile("engine_test.go")
	require.NoError(t, err)
	for _, name := range onAnEngine() {
		assert.Contains(t, string(tests), `start(t, v.Host, "`+name+`"`)
	}
}
