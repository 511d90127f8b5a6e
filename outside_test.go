package watchtower_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// outside makes a module of its own that uses this one from the checkout, and
// returns what a go command in it prints.
func outside(t *testing.T, source string, args ...string) string {
	t.Helper()
	here, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.go": source,
		"go.mod":  "module example.com/outside\n\ngo 1.26.0\n",
		"go.work": "go 1.26.0\n\nuse (\n\t.\n\t" + here + "\n)\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(dir, "go.work"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

func TestAProgramOutsideBringsItsOwnParts(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("examples/parts/main.go")
	require.NoError(t, err)
	assert.Equal(t, `pass at 2030-01-07 09:00:00
pull docker.io/library/app:1 at <digest>
replace db: its reference points at another image
replace web: its reference points at another image
db is failed its reference points at another image
  watchtower: nobody wants db to be updated
other is skipped not one of [web db]
web is updated 
engine: pull docker.io/library/app:1 as robot
engine: start a container
`, digests.ReplaceAllString(outside(t, string(source), "run", "."), "<digest>"))
}

func TestALeafIsUsedAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rooms []string
		most  int // modules beside this one
	}{
		{[]string{"filter", "registry"}, 6},
		{[]string{"credentials"}, 2},
		{[]string{"gate", "gate/cosign", "tags"}, 6},
		{[]string{"lifecycle"}, 3},
		{[]string{"."}, 25},
	} {
		t.Run(strings.Join(tt.rooms, " and "), func(t *testing.T) {
			t.Parallel()
			source := "package main\n\n"
			for _, room := range tt.rooms {
				source += "import _ \"" + strings.TrimSuffix(module+"/"+room, "/.") + "\"\n"
			}
			source += "\nfunc main() {}\n"
			outside(t, source, "build", "-o", os.DevNull, ".")
			modules := map[string]bool{}
			for _, m := range strings.Fields(outside(t, source, "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".")) {
				modules[m] = true
			}
			delete(modules, module)
			delete(modules, "example.com/outside")
			t.Logf("%v: %d modules: %v", tt.rooms, len(modules), modules)
			assert.LessOrEqual(t, len(modules), tt.most)
		})
	}
}
