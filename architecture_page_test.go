package watchtower_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const architecturePage = "docs/architecture.md"

// The page's picture is drawn from what the rooms import, which is what the arrows
// say: `make docs` writes it, by UPDATE_DOCS=1.
func TestTheArchitecturePageShowsTheArrows(t *testing.T) {
	all, may := packages(t), arrows()
	imports := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(may)) {
		imports[name] = nil
		for _, path := range all[name].Imports {
			if path == module || strings.HasPrefix(path, module+"/") {
				imports[name] = append(imports[name], strings.TrimPrefix(strings.TrimPrefix(path, module), "/"))
			}
		}
		assert.ElementsMatch(t, may[name], imports[name], "what %q may import, and what it does", name)
	}
	for _, path := range all["cmd/watchtower"].Imports {
		if room, ok := strings.CutPrefix(path, module); ok && shown(strings.TrimPrefix(room, "/")) {
			imports["cmd/watchtower"] = append(imports["cmd/watchtower"], strings.TrimPrefix(room, "/"))
		}
	}
	page, err := os.ReadFile(architecturePage)
	require.NoError(t, err)
	const begin, end = "<!-- drawn by make docs -->\n", "<!-- end of what is drawn -->\n"
	before, rest, ok := strings.Cut(string(page), begin)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	want := before + begin + picture(imports) + end + after
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(architecturePage, []byte(want), 0o600)) // it is there already, and stays readable
		page = []byte(want)
	}
	assert.Equal(t, want, string(page), "run make docs")
}

// shown are the rooms of the picture: those that others can import, and the program.
func shown(room string) bool {
	return !strings.Contains(room, "internal/")
}

// picture is the arrows as a graph, without those that others imply, and all of them
// as a table.
func picture(imports map[string][]string) string {
	id := func(room string) string {
		if room == "" {
			return "watchtower"
		}
		return strings.NewReplacer("/", "_").Replace(room)
	}
	title := func(room string) string {
		if room == "" {
			return "the root"
		}
		return room
	}
	var graph, table strings.Builder
	for _, room := range slices.Sorted(maps.Keys(imports)) {
		if !shown(room) {
			continue
		}
		fmt.Fprintf(&graph, "    %s[\"%s\"]\n", id(room), title(room))
		direct := slices.DeleteFunc(slices.Sorted(slices.Values(imports[room])), func(to string) bool { return !shown(to) })
		for _, to := range direct {
			if !implied(imports, direct, to) {
				fmt.Fprintf(&graph, "    %s --> %s\n", id(room), id(to))
			}
		}
		cells := make([]string, len(direct))
		for i, to := range direct {
			cells[i] = title(to)
		}
		fmt.Fprintf(&table, "| %s | %s |\n", title(room), strings.Join(cells, ", "))
	}
	return "```mermaid\ngraph TD\n" + graph.String() + "```\n\n| room | imports |\n|---|---|\n" + table.String()
}

// implied: another of the direct ones leads there as well.
func implied(imports map[string][]string, direct []string, to string) bool {
	return slices.ContainsFunc(direct, func(by string) bool { return by != to && leads(imports, by, to) })
}

func leads(imports map[string][]string, from, to string) bool {
	return slices.ContainsFunc(imports[from], func(next string) bool { return next == to || leads(imports, next, to) })
}
