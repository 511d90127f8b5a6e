package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "ssh" {
		os.Exit(sshStandIn())
	}
	if os.Getenv("RUN_MAIN") == "1" {
		main()
	}
	os.Exit(enginehost.Run(m))
}

// sshStandIn is this test binary in ssh's place: it hands the connection on to the socket
// that FAKE_SSH names.
func sshStandIn() int {
	conn, err := net.Dial("unix", os.Getenv("FAKE_SSH"))
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 255
	}
	go func() { _, _ = io.Copy(conn, os.Stdin) }()
	_, _ = io.Copy(os.Stdout, conn)
	return 0
}

type object = enginehost.Object

// process is the program as its users run it.
type process struct {
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr syncBuffer
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start runs the program with nothing in its environment but what is given.
func start(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	p := &process{cmd: exec.CommandContext(t.Context(), self, args...)}
	// The race detector would have it sleep for a second at its end.
	p.cmd.Env = append([]string{"RUN_MAIN=1", "GORACE=atexit_sleep_ms=0", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// wait returns the exit code.
func (p *process) wait(t testing.TB) int {
	t.Helper()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return p.cmd.ProcessState.ExitCode()
}

func runProgram(t testing.TB, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := start(t, env, args...)
	code = p.wait(t)
	return code, p.stdout.String(), p.stderr.String()
}

func engineEnv(host *enginehost.Host, more ...string) []string {
	return append([]string{"DOCKER_HOST=" + host.Address}, more...)
}

func TestRunOnce(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "once:1", enginehost.Image{})
	host.Pull(t, ref, "")
	old := host.Run(t, "once", object{"Image": ref})
	env := engineEnv(host, "WATCHTOWER_RUN_ONCE=true", "WATCHTOWER_NONSENSE=1")

	code, stdout, stderr := runProgram(t, env, "once", "twice", "-P", "v1")
	assert.Equal(t, exitOK, code, stderr)
	assert.Equal(t, "once ("+ref+"): Fresh\n", stdout)
	assert.Contains(t, stderr, "scanned=1 updated=0 failed=0 skipped=0 rolled_back=0")
	assert.Contains(t, stderr, `msg="no container has this name" name=twice`)
	assert.Contains(t, stderr, "variable=WATCHTOWER_NONSENSE")

	reg.Push(t, "once:1", enginehost.Image{Env: []string{"VERSION=2"}})
	code, stdout, stderr = runProgram(t, env, "check", "once")
	assert.Equal(t, exitOK, code, stderr)
	assert.Regexp(t, `once +`+ref+` +stale +would be replaced: now at sha256:`, stdout)
	code, stdout, _ = runProgram(t, env, "check", "once", "--json")
	assert.Equal(t, exitOK, code)
	var report struct {
		Containers []struct{ Name, Status, Image string }
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	assert.Equal(t, "stale", report.Containers[0].Status)
	assert.Equal(t, old, host.Inspect(t, "once")["Id"], "a check touches nothing")

	code, _, stderr = runProgram(t, env, "once")
	assert.Equal(t, exitOK, code, stderr)
	assert.Regexp(t, `level=info msg=updated container=once image=`+ref, stderr)
	assert.Contains(t, stderr, "updated=1")

	reg.Push(t, "once:1", enginehost.Image{Cmd: []string{"sh", "-c", "echo out of order; exit 3"}})
	running := host.Inspect(t, "once")["Id"]
	code, _, stderr = runProgram(t, env, "once")
	assert.Equal(t, exitFailed, code)
	assert.Regexp(t, `level=error msg="rolled back" container=once .*exit code 3.* output="out of order"`, stderr)
	assert.Contains(t, stderr, "rolled_back=1")

	reg.Push(t, "once:1", enginehost.Image{Env: []string{"VERSION=3"}})
	env = append(env, "WATCHTOWER_PROBE=exec:echo no disk; exit 1", "WATCHTOWER_PROBE_TIMEOUT=1")
	code, _, stderr = runProgram(t, env, "once")
	assert.Equal(t, exitFailed, code)
	assert.Regexp(t, `level=error msg="rolled back" container=once .*probe="exit code 1: no disk"`, stderr)
	assert.Contains(t, stderr, "(tried for 1s)")
	assert.Equal(t, running, host.Inspect(t, "once")["Id"])
}

func TestVersionsAndAnAudit(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	says := func(version string) map[string]string {
		return map[string]string{"org.opencontainers.image.version": version, "org.opencontainers.image.source": "https://me:secret@example.com/app"}
	}
	ref, _ := reg.Push(t, "versions:1", enginehost.Image{Labels: says("1.4.2")})
	host.Pull(t, ref, "")
	host.Run(t, "versions", object{"Image": ref})
	reg.Push(t, "versions:1", enginehost.Image{Labels: says("1.5.0"), Env: []string{"VERSION=2"}})
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	env := engineEnv(host, "WATCHTOWER_RUN_ONCE=true", "WATCHTOWER_AUDIT_LOG="+path)

	code, stdout, stderr := runProgram(t, env, "check", "versions")
	assert.Equal(t, exitOK, code, stderr)
	t.Logf("\n%s", stdout)
	assert.Regexp(t, `CONTAINER +IMAGE +VERSION +STATUS +WHY`, stdout)
	const change = `1\.4\.2 -> 1\.5\.0 \(https://example\.com/app\)\n`
	assert.Regexp(t, `versions +`+ref+` +1\.4\.2 +stale +would be replaced: `+change, stdout)
	assert.Regexp(t, `replace versions: its reference points at another image: `+change, stdout)

	code, _, stderr = runProgram(t, env, "versions")
	assert.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stderr, `change="1.4.2 -> 1.5.0 (https://example.com/app)"`)
	audit, err := os.ReadFile(path)
	require.NoError(t, err)
	t.Logf("\n%s", audit)
	assert.NotContains(t, string(audit)+stdout+stderr, "secret")
	var actions []string
	for line := range strings.Lines(string(audit)) {
		var l struct {
			Time                     time.Time
			Event, Container, Action string
		}
		require.NoError(t, json.Unmarshal([]byte(line), &l), line)
		assert.NotZero(t, l.Time)
		actions = append(actions, l.Event+" "+l.Action)
	}
	assert.Equal(t, []string{"pull ", "step create", "step rename", "step stop", "step start", "step verify", "step remove", "updated "}, actions)
}

func TestBadInputTouchesNothing(t *testing.T) {
	host := enginehost.Engine(t)
	config := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(config, "config.json"), []byte(`{"auths":`), 0o600))
	tests := []struct {
		name string
		env  []string
		args []string
		want []string
	}{
		{"interval", []string{"WATCHTOWER_POLL_INTERVAL=abc"}, nil, []string{
			`watchtower: WATCHTOWER_POLL_INTERVAL: "abc": want a whole number of seconds or a duration (90s, 12h), at least 1 second`,
		}},
		{"interval of nothing", []string{"WATCHTOWER_POLL_INTERVAL=0"}, nil, []string{`WATCHTOWER_POLL_INTERVAL: "0": want`}},
		{"timeout", []string{"WATCHTOWER_TIMEOUT=-1"}, nil, []string{
			`watchtower: WATCHTOWER_TIMEOUT: "-1": want seconds (30) or a duration (1m30s), 0 or more`,
		}},
		{"level", []string{"WATCHTOWER_LOG_LEVEL=loud"}, nil, []string{
			`watchtower: WATCHTOWER_LOG_LEVEL: "loud": want panic, fatal, error, warn, info, debug or trace`,
		}},
		{"all at once", []string{"WATCHTOWER_CLEANUP=yes", "WATCHTOWER_LABEL_ENABLE=maybe"}, []string{"--interval", "x"}, []string{
			`WATCHTOWER_CLEANUP: "yes": want true or false`, `WATCHTOWER_LABEL_ENABLE: "maybe": want true or false`, `--interval: "x": want`,
		}},
		{"config.json", []string{"DOCKER_CONFIG=" + config}, nil, []string{filepath.Join(config, "config.json")}},
		{"its directory", []string{"DOCKER_CONFIG=" + filepath.Join(config, "config.json")}, nil, []string{
			"watchtower: credentials: DOCKER_CONFIG: ", "want the directory that holds config.json",
		}},
		{"a login given twice", []string{"REPO_USER=user", "REPO_PASS=canary", "REPO_PASS_FILE=/nowhere"}, nil, []string{
			"watchtower: credentials: REPO_PASS and REPO_PASS_FILE are both set: want one of them",
		}},
		{"a login's file", []string{"REPO_USER_FILE=/nowhere", "REPO_PASS=canary"}, nil, []string{
			"watchtower: credentials: read REPO_USER_FILE (/nowhere): no such file or directory",
		}},
		{"name", nil, []string{"web("}, []string{`"web("`}},
		{"flag", nil, []string{"--frobnicate"}, []string{"unknown flag: --frobnicate"}},
		{"engine's scheme", nil, []string{"--host", "gopher://x"}, []string{"gopher://x", "unix:///path"}},
		{"certificates", nil, []string{"--host=tcp://127.0.0.1:1", "--tlsverify"}, []string{"/.docker/ca.pem"}},
		{"engine's version", []string{"DOCKER_API_VERSION=two"}, nil, []string{"DOCKER_API_VERSION", `"two"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := runProgram(t, append(engineEnv(host), tt.env...), append([]string{"--run-once"}, tt.args...)...)
			assert.Equal(t, exitFailed, code)
			assert.Empty(t, stdout)
			for _, want := range tt.want {
				assert.Contains(t, stderr, want)
			}
			assert.LessOrEqual(t, strings.Count(stderr, "\n"), 3, "a line for each: %s", stderr)
		})
	}
}

func TestAnEngineThatIsNotThere(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	for name, address := range map[string]string{
		"no socket":     "unix:///nowhere/docker.sock",
		"refuses":       "tcp://" + closed.Addr().String(),
		"never answers": "tcp://" + silent.Addr().String(),
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			code, _, stderr := runProgram(t, []string{"DOCKER_HOST=" + address}, "--run-once")
			assert.Equal(t, exitFailed, code)
			assert.Contains(t, stderr, address)
			assert.Less(t, time.Since(begin), 10*time.Second)
			t.Log(strings.TrimSpace(stderr))
		})
	}
}

// A signal in mid-swap: the swap is finished or undone, one container is left
// under the name, and the program says 0.
func TestASignalInMidSwap(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	for i, at := range []string{"found new image", "msg=stop", "msg=start", "msg=verify"} {
		signal := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}[i%2]
		t.Run(fmt.Sprint(at, " ", signal), func(t *testing.T) {
			name := "signal-" + regexp.MustCompile(`\W`).ReplaceAllString(at, "")
			ref, _ := reg.Push(t, name+":1", enginehost.Image{})
			host.Pull(t, ref, "")
			host.Run(t, name, object{"Image": ref})
			reg.Push(t, name+":1", enginehost.Image{Env: []string{"VERSION=2"}})
			p := start(t, engineEnv(host, "WATCHTOWER_DEBUG=1", "WATCHTOWER_UPDATE_ON_START=1"), name)
			require.Eventually(t, func() bool { return strings.Contains(p.stderr.String(), at) }, 20*time.Second, time.Millisecond)
			require.NoError(t, p.cmd.Process.Signal(signal))
			require.NoError(t, p.cmd.Process.Signal(signal))
			assert.Equal(t, exitOK, p.wait(t), p.stderr.String())
			var left []string
			for _, c := range host.List(t) {
				if strings.HasPrefix(c, name) {
					left = append(left, c)
				}
			}
			assert.Equal(t, []string{name}, left, p.stderr.String())
			assert.Equal(t, true, host.Inspect(t, name)["State"].(object)["Running"])
		})
	}
}

func TestNoSecretIsShownAtAnyLevel(t *testing.T) {
	host := enginehost.Engine(t)
	for kind, with := range map[string]func(testing.TB, string, string) enginehost.RegistryOption{
		"basic": enginehost.WithBasicAuth, "token": enginehost.WithTokenAuth,
	} {
		for login, password := range map[string]string{"right": "canary", "wrong": "wrong-canary"} {
			t.Run(kind+" "+login, func(t *testing.T) {
				reg := enginehost.StartRegistry(t, with(t, "user", "canary"))
				name := "secret-" + kind + "-" + login
				ref, _ := reg.Push(t, name+":1", enginehost.Image{})
				host.Pull(t, ref, base64.URLEncoding.EncodeToString([]byte(`{"username":"user","password":"canary"}`)))
				host.Run(t, name, object{"Image": ref})
				reg.Push(t, name+":1", enginehost.Image{Env: []string{"VERSION=2"}})
				config := t.TempDir()
				auth := base64.StdEncoding.EncodeToString([]byte("user:" + password))
				require.NoError(t, os.WriteFile(filepath.Join(config, "config.json"),
					fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, reg.Addr, auth), 0o600))
				code, stdout, stderr := runProgram(t, engineEnv(host, "DOCKER_CONFIG="+config, "WATCHTOWER_TRACE=1"), "--run-once", name)
				assert.Equal(t, login == "wrong", code != exitOK, stderr)
				text := stdout + stderr
				assert.Contains(t, text, "registry request")
				for _, secret := range []string{"canary", auth, "Bearer", "eyJ"} {
					assert.NotContains(t, text, secret)
				}
			})
		}
	}
}
