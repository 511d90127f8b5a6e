package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// decision is a thing in which the original program and its fork differ, or in which
// both were wrong, how it is here, and what shows that.
type decision struct {
	rule  string
	shown []proof
}

// proof shows a decision, or a part of one, and logs what is seen of it.
type proof interface {
	show(t *testing.T, tn *town)
}

// looks are proofs that change nothing: a command, its exit code, and lines that are
// among what it prints.
type looks struct {
	env   string // variables, split by semicolons
	args  []string
	code  int
	want  []string // patterns
	never []string
}

func args(words ...string) []string { return words }

// elsewhere is a test that shows it, for what it takes more than a command.
type elsewhere struct{ directory, test string }

// town is what the decisions are shown on: an engine with containers of many kinds,
// and a registry on which their image has moved.
type town struct {
	host *enginehost.Host
	reg  *enginehost.Registry
	// guarded wants a login, the user's canary.
	guarded *enginehost.Registry
	// dir is DIR in variables: broken/ has a config.json that is cut off, right/ and
	// wrong/ one with a login for the guarded registry; token holds a secret.
	dir string
}

// own are labels of ours.
func own(pairs ...string) object {
	out := object{}
	for pair := range slices.Chunk(pairs, 2) {
		out[labelPrefix+"."+pair[0]] = pair[1]
	}
	return out
}

func newTown(t *testing.T) *town {
	t.Helper()
	tn := &town{
		host: enginehost.Engine(t), reg: enginehost.StartRegistry(t),
		guarded: enginehost.StartRegistry(t, enginehost.WithBasicAuth(t, "user", "canary")), dir: t.TempDir(),
	}
	ref, digest := tn.reg.Push(t, "town:1", enginehost.Image{})
	tn.host.Pull(t, ref, "")
	pinned := strings.TrimSuffix(ref, ":1") + "@" + digest
	tn.host.Pull(t, pinned, "")
	still, _ := tn.reg.Push(t, "still:1", enginehost.Image{})
	tn.host.Pull(t, still, "")
	quick := object{"NetworkMode": "none"} // to start
	for _, c := range []struct {
		name, image  string
		labels, host object
	}{
		{"t-app", ref, nil, nil},
		{"t-app1", ref, nil, nil},
		{"t-web", ref, nil, nil},
		{"t-scoped", ref, own("scope", "x"), nil},
		{"t-off", ref, own("enable", "false"), nil},
		{"t-seen", ref, own("monitor-only", "true"), nil},
		{"t-pinned", pinned, nil, nil},
		{"t-db", ref, object{"com.docker.compose.project": "p", "com.docker.compose.service": "db"}, object{"NetworkMode": "bridge"}},
		{"t-label", still, own("depends-on", "t-db", "enable", "false"), nil},
		{"t-link", still, nil, object{"Links": []string{"t-db:upstream"}}},
		{"t-net", still, own("scope", "y"), object{"NetworkMode": "container:t-db"}},
		{"t-volumes", still, own("monitor-only", "true"), object{"VolumesFrom": []string{"t-db"}}},
		{"t-restart", still, object{"com.docker.compose.project": "p", "com.docker.compose.service": "r", "com.docker.compose.depends_on": "db:service_started:true"}, nil},
		{"t-order", still, object{"com.docker.compose.project": "p", "com.docker.compose.service": "o", "com.docker.compose.depends_on": "db:service_started:false"}, nil},
	} {
		if c.host == nil {
			c.host = quick
		}
		tn.host.Run(t, c.name, object{"Image": c.image, "Labels": c.labels, "HostConfig": c.host})
	}
	tn.reg.Push(t, "town:1", enginehost.Image{Env: []string{"VERSION=2"}})
	writeConfig(t, filepath.Join(tn.dir, "broken"), `{"auths":`)
	for name, password := range map[string]string{"right": "canary", "wrong": "wrong-canary"} {
		writeConfig(t, filepath.Join(tn.dir, name), fmt.Sprintf(`{"auths":{%q:{"username":"user","password":%q}}}`, tn.guarded.Addr, password))
	}
	require.NoError(t, os.WriteFile(filepath.Join(tn.dir, "token"), []byte("canary\n"), 0o600))
	return tn
}

// writeConfig puts a config.json in place as `docker login` does.
func writeConfig(t *testing.T, directory, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(directory, 0o700))
	path := filepath.Join(directory, "config.json")
	require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

// containers are the town's, by ID, and the state each is in.
func (tn *town) containers(t *testing.T) map[string]string {
	t.Helper()
	var list []struct {
		Id    string //nolint:revive // the engine's spelling
		Names []string
		State string
	}
	tn.host.API(t, http.MethodGet, "/containers/json?all=1", nil, &list)
	out := map[string]string{}
	for _, c := range list {
		if slices.ContainsFunc(c.Names, func(name string) bool { return strings.HasPrefix(name, "/t-") }) {
			out[c.Id] = c.State
		}
	}
	return out
}

func (l looks) show(t *testing.T, tn *town) {
	t.Helper()
	before := tn.containers(t)
	var env []string
	if l.env != "" {
		env = strings.Split(strings.ReplaceAll(l.env, "DIR", tn.dir), ";")
	}
	code, stdout, stderr := runProgram(t, engineEnv(tn.host, env...), l.args...)
	said(t, env, l.args, code, l.code, stdout+stderr, l.want...)
	for _, never := range l.never {
		assert.NotRegexp(t, never, stdout+stderr)
	}
	assert.Equal(t, before, tn.containers(t), "nothing was touched")
}

// said logs a command, how it ended, and the line for each of the patterns.
func said(t *testing.T, env, args []string, got, code int, out string, want ...string) {
	t.Helper()
	assert.Equal(t, code, got, out)
	words := slices.Concat(env, []string{"watchtower"}, args)
	for i, word := range words {
		if strings.ContainsAny(word, " *|(") {
			words[i] = "'" + word + "'"
		}
	}
	t.Logf("$ %s -> exit %d", strings.Join(words, " "), got)
	for _, pattern := range want {
		line := regexp.MustCompile(`(?m)^.*` + pattern + `.*$`).FindString(out)
		assert.NotEmpty(t, line, "want %q in:\n%s", pattern, out)
		line = regexp.MustCompile(`(sha256:\w{6})\w{58}`).ReplaceAllString(line, "$1…") // for the eye
		t.Log("    " + strings.Join(strings.Fields(line), " "))
	}
}

func (e elsewhere) show(t *testing.T, _ *town) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", e.directory, "*_test.go"))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.Contains(string(text), "\nfunc "+e.test+"(t *testing.T)") {
			t.Logf("go test -v -run '^%s$' ./%s", e.test, e.directory)
			return
		}
	}
	t.Errorf("there is no %s in %s", e.test, e.directory)
}

// does is a proof that changes something, or takes its time.
type does func(t *testing.T, tn *town)

func (d does) show(t *testing.T, tn *town) { t.Helper(); d(t, tn) }

// TestDecisions is the table of decisions: with -v each is there, with the command and
// the output that prove it.
func TestDecisions(t *testing.T) {
	tn := newTown(t)
	for _, d := range decisions() {
		require.NotEmpty(t, d.shown, d.rule)
		t.Run(d.rule, func(t *testing.T) {
			for _, p := range d.shown {
				p.show(t, tn)
			}
		})
	}
}
