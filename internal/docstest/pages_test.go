package docstest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// root is the checkout.
const root = "../.."

// page is one page, by its path in the checkout.
type page struct {
	path, text string
}

// block is a fenced block of a page.
type block struct {
	page     page
	line     int // of its first line in the page
	language string
	text     string
}

// pages are all there are.
func pages(t *testing.T) []page {
	t.Helper()
	var out []page
	forEachFile(t, ".md", func(path string, text []byte) {
		out = append(out, page{path, string(text)})
	})
	require.Greater(t, len(out), 15, "the pages are found")
	return out
}

// forEachFile visits the checkout's files of that ending.
func forEachFile(t *testing.T, ending string, visit func(path string, text []byte)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "bin", "testdata"}, d.Name()) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ending) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		here, err := filepath.Rel(root, path)
		visit(filepath.ToSlash(here), text)
		return err
	}))
}

// blocks are the fenced blocks of the page.
func (p page) blocks() []block {
	var out []block
	var in *block
	for i, line := range strings.Split(p.text, "\n") {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && in == nil:
			in = &block{page: p, line: i + 2, language: fence}
		case isFence:
			out = append(out, *in)
			in = nil
		case in != nil:
			in.text += line + "\n"
		}
	}
	return out
}

// blocksOf are all blocks in one language.
func blocksOf(t *testing.T, language string) []block {
	t.Helper()
	var out []block
	for _, p := range pages(t) {
		for _, b := range p.blocks() {
			if b.language == language {
				out = append(out, b)
			}
		}
	}
	require.NotEmpty(t, out, "there are blocks in %s", language)
	return out
}

// prose is the page without its fenced blocks, line by line.
func (p page) prose() string {
	out := strings.Split(p.text, "\n")
	for _, b := range p.blocks() {
		for i := range strings.Count(b.text, "\n") + 2 {
			out[b.line-2+i] = ""
		}
	}
	return strings.Join(out, "\n")
}

// walk tells of the page whose files and commands a test of its own, in examples, writes
// and runs in their order.
func (p page) walk() bool { return p.path == "docs/own-updater.md" }

// A language that no test knows would be one whose blocks nothing holds, and a span of
// code that is open would turn what is code into what is not.
func TestBlocksAreInALanguageThatIsHeld(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		assert.Zero(t, strings.Count(p.text, "```")%2, "%s: a fence is open", p.path)
		held := []string{"go", "sh", "yaml", "json", "text", "mermaid"}
		if p.walk() {
			held = []string{"go", "console"}
		}
		for _, b := range p.blocks() {
			assert.Contains(t, held, b.language, "%s:%d", p.path, b.line)
		}
		for paragraph := range strings.SplitSeq(p.prose(), "\n\n") {
			assert.Zero(t, strings.Count(paragraph, "`")%2, "%s: a span of code is open: %s", p.path, paragraph)
		}
	}
}
