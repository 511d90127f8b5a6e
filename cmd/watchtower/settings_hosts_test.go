package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func TestHostsHaveNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]namedHost{
		"tcp://10.0.0.5:2376":                  {{"10.0.0.5", "tcp://10.0.0.5:2376"}},
		"ssh://me@nas.lan:22, unix:///v/d.s":   {{"nas.lan", "ssh://me@nas.lan:22"}, {"local", "unix:///v/d.s"}},
		"a=unix:///a.sock,b=unix:///b.sock":    {{"a", "unix:///a.sock"}, {"b", "unix:///b.sock"}},
		"a=http://proxy:2375\nhttps://b.ex/de": {{"a", "http://proxy:2375"}, {"b.ex", "https://b.ex/de"}},
	} {
		var got []namedHost
		require.NoError(t, hosts(&got).set(text), text)
		assert.Equal(t, want, got)
	}
}

func TestAListOfHostsThatCannotBe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a=":                              `engine 1 of the list: "a": want an address behind the name`,
		"a=tcp://x,nonsense":              `engine 2 of the list: dockerengine: WithHost: "nonsense": want unix:///path`,
		"a b=tcp://x":                     `engine 1 of the list`,
		"a/b=tcp://x":                     `"a/b" is no name`,
		"tcp://[::1]:2376":                `"::1" is no name`,
		"a=tcp://x,a=tcp://y":             `two engines are called "a"`,
		"NAS=tcp://x,nas=tcp://y":         `two engines are called "nas"`,
		"told.json=tcp://x":               `"told.json" is no name`,
		"unix:///a,unix:///b":             `two engines are called "local"`,
		"a=tcp://x,b=tcp://x":             `a and b have the same address`,
		"ssh://user:canary@host":          `engine 1 of the list`,
		"a=tcp://user:canary@host?canary": `engine 1 of the list`,
		"ssh://user:canary,canary@host":   `engine 2 of the list: want an address with its scheme`,
		"a=tcp://u:canary canary@h:1":     `engine 2 of the list: want an address with its scheme`,
	} {
		var errs bytes.Buffer
		opened := func(*session) (fleet, error) { return nil, errors.New("opened") }
		assert.Equal(t, exitFailed, run(nil, &bytes.Buffer{}, &errs, []string{"WATCHTOWER_HOSTS=" + text}, opened))
		assert.Contains(t, errs.String(), "WATCHTOWER_HOSTS: ")
		assert.Contains(t, errs.String(), want)
		assert.NotContains(t, errs.String(), "canary")
	}
}

func TestWhatSeveralHostsDoNotGoWith(t *testing.T) {
	t.Parallel()
	const two = "WATCHTOWER_HOSTS=a=unix:///a,b=unix:///b"
	for want, env := range map[string][]string{
		"DOCKER_HOST and WATCHTOWER_HOSTS: want one of them: the list names all engines": {two, "DOCKER_HOST=unix:///c"},
		"WATCHTOWER_PORCELAIN and WATCHTOWER_HOSTS: want one of them":                    {two, "WATCHTOWER_PORCELAIN=v1"},
	} {
		var errs bytes.Buffer
		opened := func(*session) (fleet, error) { return nil, errors.New("opened") }
		assert.Equal(t, exitFailed, run(nil, &bytes.Buffer{}, &errs, env, opened))
		assert.Contains(t, errs.String(), want)
	}
}

// Each engine has what is its own: certificates, where there are any of its name, and a
// place for what is remembered.
func TestEachHostHasItsOwn(t *testing.T) {
	t.Parallel()
	certs := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(certs, "a"), 0o700))
	s := settings{certPath: certs, tlsVerify: true, stateDir: "/state", given: map[string]string{"hosts": "--hosts"}}
	a, b := s.at(namedHost{"a", "tcp://a"}), s.at(namedHost{"b", "tcp://b"})
	assert.Equal(t, []string{filepath.Join(certs, "a"), certs}, []string{a.certPath, b.certPath})
	assert.Equal(t, []string{"/state/a", "/state/b"}, []string{a.stateDir, b.stateDir})
	assert.Equal(t, []string{"tcp://a", "tcp://b"}, []string{a.host, b.host})
	assert.True(t, a.byFlag("host") && a.byFlag("cert-path") && a.byFlag("tlsverify"), "so that a helper is told")
	assert.Equal(t, s, s.at(namedHost{}), "the one there is has what there is")
	assert.Len(t, s.given, 1)
}

// fleetOf are fakes by the name of their engine.
func fleetOf(fakes ...*fake) opener {
	return func(*session) (fleet, error) {
		var out fleet
		for _, f := range fakes {
			out = append(out, f)
		}
		return out, nil
	}
}

func onNamed(engine string, status watchtower.Status, err error) *fake {
	r := reportOf(status, err)
	r.Engine = engine
	return &fake{report: r}
}

func TestAPassOfSeveralFailsIfOneDoes(t *testing.T) {
	t.Parallel()
	good := func() *fake { return onNamed("a", watchtower.StatusFresh, nil) }
	bad := func() *fake { return onNamed("b", watchtower.StatusFailed, errors.New("broken")) }
	dead := func() *fake { return &fake{err: errors.New("no engine")} }
	for _, command := range []string{"check", "--run-once"} {
		for want, some := range map[int][][]*fake{
			exitOK:     {{good()}, {good(), good()}},
			exitFailed: {{good(), bad()}, {dead(), good()}, {dead(), dead()}},
		} {
			for _, fakes := range some {
				assert.Equal(t, want, run([]string{command}, &bytes.Buffer{}, &bytes.Buffer{}, nil, fleetOf(fakes...)), "%s %v", command, fakes)
			}
		}
	}
}

func TestTheTableHasTheEngineWhereItHasAName(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	dead := &fake{err: errors.New("no engine")}
	run([]string{"check"}, &out, &bytes.Buffer{}, nil, fleetOf(onNamed("b", watchtower.StatusFresh, nil), dead, onNamed("a", watchtower.StatusFresh, nil)))
	assert.Equal(t, `ENGINE  CONTAINER  IMAGE  STATUS  WHY
b       web        nginx  fresh   
a       web        nginx  fresh   

engine=b scanned=1 updated=0 failed=0 skipped=0 rolled_back=0

engine=a scanned=1 updated=0 failed=0 skipped=0 rolled_back=0
`, out.String())
}

// As JSON there is a report after the other, each as its pass ends.
func TestTheJSONOfSeveralIsAStream(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	first := make(chan struct{})
	slow := onNamed("slow", watchtower.StatusFresh, nil)
	slow.during = func(context.Context) { <-first }
	printed := writerFunc(func(text []byte) (int, error) {
		n, err := out.Write(text)
		if !isClosed(first) {
			close(first)
		}
		return n, err
	})
	assert.Equal(t, exitOK, run([]string{"check", "--json"}, printed, &bytes.Buffer{}, nil, fleetOf(slow, onNamed("quick", watchtower.StatusFresh, nil))))
	var engines []string
	for dec := json.NewDecoder(&out); dec.More(); {
		var r watchtower.Report
		require.NoError(t, dec.Decode(&r))
		engines = append(engines, r.Engine)
	}
	assert.Equal(t, []string{"quick", "slow"}, engines)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(text []byte) (int, error) { return f(text) }

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestHealthTellsWhichEngineIsNotThere(t *testing.T) {
	t.Parallel()
	a := healthOfAll([]watchtower.Health{{Engine: "a"}, {Engine: "b", Err: errors.New("no answer within 8s")}, {Engine: "c", Err: errors.New("refused")}})
	assert.Equal(t, "b: no answer within 8s; c: refused", a.Why)
	assert.Empty(t, healthOfAll([]watchtower.Health{{Engine: "a"}, {Engine: "b"}}).Why)

	var out bytes.Buffer
	require.NoError(t, healthy(&out, []healthAnswer{a}), "a restart would end the work on a, and bring back neither")
	assert.Equal(t, "healthy: last pass none, next none; but b: no answer within 8s; c: refused\n", out.String())
	for _, none := range [][]watchtower.Health{{{Err: errors.New("refused")}}, {{Engine: "a", Err: errors.New("refused")}, {Engine: "b", Err: errors.New("refused")}}} {
		require.ErrorContains(t, healthy(&out, []healthAnswer{a, healthOfAll(none)}), "unhealthy: ")
	}
	require.EqualError(t, healthy(&out, nil), "unhealthy: no watchtower of this user runs here")
}

// What a reference leads to on one engine, without a pull, begins no other engine's wait
// anew.
func TestEachEngineHasACooldownOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", t.TempDir()} {
		s := settings{cooldown: time.Hour, stateDir: dir, given: map[string]string{}}
		var engines []watchtower.Gate
		for _, h := range []namedHost{{"a", "unix:///a"}, {"b", "unix:///b"}} {
			_, err := s.stateAt(h)
			require.NoError(t, err)
			gates, err := gatesOf(&session{logger: slog.New(slog.DiscardHandler)}, s.at(h))
			require.NoError(t, err)
			engines = append(engines, gate.All(gates...))
		}
		at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		for pass := range 3 {
			for i, g := range engines {
				image := digest.FromString(string(rune(97 + i))).String()
				d, err := g.Judge(t.Context(), gate.Candidate{Reference: "app:1", Digest: image, At: at.Add(time.Duration(pass) * 40 * time.Minute)})
				require.NoError(t, err)
				assert.Equal(t, pass < 2, d.Reason != "", "pass %d of engine %d: %s", pass, i, d.Reason)
			}
		}
	}
}

func TestHostsAreShownWithoutTheirLogins(t *testing.T) {
	t.Parallel()
	row := setting{flag: "hosts", target: target{kind: kindList}}
	assert.Equal(t, "nas=tcp://10.0.0.5:2376,vps=ssh://***@vps.example,local=unix:///run/docker.sock",
		row.shown("nas=tcp://10.0.0.5:2376, vps=ssh://me:canary@vps.example,local=unix:///run/docker.sock"))
}

// A name that is on one engine is not missed on the others.
func TestANameIsMissedWhereNoEngineHasIt(t *testing.T) {
	t.Parallel()
	names, err := filter.Names("web", "db")
	require.NoError(t, err)
	var told []string
	n := newNameWarner(names, 2, func(name string) { told = append(told, name) })
	ended := func(engine, container string) watchtower.Event {
		return watchtower.PassEnded{Engine: engine, Report: &watchtower.Report{Entries: []watchtower.Entry{{Container: lifecycle.Container{Name: container}}}}}
	}
	n.Observe(t.Context(), ended("a", "web"))
	assert.Empty(t, told, "it may be on b")
	n.Observe(t.Context(), ended("b", "other"))
	assert.Equal(t, []string{"db"}, told)
}

// The passes of two engines go on at the same time: what is told of one is not mixed up
// with the other's, and not lost when that one's ends.
func TestEachEngineIsToldOfOnItsOwn(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	stale := watchtower.Entry{Container: lifecycle.Container{Name: "web", Image: "nginx", State: lifecycle.StateRunning}, Status: watchtower.StatusStale, Latest: "sha256:1"}
	assert.Equal(t, exitOK, run([]string{
		"--run-once", "--hosts=a=unix:///a,b=unix:///b", "--notification-url=logger://", "--notification-log-stdout",
	}, &out, &errs, nil, func(se *session) (fleet, error) {
		require.Len(t, se.observers, 1)
		for _, e := range []watchtower.Event{
			watchtower.PassStarted{Engine: "a"},
			watchtower.UpdateFound{Engine: "a", Entry: stale},
			watchtower.PassStarted{Engine: "b"},
			watchtower.UpdateFound{Engine: "b", Entry: stale},
			watchtower.PassEnded{Engine: "b", Report: &watchtower.Report{Engine: "b", Entries: []watchtower.Entry{stale}}},
			watchtower.PassEnded{Engine: "a", Report: &watchtower.Report{Engine: "a", Entries: []watchtower.Entry{stale}}},
		} {
			se.observers[0].Observe(t.Context(), e)
		}
		return fleet{onNamed("a", watchtower.StatusFresh, nil), onNamed("b", watchtower.StatusFresh, nil)}, nil
	}), errs.String())
	for _, said := range []string{"Engines: [a b]", "a: Found a new image for web (nginx): 1\n", "b: Found a new image for web (nginx): 1\n"} {
		assert.Equal(t, 1, strings.Count(out.String(), said), "%s: %s", said, out.String())
	}
}

// A watchtower with the same host name may run on another host: it is not this one.
func TestAContainerOfAnotherHostIsNotThisOne(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("watchtower:1", enginetest.Image{})
	there := e.Run("watchtower", "watchtower:1", lifecycle.Spec{Config: lifecycle.Document{
		"Hostname": "watchtower", "Labels": map[string]any{lifecycle.LabelInstance: "true"},
	}})
	own := lifecycle.Traces{Hostname: "watchtower"}
	for h, want := range map[namedHost]string{
		{}: there.ID, {"local", "unix:///var/run/docker.sock"}: there.ID, {"a", "tcp://10.0.0.5:2376"}: "", {"b", "ssh://b"}: "",
	} {
		id, err := h.traces(own).Self(t.Context(), e)
		require.NoError(t, err)
		assert.Equal(t, want, id, "%q", h.address)
	}
	elsewhere := lifecycle.Traces{Hostname: "watchtower", Mounts: "1 1 8:1 /var/lib/docker/containers/" + strings.Repeat("a", 64) + "/hostname /etc/hostname rw\n"}
	id, err := namedHost{"rootless", "unix:///run/user/1000/docker.sock"}.traces(elsewhere).Self(t.Context(), e)
	require.NoError(t, err)
	assert.Empty(t, id, "this one's ID is not there")
	mounted := lifecycle.Traces{Mounts: "1 1 8:1 /var/lib/docker/containers/" + there.ID + "/hostname /etc/hostname rw\n"}
	id, err = namedHost{"proxy", "tcp://socket-proxy:2375"}.traces(mounted).Self(t.Context(), e)
	require.NoError(t, err)
	assert.Equal(t, there.ID, id, "its ID is nobody else's: it is behind a socket proxy")
}

// Of the API, several engines have their metrics, which are of all.
func TestMetricsOfSeveralAreServed(t *testing.T) {
	t.Parallel()
	s, err := parse(t, map[string]string{
		"WATCHTOWER_HOSTS": "a=unix:///nowhere/a,b=unix:///nowhere/b", "WATCHTOWER_HTTP_API_METRICS": "1", "WATCHTOWER_HTTP_API_TOKEN": "t",
		"WATCHTOWER_STATE_DIR": t.TempDir(),
	})
	require.NoError(t, err)
	se := session{settings: s, logger: slog.New(slog.DiscardHandler), serving: true}
	towers, err := open(&se)
	require.NoError(t, err)
	assert.Len(t, towers, 2)
	req, answer := httptest.NewRequest(http.MethodGet, "/v1/metrics", nil), httptest.NewRecorder()
	req.Header.Set("Authorization", "Bearer t")
	se.api.ServeHTTP(answer, req)
	assert.Equal(t, http.StatusOK, answer.Code)
	for _, engine := range []string{"a", "b"} {
		assert.Contains(t, answer.Body.String(), `watchtower_passes_failed_total{engine="`+engine+`",kind="update"} 0`)
		assert.DirExists(t, filepath.Join(s.stateDir, engine))
	}
}
