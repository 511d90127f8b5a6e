package docstest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	codeSpan = regexp.MustCompile("`[^`]+`")
	testName = regexp.MustCompile(`\b(?:Test|Benchmark|Fuzz|Example)[A-Z]\w*`)
	makeCall = regexp.MustCompile(`\bmake ([a-z][a-z-]*)`)
)

// tests are the tests, benchmarks and examples there are, by file.
func tests(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	forEachFile(t, "_test.go", func(path string, text []byte) {
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && testName.MatchString(fn.Name.Name) {
				out[path] = append(out[path], fn.Name.Name)
			}
		}
	})
	return out
}

// code is what a page shows as code: its spans, and its blocks line by line.
func (p page) code() []string {
	var out []string
	for _, span := range codeSpan.FindAllString(p.prose(), -1) {
		out = append(out, strings.Join(strings.Fields(strings.Trim(span, "`")), " "))
	}
	for _, b := range p.blocks() {
		if b.language != "mermaid" {
			out = append(out, strings.Split(strings.ReplaceAll(b.text, "\\\n", " "), "\n")...)
		}
	}
	return out
}

// A test that a page names is there, or on the page; if the name is a link, in that file.
func TestTestsThatPagesNameAreThere(t *testing.T) {
	t.Parallel()
	byFile := tests(t)
	all := map[string]bool{}
	for _, names := range byFile {
		for _, name := range names {
			all[name] = true
		}
	}
	for _, p := range pages(t) {
		for _, code := range p.code() {
			for _, name := range testName.FindAllString(code, -1) {
				assert.True(t, all[name] || strings.Contains(p.text, "func "+name+"("), "%s names %s", p.path, name)
			}
		}
		for _, l := range p.links() {
			if name := strings.Trim(l.text, "`"); testName.FindString(name) == name && name != "" {
				file := path.Join(path.Dir(p.path), l.target)
				assert.Contains(t, byFile[file], name, "%s says it is in %s", p.path, file)
			}
		}
	}
}

// What a page tells to type runs something: `go test -run` a test of those packages,
// make a target.
func TestCommandsThatPagesNameRunSomething(t *testing.T) {
	t.Parallel()
	byFile := tests(t)
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	runs := 0
	for _, p := range pages(t) {
		for _, code := range p.code() {
			for _, m := range makeCall.FindAllStringSubmatch(code, -1) {
				assert.Regexp(t, "(?m)^"+m[1]+":", string(makefile), "%s: %s", p.path, code)
			}
			if _, args, ok := strings.Cut(code, "go test "); ok {
				runs++
				assert.NoError(t, selects(byFile, strings.Fields(args)), "%s: %s", p.path, code)
			}
		}
	}
	assert.Greater(t, runs, 3)
}

// selects tells whether what the flags choose is among the packages' tests.
func selects(byFile map[string][]string, args []string) error {
	var names []string
	chosen := map[string]string{} // by flag
	for i := 0; i < len(args); i++ {
		arg := strings.Trim(args[i], "'")
		switch {
		case slices.Contains([]string{"-run", "-bench", "-fuzz"}, arg) && i+1 < len(args):
			i++
			chosen[arg] = strings.Trim(args[i], "'")
		case strings.HasPrefix(arg, "."):
			names = append(names, testsOf(byFile, arg)...)
		}
	}
	for flag, pattern := range chosen {
		top, _, _ := strings.Cut(pattern, "/")
		want, err := regexp.Compile(top)
		if err != nil {
			return err
		}
		found := slices.ContainsFunc(names, func(name string) bool {
			kind := map[string]string{"-run": "", "-bench": "Benchmark", "-fuzz": "Fuzz"}[flag]
			return strings.HasPrefix(name, kind) && want.MatchString(name)
		})
		if !found && pattern != "^$" && pattern != "." {
			return fmt.Errorf("%s %s chooses nothing", flag, pattern)
		}
	}
	return nil
}

// testsOf are those of a package or, with an ellipsis, of all below it.
func testsOf(byFile map[string][]string, pattern string) []string {
	var out []string
	dir, below := strings.CutSuffix(pattern, "...")
	dir = path.Clean(dir)
	for file, names := range byFile {
		if path.Dir(file) == dir || below && (dir == "." || strings.HasPrefix(file, dir+"/")) {
			out = append(out, names...)
		}
	}
	return out
}
