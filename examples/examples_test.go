package examples_test

import (
	"context"
	"errors"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// programs are the directories with a program in them.
func programs(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("*/main.go")
	require.NoError(t, err)
	var names []string
	for _, path := range paths {
		names = append(names, filepath.Dir(path))
	}
	require.Greater(t, len(names), 10)
	return names
}

// told is what a package's comment tells of a program: the command that runs it as it
// is, and what that ends with.
type told struct {
	text, output string
	code         int
}

var (
	exitCode = regexp.MustCompile(`exit code (\d)`)
	blanks   = regexp.MustCompile(`(?m) +$`) // which no comment has at the end of a line
	digests  = regexp.MustCompile(`sha256:[0-9a-f]{64}`)
)

// read reads a program's comment: the block after the one with its command.
func read(t *testing.T, name string) told {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name+"/main.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	require.NoError(t, err)
	out := told{text: file.Doc.Text()}
	var p comment.Parser
	ran := false
	for _, block := range p.Parse(out.text).Content {
		switch b := block.(type) {
		case *comment.Code:
			if ran {
				out.output = b.Text
				return out
			}
			ran = b.Text == "go run ./examples/"+name+"\n" || b.Text == "go run -C examples/"+name+" .\n"
		case *comment.Paragraph:
			if code := exitCode.FindStringSubmatch(string(new(comment.Printer).Text(&comment.Doc{Content: []comment.Block{b}}))); ran && code != nil {
				out.code, err = strconv.Atoi(code[1])
				require.NoError(t, err)
			}
		}
	}
	return out
}

// An example is what it says: it is built as who copies it would, run, and prints what
// its comment shows.
func TestEveryExamplePrintsWhatItSays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range programs(t) {
		e := read(t, name)
		if strings.Contains(e.text, "needs Docker") {
			continue // the tests with an engine run it
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, e.output, "its comment shows the command that runs it, and then what that prints")
			program := filepath.Join(dir, name)
			// The flags are those of the program's own build, which has compiled the rooms already.
			build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
			build.Dir, build.Env = name, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
			text, err := build.CombinedOutput()
			require.NoError(t, err, "%s", text)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			run := exec.CommandContext(ctx, program)
			var stderr strings.Builder
			run.Stderr = &stderr
			printed, err := run.Output()
			code := 0
			if exit := new(exec.ExitError); errors.As(err, &exit) {
				code, err = exit.ExitCode(), nil
			}
			require.NoError(t, err)
			assert.Equal(t, e.output, blanks.ReplaceAllString(digests.ReplaceAllString(string(printed), "sha256:…"), ""))
			assert.Equal(t, e.code, code)
			assert.Empty(t, stderr.String())
		})
	}
}

// What people copy must compile where they copy it to.
func TestExamplesUseNothingInternal(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*/*.go")
	require.NoError(t, err)
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.NotContains(t, string(source), "/internal/", path)
	}
}

// The table says of every directory what it shows and how it is run, in the words of
// the program itself.
func TestTheTableNamesEveryExample(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("README.md")
	require.NoError(t, err)
	rows := map[string]string{}
	for line := range strings.Lines(string(table)) {
		if row := strings.Split(line, "|"); len(row) == 5 && strings.Contains(row[1], "](") {
			name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(row[1]), "["), "]")
			assert.Contains(t, row[1], "["+name+"]("+name+")")
			assert.NotContains(t, rows, name, "twice")
			rows[name] = row[3]
		}
	}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, e := range entries {
		if e.IsDir() {
			assert.Contains(t, rows, e.Name())
		}
	}
	for name, how := range rows {
		assert.DirExists(t, name)
		if _, err := os.Stat(name + "/main.go"); err != nil {
			continue
		}
		command := strings.Trim(strings.TrimSpace(how), "`")
		assert.Contains(t, read(t, name).text, "\t"+command+"\n", "%s is run as its comment says", name)
	}
}
