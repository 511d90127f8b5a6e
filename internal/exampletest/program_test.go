package exampletest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// builtVar tells the second execution, inside the engine's name spaces, where the
// programs are.
const builtVar = "WATCHTOWER_TEST_EXAMPLES"

// onAnEngine are the examples that a test here runs.
func onAnEngine() []string {
	return []string{"quickstart", "embed", "dryrun", "webhook", "controller", "bluegreen"}
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "examples")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return enginehost.Run(m, func() error {
		for _, name := range onAnEngine() {
			if out, err := exec.Command("go", "build", "-o", dir, "../../examples/"+name).CombinedOutput(); err != nil {
				return fmt.Errorf("go build %s: %w: %s", name, err, out)
			}
		}
		return os.Setenv(builtVar, dir)
	})
}

// within is how long a line may let itself be waited for.
const within = time.Minute

// program is an example that runs.
type program struct {
	cmd   *exec.Cmd
	stdin io.Writer
	lines chan string
}

// start starts an example on the engine; it ends with the test.
func start(t *testing.T, host *enginehost.Host, name string, args ...string) *program {
	t.Helper()
	dir := os.Getenv(builtVar)
	require.NotEmpty(t, dir, "the examples are built")
	p := &program{cmd: exec.CommandContext(t.Context(), filepath.Join(dir, name), args...), lines: make(chan string, 1000)}
	p.cmd.Env = append(os.Environ(), "DOCKER_HOST="+host.Address, "DOCKER_CONFIG="+t.TempDir())
	p.cmd.Stderr = os.Stderr
	stdin, err := p.cmd.StdinPipe()
	require.NoError(t, err)
	p.stdin = stdin
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.lines <- lines.Text()
		}
	}()
	return p
}

// say gives it a line.
func (p *program) say(t *testing.T, line string) {
	t.Helper()
	_, err := io.WriteString(p.stdin, line+"\n")
	require.NoError(t, err)
}

// await reads lines up to one that matches, and returns what its group does, if it has one.
func (p *program) await(t *testing.T, pattern string) string {
	t.Helper()
	wanted := regexp.MustCompile(pattern)
	late := time.After(within)
	for {
		select {
		case line, ok := <-p.lines:
			require.True(t, ok, "it ended before it wrote %q", pattern)
			t.Log(line)
			if match := wanted.FindStringSubmatch(line); match != nil {
				return match[len(match)-1]
			}
		case <-late:
			require.Fail(t, "it does not write "+pattern)
		}
	}
}

// end interrupts it and reads what is left; it must end well.
func (p *program) end(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	p.rest(t)
}

// rest reads what is left.
func (p *program) rest(t *testing.T) {
	t.Helper()
	for line := range p.lines {
		t.Log(line)
	}
	require.NoError(t, p.cmd.Wait())
}
