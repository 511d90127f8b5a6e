package watchtower_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
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

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func packages(t *testing.T) map[string]pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...").Output()
	require.NoError(t, err)
	all := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pkg
		require.NoError(t, dec.Decode(&p))
		all[strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")] = p
	}
	return all
}

// arrows are the borders between the rooms: what each may import of this module. A
// room that is not listed may be imported by nobody.
func arrows() map[string][]string {
	return map[string][]string{
		"internal/errclass":      {},
		"internal/redact":        {},
		"credentials":            {"internal/errclass"},
		"registry":               {"credentials", "internal/errclass"},
		"lifecycle":              {"credentials", "internal/errclass", "internal/redact"},
		"filter":                 {"lifecycle", "internal/errclass"},
		"internal/statefile":     {},
		"internal/cronspec":      {"internal/errclass"},
		"tags":                   {"internal/errclass"},
		"gate":                   {"lifecycle", "internal/errclass", "internal/statefile"},
		"gate/cosign":            {"gate", "registry", "internal/errclass"},
		"lifecycle/dockerengine": {"lifecycle", "credentials", "internal/errclass"},
		"lifecycle/enginetest":   {"lifecycle", "registry", "credentials", "internal/errclass"},
		"registry/registrytest":  {},
		"httpapi":                {"", "credentials", "filter", "lifecycle", "registry", "internal/errclass"},
		"":                       {"lifecycle", "lifecycle/dockerengine", "filter", "gate", "tags", "registry", "credentials", "internal/cronspec", "internal/errclass", "internal/redact", "internal/statefile"},
	}
}

func TestImportsFollowTheArrows(t *testing.T) {
	may := arrows()
	all := packages(t)
	for name, p := range all {
		allowed, listed := may[name]
		for _, path := range p.Imports {
			if path != module && !strings.HasPrefix(path, module+"/") {
				continue
			}
			to := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
			if listed {
				assert.Contains(t, allowed, to, "%s imports %s", name, to)
			}
			assert.False(t, strings.HasPrefix(to, "cmd/") && !strings.HasPrefix(name, "cmd/"), "%s imports a program", name)
		}
	}
	for name := range may {
		_, ok := all[name]
		assert.True(t, ok, "the room %s is there", name)
	}
}

func TestOnlyTheDockerEngineImportsDocker(t *testing.T) {
	for name, p := range packages(t) {
		for _, path := range p.Imports {
			if strings.HasPrefix(path, "github.com/docker/docker") {
				assert.Equal(t, "lifecycle/dockerengine", name, "imports %s", path)
			}
		}
	}
}

// What the program needs must not weigh on those who import the library.
func TestTheLibraryDependsOnNoneOfTheProgramsLibraries(t *testing.T) {
	forbidden := []string{
		"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/prometheus", "github.com/nicholas-fedor/shoutrrr",
		"golang.org/x/crypto/x509roots/fallback", "time/tzdata", "github.com/stretchr/testify", "testing",
	}
	for _, dep := range packages(t)[""].Deps {
		for _, f := range forbidden {
			assert.False(t, dep == f || strings.HasPrefix(dep, f+"/"), "the root depends on %s", dep)
		}
	}
}

// Who serves the API needs nothing more than who has a Tower.
func TestTheAPIBringsNoLibraries(t *testing.T) {
	all := packages(t)
	for _, dep := range all["httpapi"].Deps {
		if strings.Contains(strings.Split(dep, "/")[0], ".") && !strings.HasPrefix(dep, module) {
			assert.Contains(t, all[""].Deps, dep, "of a module the library itself does not need")
		}
	}
	assert.NotContains(t, all[""].Deps, module+"/httpapi")
}

// The simulated registry weighs on nobody but its tests, and on those little.
func TestTheSimulatedRegistryStandsAlone(t *testing.T) {
	const simulator = "registry/registrytest"
	all := packages(t)
	for name, p := range all {
		assert.NotContains(t, p.Deps, module+"/"+simulator, "%s", name)
	}
	require.Contains(t, all, simulator)
	for _, dep := range all[simulator].Deps {
		first, _, _ := strings.Cut(dep, "/")
		assert.True(t, !strings.Contains(first, ".") || dep == "github.com/opencontainers/go-digest", "it depends on %s", dep)
		assert.NotEqual(t, "testing", dep)
	}
}

// What is for tests stays out of what is not, and brings those who write an
// engine of their own nothing but the standard library beside what it tests.
func TestTheConformanceSuiteIsForTestsAlone(t *testing.T) {
	const room = "lifecycle/enginetest"
	all := packages(t)
	for name, p := range all {
		if strings.HasPrefix(name, "examples/") {
			continue // which show what a test can do
		}
		assert.NotContains(t, p.Deps, module+"/"+room, "%s depends on what is for tests", name)
	}
	for _, dep := range all[room].Deps {
		if strings.Contains(strings.Split(dep, "/")[0], ".") && !strings.HasPrefix(dep, module) {
			assert.Contains(t, all[""].Deps, dep, "of a module the library itself does not need")
		}
	}
}

// Only constructors whose name says so read the environment, but for the proxies of HTTP:
// those that registries are asked through, which are found as every Go program finds them.
func TestTheEnvironmentIsReadOnlyWhereTheNameSaysSo(t *testing.T) {
	reads := map[string][]string{
		"os":   {"Getenv", "LookupEnv", "Environ", "UserHomeDir", "UserConfigDir", "UserCacheDir", "TempDir", "ExpandEnv"},
		"http": {"ProxyFromEnvironment", "DefaultTransport", "DefaultClient", "Get", "Head", "Post", "PostForm"},
	}
	proxies := 0
	forEachFile(t, func(path string, file *ast.File) {
		for _, decl := range file.Decls {
			fn, _ := decl.(*ast.FuncDecl)
			ast.Inspect(decl, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				x, ok := sel.X.(*ast.Ident)
				if !ok || !slices.Contains(reads[x.Name], sel.Sel.Name) {
					return true
				}
				if sel.Sel.Name == "ProxyFromEnvironment" && path == filepath.Join("registry", "transport.go") {
					proxies++
					return true
				}
				named := fn != nil && strings.HasSuffix(fn.Name.Name, "FromEnv")
				assert.True(t, named, "%s reads the environment outside a FromEnv: %s.%s", path, x.Name, sel.Sel.Name)
				return true
			})
		}
	})
	assert.Equal(t, 1, proxies)
}

func TestNoInit(t *testing.T) {
	forEachFile(t, func(path string, file *ast.File) {
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				assert.False(t, fn.Name.Name == "init" && fn.Recv == nil, "%s has an init", path)
			}
		}
	})
}

// forEachFile visits the library's own files: no tests, no programs, no test
// tools.
func forEachFile(t *testing.T, visit func(path string, file *ast.File)) {
	t.Helper()
	set := token.NewFileSet()
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{"cmd", "examples", ".git", "internal/enginehost", "bin"}, path) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		visit(path, file)
		return nil
	}))
}

// The image's builder is given the rooms that the program is made of, by name.
func TestTheImageIsBuiltFromAllRooms(t *testing.T) {
	ignored, err := os.ReadFile(".dockerignore")
	require.NoError(t, err)
	for _, dep := range packages(t)["cmd/watchtower"].Deps {
		if path, ok := strings.CutPrefix(dep, module+"/"); ok {
			room, _, _ := strings.Cut(path, "/")
			assert.Contains(t, string(ignored), "\n!"+room+"\n", "%s is used by the program", path)
		}
	}
}
