package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// chatter is what the go command tells of modules: more the first time than the second.
var chatter = regexp.MustCompile(`(?m)^(go: |\tgo mod tidy).*\n`)

// shell runs commands in a directory, one after the other, and stays where they go.
type shell struct {
	dir string
	env []string
}

// run returns what one prints.
func (s *shell) run(t *testing.T, command string) string {
	t.Helper()
	where := filepath.Join(t.TempDir(), "where")
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", command+"\npwd >\"$WHERE\"")
	cmd.Dir, cmd.Env = s.dir, append(s.env, "WHERE="+where)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", command, out)
	dir, err := os.ReadFile(where)
	require.NoError(t, err)
	s.dir = strings.TrimSpace(string(dir))
	return chatter.ReplaceAllString(string(out), "")
}

// A newcomer's hour: every file and every command of the page, in an empty directory
// beside a clone, and what they print.
func TestThePageLeadsFromACloneToAnOwnUpdater(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/own-updater.md")
	require.NoError(t, err)
	checkout, err := filepath.Abs("..")
	require.NoError(t, err)
	// The flags are those of the examples' builds: what is compiled there, is not once more.
	sh := &shell{dir: t.TempDir(), env: append(os.Environ(), "GOFLAGS=-trimpath", "CGO_ENABLED=0", "GOWORK=off")}
	files, commands := 0, 0
	for _, block := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		switch kind, text := block[1], block[2]; kind {
		case "go":
			name, _, _ := strings.Cut(strings.TrimPrefix(text, "// "), "\n")
			require.Regexp(t, `^\w+\.go$`, name, "a file begins with its name")
			require.NoError(t, os.WriteFile(filepath.Join(sh.dir, name), []byte(text), 0o600))
			files++
		case "console":
			for _, step := range strings.Split("\n"+text, "\n$ ")[1:] {
				command, printed, _ := strings.Cut(step, "\n")
				commands++
				if command == "git clone https://github.com/watchtower-go/watchtower" {
					require.NoError(t, os.Symlink(checkout, filepath.Join(sh.dir, "watchtower"))) // this one
					continue
				}
				got := sh.run(t, command)
				t.Logf("$ %s\n%s", command, got)
				assert.Equal(t, strings.TrimSuffix(printed, "\n"), strings.TrimSuffix(got, "\n"), command)
			}
		default:
			assert.Fail(t, "a block of "+kind)
		}
	}
	assert.Equal(t, 4, files)
	assert.Equal(t, 9, commands)
}
