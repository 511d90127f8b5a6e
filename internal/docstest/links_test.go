package docstest_test

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// link is one of a page's, with the text it stands behind.
type link struct{ text, target string }

func (p page) links() []link {
	var out []link
	for _, m := range regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)\)`).FindAllStringSubmatch(p.prose(), -1) {
		out = append(out, link{m[1], m[2]})
	}
	return out
}

// anchors are the page's headings as they are linked to.
func (p page) anchors() map[string]bool {
	out := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(p.prose(), -1) {
		out[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, m[1])] = true
	}
	return out
}

// A link within the checkout leads to a file and a heading; nobody asks the network
// whether one that leads elsewhere does, but its form.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	all := map[string]page{}
	for _, p := range pages(t) {
		all[p.path] = p
	}
	found := 0
	for _, p := range all {
		for _, l := range p.links() {
			found++
			to, err := url.Parse(l.target)
			require.NoError(t, err, "%s", p.path)
			if to.Scheme != "" {
				assert.Equal(t, "https", to.Scheme, "%s: %s", p.path, l.target)
				assert.Contains(t, to.Host, ".", "%s: %s", p.path, l.target)
				continue
			}
			file := p.path
			if to.Path != "" {
				file = path.Join(path.Dir(p.path), to.Path)
			}
			assert.False(t, strings.HasPrefix(file, ".."), "%s: %s leaves the checkout", p.path, l.target)
			_, err = os.Stat(filepath.Join(root, file))
			assert.NoError(t, err, "%s: %s", p.path, l.target)
			if to.Fragment != "" {
				assert.True(t, all[file].anchors()[to.Fragment], "%s: %s: no such heading", p.path, l.target)
			}
		}
	}
	assert.Greater(t, found, 100)
}

// Every page of docs can be found from its index.
func TestTheIndexHasEveryPage(t *testing.T) {
	t.Parallel()
	linked := map[string]bool{}
	for _, p := range pages(t) {
		if p.path == "docs/README.md" {
			for _, l := range p.links() {
				linked[path.Join("docs", l.target)] = true
			}
		}
	}
	for _, p := range pages(t) {
		if strings.HasPrefix(p.path, "docs/") && p.path != "docs/README.md" {
			assert.True(t, linked[p.path], "docs/README.md leads to %s", p.path)
		}
	}
}
