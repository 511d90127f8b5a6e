package watchtower_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
)

const composeModule = "github.com/docker/compose/v2@v2.40.3"

// composePath is where the built Compose is kept between runs.
func composePath() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "watchtower-tests", "docker-compose-"+filepath.Base(composeModule)), nil
}

// buildCompose builds Compose from its module, once, if a test asks for it. The
// module proxy is all it needs.
func buildCompose() error {
	path, err := composePath()
	if err != nil {
		return err
	}
	wanted, err := regexp.MatchString(flag.Lookup("test.run").Value.String(), "TestCompose")
	if _, missing := os.Stat(path); err != nil || !wanted || !errors.Is(missing, fs.ErrNotExist) {
		return err
	}
	work, err := os.MkdirTemp("", "compose")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	run := func(dir string, args ...string) ([]byte, error) {
		cmd := exec.CommandContext(context.Background(), "go", args...) //nolint:forbidigo // there is no test yet
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
		out, err := cmd.Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("go %s: %w: %s", args[0], err, exit.Stderr)
		}
		return out, err
	}
	out, err := run(work, "mod", "download", "-json", composeModule)
	if err != nil {
		return err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return err
	}
	source := filepath.Join(work, "source")
	if err := os.CopyFS(source, os.DirFS(module.Dir)); err != nil {
		return err
	}
	built := path + fmt.Sprint(".", os.Getpid())
	if _, err := run(source, "build", "-o", built, "./cmd"); err != nil {
		return err
	}
	return os.Rename(built, path)
}

// composition is a Compose project on the test's engine.
type composition struct {
	host      *enginehost.Host
	dir, name string
	binary    string
}

// compose starts a project.
func compose(t *testing.T, host *enginehost.Host, name, file string) *composition {
	t.Helper()
	path, err := composePath()
	require.NoError(t, err)
	if _, err := os.Stat(path); err != nil {
		enginehost.Unproven(t, "NO COMPOSE", err.Error())
	}
	c := &composition{host: host, dir: t.TempDir(), name: name, binary: path}
	c.write(t, file)
	t.Cleanup(func() { c.run(t, "down", "--volumes", "--timeout", "1") })
	c.run(t, "up", "-d")
	return c
}

func (c *composition) write(t *testing.T, file string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "compose.yaml"), []byte(file), 0o600))
}

func (c *composition) run(t *testing.T, args ...string) string {
	t.Helper()
	all := append([]string{"-p", c.name, "--progress", "plain"}, args...)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), c.binary, all...) // it cleans up, too
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "HOME="+c.dir, "DOCKER_CONFIG="+c.dir, "DOCKER_HOST="+c.host.Address, "TOKEN=hidden")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "compose %s: %s", strings.Join(args, " "), out)
	return string(out)
}

// ids are the project's containers, by name.
func (c *composition) ids(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range c.host.List(t) {
		if strings.HasPrefix(name, c.name+"-") {
			out[name] = c.host.Inspect(t, name)["Id"].(string)
		}
	}
	return out
}

const project = `
services:
  web:
    image: %[1]s
    depends_on: [db]
    networks: {front: {aliases: [api]}, back: {}}
    configs:
      - {source: app, target: /etc/app/deep/app.conf, uid: "7", gid: "8", mode: 0440}
      - plain
    secrets: [token]
    volumes: [data:/data, /anonymous]
    labels: {mine: "1"}
  db:
    image: %[1]s
    networks: [back]
networks: {front: {}, back: {}}
volumes: {data: {}}
configs:
  app: {content: "answer: 42"}
  plain: {content: "as it is"}
secrets:
  token: {environment: TOKEN}
`

// What Compose made is Compose's still after an update: nothing to recreate,
// and what it copied into the containers is there.
func TestComposeFindsNothingToDoAfterAnUpdate(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "composed:1", enginehost.Image{})
	c := compose(t, host, "composed", fmt.Sprintf(project, ref))
	first := c.ids(t)
	require.Len(t, first, 2)
	host.Exec(t, "composed-web-1", "sh", "-c", "echo named > /data/file; echo nameless > /anonymous/file; echo scratch > /tmp/written")
	look := func() string {
		return host.Exec(t, "composed-web-1", "sh", "-c",
			"cat /etc/app/deep/app.conf; echo; set -- $(ls -ln /etc/app/deep/app.conf); echo $1 $3 $4; cat /plain; echo; cat /run/secrets/token; echo; cat /data/file /anonymous/file")
	}
	before := look()
	assert.Contains(t, before, "answer: 42")
	assert.Contains(t, before, "hidden")
	c.run(t, "up", "-d")
	require.Equal(t, first, c.ids(t), "nothing to do before the update")

	var second map[string]string
	for _, version := range []string{"2", "3"} {
		reg.Push(t, "composed:1", enginehost.Image{Env: []string{"VERSION=" + version}})
		r := update(t, tower(t, host, []string{"composed-.*"}, quick()))
		require.NoError(t, r.Err())
		require.Equal(t, 2, r.Count(watchtower.StatusUpdated), r.Summary())
		second = c.ids(t)
		assert.NotEqual(t, first, second)
		assert.Equal(t, version, host.Exec(t, "composed-web-1", "sh", "-c", "echo $VERSION"))
		assert.Equal(t, before, look())
	}
	assert.NotContains(t, host.Exec(t, "composed-web-1", "ls", "/tmp"), "written", "what was written at run time is not carried")

	for _, args := range [][]string{{"up", "-d"}, {"up", "-d", "--pull", "always"}} {
		out := c.run(t, args...)
		assert.Equal(t, second, c.ids(t), "compose %s: %s", strings.Join(args, " "), out)
		assert.NotContains(t, out, "Recreate")
	}
	assert.Equal(t, before, look())
}

func TestComposeFilesThatCannotBeCarriedRefuseTheUpdate(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "laden:1", enginehost.Image{})
	file := "services: {web: {image: %q, labels: {%s: %q}, configs: [big]}}\nconfigs: {big: {content: %q}}\n"
	big := strings.Repeat("0123456789abcdef", 70000)
	c := compose(t, host, "laden", fmt.Sprintf(file, ref, lifecycle.LabelDropFiles, "false", big))
	first := c.ids(t)
	reg.Push(t, "laden:1", enginehost.Image{Env: []string{"VERSION=2"}})
	e := entry(t, update(t, tower(t, host, []string{"laden-web-1"}, quick())), "laden-web-1")
	assert.Equal(t, watchtower.StatusSkipped, e.Status)
	assert.Contains(t, e.Reason, "/big makes it more than 1048576 bytes")
	assert.Contains(t, e.Reason, lifecycle.LabelDropFiles+"=true")
	assert.Equal(t, first, c.ids(t))

	c.write(t, fmt.Sprintf(file, ref, lifecycle.LabelDropFiles, "true", big))
	c.run(t, "up", "-d")
	reg.Push(t, "laden:1", enginehost.Image{Env: []string{"VERSION=3"}})
	e = entry(t, update(t, tower(t, host, []string{"laden-web-1"}, quick())), "laden-web-1")
	require.NoError(t, e.Err)
	assert.Equal(t, "3.", host.Exec(t, "laden-web-1", "sh", "-c", `echo "$VERSION.$(ls /big 2>/dev/null)"`))
}
