package docstest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/watchtower-go/watchtower"

// imports are what a fragment may speak of without saying where it is from.
func imports() map[string]string {
	out := map[string]string{"watchtower": module, "slog": "log/slog", "http": "net/http", "errdefs": "github.com/containerd/errdefs"}
	for _, std := range []string{"context", "errors", "fmt", "log", "os", "time"} {
		out[std] = std
	}
	for _, room := range []string{
		"credentials", "filter", "gate", "gate/cosign", "httpapi", "lifecycle", "lifecycle/dockerengine",
		"lifecycle/enginetest", "registry", "registry/registrytest", "tags",
	} {
		out[room[strings.LastIndex(room, "/")+1:]] = module + "/" + room
	}
	return out
}

// given are what a fragment may use without having made it.
const given = `ctx context.Context, tower *watchtower.Tower, engine lifecycle.Engine, client *registry.Client, report *watchtower.Report`

// Every program on a page compiles as it stands, and every fragment within a function
// that has what is given. What a program prints that a block of text follows is that.
func TestEveryGoBlockCompiles(t *testing.T) {
	t.Parallel()
	here, err := filepath.Abs(root)
	require.NoError(t, err)
	dir := t.TempDir()
	files := map[string]string{
		"go.mod":  "module example.com/pages\n\ngo 1.26.0\n",
		"go.work": "go 1.26.0\n\nuse (\n\t.\n\t" + here + "\n)\n",
	}
	prints := map[string]string{}
	for _, p := range pages(t) {
		all := p.blocks()
		for i, b := range all {
			if b.language != "go" || p.walk() {
				continue
			}
			name := fmt.Sprintf("block%d", len(files))
			files[name+"/main.go"] = source(t, b)
			if i+1 < len(all) && all[i+1].language == "text" && strings.Contains(b.text, "func main()") {
				prints[name] = all[i+1].text
			}
		}
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(dir, "go.work"))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	run("vet", "./...")
	require.NotEmpty(t, prints)
	for name, want := range prints {
		assert.Equal(t, want, run("run", "./"+name))
	}
}

// source makes a file of the block, whose errors tell of the page's lines.
func source(t *testing.T, b block) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, b.page.path))
	require.NoError(t, err)
	text := fmt.Sprintf("//line %s:%d\n%s", path, b.line, b.text)
	if strings.HasPrefix(b.text, "package ") {
		return text
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+b.text, 0); err != nil {
		text = wrapped(t, b, text)
	}
	header := "package page\n\n"
	file, err := parser.ParseFile(token.NewFileSet(), "", header+text, parser.SkipObjectResolution)
	require.NoError(t, err, "%s:%d", b.page.path, b.line)
	known, used := imports(), map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && known[x.Name] != "" {
				used[x.Name] = known[x.Name]
			}
		}
		return true
	})
	for _, name := range slices.Sorted(maps.Keys(used)) {
		header += fmt.Sprintf("import %s %q\n", name, used[name])
	}
	return header + text
}

// wrapped puts statements into a function, and makes use of what they declare.
func wrapped(t *testing.T, b block, text string) string {
	t.Helper()
	const begin = "package p\nfunc _() {\n"
	file, err := parser.ParseFile(token.NewFileSet(), "", begin+b.text+"}", parser.SkipObjectResolution)
	require.NoError(t, err, "%s:%d", b.page.path, b.line)
	var uses strings.Builder
	for _, stmt := range file.Decls[0].(*ast.FuncDecl).Body.List {
		assign, ok := stmt.(*ast.AssignStmt)
		if !ok || assign.Tok != token.DEFINE {
			continue
		}
		for _, left := range assign.Lhs {
			if name := left.(*ast.Ident).Name; name != "_" {
				fmt.Fprintf(&uses, "_ = %s\n", name)
			}
		}
	}
	return "func _(" + given + ") error {\n{\n" + text + uses.String() + "}\nreturn nil\n}\n"
}
