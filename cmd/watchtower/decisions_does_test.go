package main

import (
	"encoding/base64"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

func pinnedAsksNobody(t *testing.T, tn *town) {
	t.Helper()
	tn.reg.Requests()
	looks{args: args("check", "t-pinned"), want: args("^t-pinned" + out + "+pinned to a digest")}.show(t, tn)
	assert.Empty(t, tn.reg.Requests())
	t.Log("    requests to the registry: 0")
}

func monitorOnlyPullsNothing(t *testing.T, tn *town) {
	t.Helper()
	tn.reg.Requests()
	front := enginehost.NewFront(t, tn.host.Address, nil)
	looks{env: "DOCKER_HOST=" + front.Address, args: args("--run-once", "t-seen"), want: args(`msg="update done" scanned=1 updated=0 failed=0`)}.show(t, tn)
	asked := front.Requests()
	assert.NotEmpty(t, asked)
	for _, request := range asked {
		assert.Regexp(t, "^(GET|HEAD) ", request, "what the engine is asked")
	}
	t.Log("    requests to the engine: only GET and HEAD; to the registry: " + strings.Join(tn.reg.Requests(), ", "))
}

// until waits for the text in the log.
func (p *process) until(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(p.stderr.String(), text) }, 20*time.Second, 5*time.Millisecond, "%s in %s", text, &p.stderr)
}

// end ends the program by a signal, and shows what it said.
func (p *process) end(t *testing.T, sig os.Signal, env, args []string, code int, want ...string) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(sig))
	got := p.wait(t)
	said(t, env, args, got, code, p.stderr.String(), want...)
}

func nextPasses(t *testing.T, tn *town) {
	t.Helper()
	for _, tt := range []struct{ spec, want string }{
		{"30 4 * * *", `T04:30:00`},
		{"30 0 4 * * *", `T04:00:30`},
		{"@daily", `T00:00:00`},
		{"@every 90m", ``},
		{"TZ=Asia/Tokyo 0 4 * * *", `T04:00:00\+09:00`},
	} {
		env := args("TZ=Europe/Paris", "WATCHTOWER_SCHEDULE="+tt.spec)
		p := start(t, engineEnv(tn.host, env...), "nobody")
		p.until(t, "next pass")
		p.end(t, os.Interrupt, env, args("nobody"), exitOK, `msg="next pass" at=\S+`+tt.want)
	}
}

func howContainersAreStopped(t *testing.T, tn *town) {
	t.Helper()
	ref, _ := tn.reg.Push(t, "stop:1", enginehost.Image{StopSignal: "SIGINT"})
	tn.host.Pull(t, ref, "")
	notes := args("sh", "-c", `for s in TERM INT QUIT USR1; do trap "echo $s >/seen/signal; exit 0" $s; done; while :; do sleep 1000 & wait $!; done`)
	deaf := args("sh", "-c", `trap "" TERM; while :; do sleep 1; done`)
	signals := []struct {
		name, want string
		more       object
	}{
		{"s-label", "USR1", object{"StopSignal": "SIGQUIT", "Labels": own("stop-signal", "SIGUSR1")}},
		{"s-own", "QUIT", object{"StopSignal": "SIGQUIT"}},
		{"s-image", "INT", nil},
		{"s-term", "TERM", object{"StopSignal": "SIGTERM"}},
	}
	for _, c := range signals {
		tn.host.Volume(t, c.name)
		body := object{"Image": ref, "Cmd": notes, "HostConfig": object{"Binds": args(c.name + ":/seen"), "NetworkMode": "none"}}
		maps.Copy(body, c.more)
		tn.host.Run(t, c.name, body)
	}
	tn.host.Run(t, "s-long", object{"Image": ref, "Cmd": deaf, "StopSignal": "SIGTERM", "StopTimeout": 60})
	tn.host.Run(t, "d-short", object{"Image": ref, "Cmd": deaf, "StopSignal": "SIGTERM", "StopTimeout": 1})
	tn.reg.Push(t, "stop:1", enginehost.Image{StopSignal: "SIGINT", Env: args("VERSION=2")})

	stop := func(env []string, name, want string, within time.Duration) {
		t.Helper()
		begin := time.Now()
		code, stdout, stderr := runProgram(t, engineEnv(tn.host, env...), "--run-once", name)
		took := time.Since(begin)
		said(t, env, args("--run-once", name), code, exitOK, stdout+stderr, want)
		assert.Less(t, took, within)
	}
	stop(args("WATCHTOWER_STABLE_TIME=100ms", "WATCHTOWER_TIMEOUT=1"), "s-.*", "updated=5 failed=0 .*", 45*time.Second)
	for _, c := range signals {
		got := tn.host.Exec(t, c.name, "cat", "/seen/signal")
		assert.Equal(t, c.want, got, c.name)
		t.Logf("    %s, of the image's SIGINT and with %v of its own, got SIG%s", c.name, c.more, got)
	}
	t.Log("    s-long ignores signals, has 60 s of its own, and was killed after the setting's one")
	stop(args("WATCHTOWER_STABLE_TIME=100ms"), "d-short", "updated=1 failed=0 .*", 9*time.Second) // the default is 10
	t.Log("    d-short ignores signals, and was killed after its own one second, with no setting given")
}

func noRestart(t *testing.T, tn *town) {
	t.Helper()
	ref, _ := tn.reg.Push(t, "norestart:1", enginehost.Image{})
	tn.host.Pull(t, ref, "")
	old := tn.host.Run(t, "n-app", object{"Image": ref})
	tn.reg.Push(t, "norestart:1", enginehost.Image{Env: []string{"VERSION=2"}})
	words := args("--run-once", "--no-restart", "n-app")
	code, stdout, stderr := runProgram(t, engineEnv(tn.host), words...)
	said(t, nil, words, code, exitOK, stdout+stderr, "msg=updated container=n-app image="+ref)
	c := tn.host.Inspect(t, "n-app")
	assert.NotEqual(t, old, c["Id"])
	assert.Equal(t, "created", c["State"].(object)["Status"])
	assert.Contains(t, c["Config"].(object)["Env"], "VERSION=2")
	assert.Equal(t, http.StatusNotFound, tn.host.Status(t, http.MethodGet, "/containers/"+old+"/json", nil))
	t.Logf("    n-app is %s, of the new image; the old one is removed", c["State"].(object)["Status"])
}

// What is paused is left alone unless a setting lets it in, and stays paused.
func TestPausedContainersAreLetIn(t *testing.T) {
	host, reg := enginehost.Engine(t), enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "paused:1", enginehost.Image{})
	host.Pull(t, ref, "")
	old := host.Run(t, "p-app", object{"Image": ref})
	host.API(t, http.MethodPost, "/containers/p-app/pause", nil, nil)
	reg.Push(t, "paused:1", enginehost.Image{Env: []string{"VERSION=2"}})
	for _, tt := range []struct {
		args, want []string
		same       bool
	}{
		{args("--run-once", "p-app"), args("updated=0 failed=0"), true},
		{args("--run-once", "--include-paused", "p-app"), args("updated=1 failed=0"), false},
	} {
		code, stdout, stderr := runProgram(t, engineEnv(host, "WATCHTOWER_STABLE_TIME=100ms"), tt.args...)
		said(t, nil, tt.args, code, exitOK, stdout+stderr, tt.want...)
		c := host.Inspect(t, "p-app")
		assert.Equal(t, tt.same, old == c["Id"])
		assert.Equal(t, "paused", c["State"].(object)["Status"])
	}
}

func overHTTP(t *testing.T, tn *town) {
	t.Helper()
	s := serving(t, engineEnv(tn.host, "WATCHTOWER_HTTP_API_ENDPOINTS=all", "WATCHTOWER_MONITOR_ONLY=1"), "t-app")
	show := func(r reply, method, path string, want ...string) {
		t.Logf("$ curl -X %s %s -> %d", method, path, r.code)
		for _, w := range want {
			line := regexp.MustCompile("(?m)^.*" + w + ".*$").FindString(r.text)
			assert.NotEmpty(t, line, "want %q in:\n%s", w, r.text)
			t.Log("    " + strings.TrimSpace(line))
		}
	}
	for _, method := range args(http.MethodPost, http.MethodGet) {
		r := s.call(t, method, "/v1/update", apiToken, "")
		assert.Equal(t, http.StatusOK, r.code, r.text)
		show(r, method, "/v1/update", `"scanned": ?1`, `"updated": ?0`)
	}
	show(s.call(t, http.MethodGet, "/v1/metrics", apiToken, ""), http.MethodGet, "/v1/metrics",
		"^watchtower_containers_updated 0$", "^watchtower_scans_skipped(_total)? 0$", "^watchtower_scans_skipped_total 0$")
	s.end(t, os.Interrupt, nil, args("t-app"), exitOK)
}

func rollingStops(t *testing.T, tn *town) {
	t.Helper()
	ref, _ := tn.reg.Push(t, "rolling:1", enginehost.Image{})
	tn.host.Pull(t, ref, "")
	first := tn.host.Run(t, "r-1", object{"Image": ref})
	second := tn.host.Run(t, "r-2", object{"Image": ref})
	tn.reg.Push(t, "rolling:1", enginehost.Image{Cmd: args("sh", "-c", "exit 3")})
	words := args("--run-once", "--rolling-restart", "--porcelain", "v1", "r-.*")
	code, stdout, stderr := runProgram(t, engineEnv(tn.host), words...)
	said(t, nil, words, code, exitFailed, stdout+stderr, `^r-1 \S+: Failed`, `^r-2 \S+: Skipped`, `rolled_back=1`)
	assert.Equal(t, []any{first, second}, []any{tn.host.Inspect(t, "r-1")["Id"], tn.host.Inspect(t, "r-2")["Id"]})
}

func runOnceTells(t *testing.T, tn *town) {
	t.Helper()
	ref, _ := tn.reg.Push(t, "once:1", enginehost.Image{})
	tn.host.Pull(t, ref, "")
	tn.host.Run(t, "o-app", object{"Image": ref})
	tn.reg.Push(t, "once:1", enginehost.Image{Cmd: args("sh", "-c", "exit 3")})
	words := args("--run-once", "o-app")
	code, stdout, stderr := runProgram(t, engineEnv(tn.host), words...)
	said(t, nil, words, code, exitFailed, stdout+stderr, `msg="rolled back" container=o-app image=\S+ .*exit code 3`)
}

// secret is a container whose image wants a login.
func (tn *town) secret(t *testing.T) (name string) {
	t.Helper()
	ref, _ := tn.guarded.Push(t, "secret:1", enginehost.Image{})
	tn.host.Pull(t, ref, base64.URLEncoding.EncodeToString([]byte(`{"username":"user","password":"canary"}`)))
	tn.host.Run(t, "l-secret", object{"Image": ref})
	return "l-secret"
}

func whoIsShownALogin(t *testing.T, tn *town) {
	t.Helper()
	const (
		login = "REPO_USER=user;REPO_PASS=canary"
		shown = `msg="registry is shown the login that is for whichever needs one" host=`
	)
	words := args("--run-once", "--monitor-only", tn.secret(t), "t-app")
	for _, l := range []looks{
		{env: login, want: args(shown+tn.guarded.Addr, "scanned=2 updated=0 failed=0"), never: args("canary", shown+tn.reg.Addr)},
		{env: login + ";REPO_HOST=" + tn.guarded.Addr, want: args("scanned=2 updated=0 failed=0"), never: args("canary", shown)},
		{env: login + ";REPO_HOST=r.example", code: exitFailed, want: args("401 Unauthorized .no login for it in .*REPO_USER"), never: args("canary", shown)},
		{env: login + ";DOCKER_CONFIG=DIR/wrong", code: exitFailed, want: args("refused a login.*wrong/config.json"), never: args("=canary", shown)},
	} {
		l.args = words
		l.show(t, tn)
	}
}

func signalsEndIt(t *testing.T, tn *town) {
	t.Helper()
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := start(t, engineEnv(tn.host), "nobody")
		p.until(t, "next pass")
		p.end(t, sig, nil, args("nobody"), exitOK, "signal="+sig.String())
	}
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	tn.reg.Break(func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case asked <- struct{}{}:
		default:
		}
		select {
		case <-answer:
		case <-r.Context().Done():
		}
		return false
	})
	defer tn.reg.Break(nil)
	defer close(answer)
	p := start(t, engineEnv(tn.host), "--run-once", "t-app")
	<-asked
	p.end(t, syscall.SIGTERM, nil, args("--run-once", "t-app"), exitFailed, "signal=terminated")
}

func apiVersions(t *testing.T, tn *town) {
	t.Helper()
	paths := map[string]bool{}
	front := enginehost.NewFront(t, tn.host.Address, func(_, path string) bool {
		paths[strings.Split(path+"//", "/")[1]] = true
		return true
	})
	given := "1.40"
	if !tn.host.Speaks(given) { // what newer engines speak at the least
		given = "1.44"
	}
	for _, env := range []string{"", ";DOCKER_API_VERSION=" + given} {
		clear(paths)
		looks{env: "DOCKER_HOST=" + front.Address + env, args: args("check", "t-app"), want: args("^t-app" + stale)}.show(t, tn)
		delete(paths, "_ping")
		used := slices.Collect(maps.Keys(paths))
		require.Len(t, used, 1)
		assert.Equal(t, env != "", used[0] == "v"+given)
		t.Log("    the engine was asked by API " + used[0])
	}
}

func quietStart(t *testing.T, tn *town) {
	t.Helper()
	for _, env := range [][]string{{"WATCHTOWER_UPDATE_ON_START=1"}, {"WATCHTOWER_NO_STARTUP_MESSAGE=1", "WATCHTOWER_UPDATE_ON_START=1"}} {
		p := start(t, engineEnv(tn.host, env...), "nobody")
		p.until(t, "scanned=0")
		p.end(t, os.Interrupt, env, args("nobody"), exitOK, `level=info`)
		assert.Equal(t, len(env) == 1, strings.Contains(p.stderr.String(), "msg=watching"))
	}
}

func engineGoesAndComesBack(t *testing.T, tn *town) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "docker.sock")
	env := args("DOCKER_HOST=unix://"+socket, "WATCHTOWER_POLL_INTERVAL=1")
	p := start(t, env, "nobody")
	p.until(t, "update failed")
	require.NoError(t, os.Symlink(strings.TrimPrefix(tn.host.Address, "unix://"), socket))
	p.until(t, "scanned=0")
	p.end(t, os.Interrupt, env, args("nobody"), exitOK, `level=error .*no engine at unix://`+socket+`.* retry=`, "scanned=0")
	assert.Equal(t, 1, strings.Count(p.stderr.String(), "level=error"), "said once: %s", &p.stderr)
}

func configBreaksLater(t *testing.T, tn *town) {
	t.Helper()
	directory := filepath.Join(tn.dir, "right")
	env := args("DOCKER_CONFIG="+directory, "WATCHTOWER_POLL_INTERVAL=1", "WATCHTOWER_MONITOR_ONLY=1")
	name := tn.secret(t)
	p := start(t, engineEnv(tn.host, env...), name)
	p.until(t, "scanned=1")
	writeConfig(t, directory, `{"auths":`)
	p.until(t, "the last good logins stay in force")
	const done = "scanned=1 updated=0 failed=0"
	passes := strings.Count(p.stderr.String(), done)
	require.Eventually(t, func() bool { return strings.Count(p.stderr.String(), done) > passes+1 }, 20*time.Second, 5*time.Millisecond)
	p.end(t, os.Interrupt, env, args(name), exitOK, `level=warn msg="the last good logins stay in force" err=.*config.json`)
	assert.Equal(t, 1, strings.Count(p.stderr.String(), "stay in force"), "once: %s", &p.stderr)
}
