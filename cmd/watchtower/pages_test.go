package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pages are those at the top, what is in docs, and the one of the examples, by their path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	read := func(path string) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		out[path] = string(text)
	}
	for _, page := range []string{"README.md", "README.fr.md", "CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md"} {
		read("../../" + page)
	}
	require.NoError(t, filepath.WalkDir("../../docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			read(path)
		}
		return err
	}))
	return out
}

// What the pages name is there: each variable and label, and each flag that stands
// by itself or behind the program's name.
func TestThePagesNameWhatThereIs(t *testing.T) {
	t.Parallel()
	have := map[string]bool{"--name": true, "--help": true}
	for _, row := range table(&settings{}) {
		have["--"+row.flag], have["-"+row.short], have[row.env], have[row.env+"_FILE"] = true, true, true, true
	}
	for _, name := range labelNames() {
		have[name] = true
	}
	for _, name := range ofOthers() {
		have[name] = true
	}
	code := regexp.MustCompile("(?s)```.*?```|`[^`]+`")
	names := regexp.MustCompile(`\b(?:WATCHTOWER_[A-Z_]*[A-Z]|com\.centurylinklabs\.[a-z.-]+[a-z])(?:_\*|\.)?`)
	flags := regexp.MustCompile(`(^|\s)--?[a-z][a-z-]*`)
	command := regexp.MustCompile(`(?m)^(?:[A-Z_]+=\S+ )*(?:go run )?(?:\S*/)?watchtower(?: .*)?$|^--?[a-z][a-z-]*.*$`)
	found := 0
	for page, text := range pages(t) {
		for _, span := range code.FindAllString(text, -1) {
			span = strings.Trim(span, "`")
			said := slices.DeleteFunc(names.FindAllString(span, -1), func(name string) bool {
				return strings.HasSuffix(name, "*") || strings.HasSuffix(name, ".") // several at once
			})
			for _, line := range command.FindAllString(span, -1) {
				for _, flag := range flags.FindAllString(line, -1) {
					said = append(said, strings.TrimSpace(flag))
				}
			}
			for _, name := range said {
				found++
				assert.True(t, have[name], "%s names %s, in %q", page, name, span)
			}
		}
	}
	assert.Greater(t, found, 300)
}

// ofOthers are what the pages name that is no setting: flags of docker, install.sh, go
// test and an example that stand by themselves, and what tests are told.
func ofOthers() []string {
	return []string{
		"--rm", "--read-only", "--cap-drop", "--user", "--ipc", "--network", "--resolve-image", "--task-history-limit", "--dry-run", "--uninstall",
		"-run", "-parallel", "-docker", "WATCHTOWER_API_LOAD", "WATCHTOWER_SWEEP", "WATCHTOWER_SWEEP_SEED",
	}
}
