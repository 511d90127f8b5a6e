package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// narrow is a screen of that size.
func narrow(out io.Writer, columns, rows int) screen {
	return screen{out: out, size: func() (int, int) { return columns, rows }}
}

// shown are the lines as they stand there.
func shown(p *progress) []string { return p.screen.fit(p.lines()) }

func TestLogLinesGoAboveWhatGoesOn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newProgress(narrow(&out, 80, 24), true)
	observe := func(e watchtower.Event) { p.Observe(t.Context(), e) }
	at := time.Now()
	pulled := func(layer, status string, current, total int64) {
		at = at.Add(drawEvery)
		observe(watchtower.PullProgressed{At: at, Reference: "app:1", Progress: lifecycle.PullProgress{Layer: layer, Status: status, Current: current, Total: total}})
	}
	observe(watchtower.PassStarted{})
	assert.Equal(t, []string{"checking"}, shown(p))
	observe(watchtower.PullStarted{Reference: "app:1"})
	assert.Equal(t, []string{"pull app:1  waiting for the registry"}, shown(p))
	pulled("1", "Pulling from app", 0, 0)
	pulled("aa", "Downloading", 500_000, 2_000_000)
	pulled("bb", "Already exists", 0, 0)
	assert.Equal(t, []string{"pull app:1  [#####---------------]  500 kB of 2.0 MB  1/2 layers"}, shown(p))
	out.Reset()
	_, err := p.Write([]byte("a log line\n"))
	require.NoError(t, err)
	assert.Equal(t, "\r\x1b[Ja log line\n"+shown(p)[0], out.String())
	pulled("aa", "Extracting", 1, 2)
	assert.Equal(t, []string{"pull app:1  [####################]  2.0 MB of 2.0 MB  1/2 layers"}, shown(p), "what is unpacked was loaded")
	observe(watchtower.PullEnded{Reference: "app:1"})
	observe(watchtower.StepStarted{Step: lifecycle.Step{Container: "web", Action: "stop"}})
	observe(watchtower.StepStarted{Step: lifecycle.Step{Container: "db", Action: "verify"}})
	assert.Equal(t, []string{"db   verifying", "web  stopping"}, shown(p))
	observe(watchtower.StepStarted{Step: lifecycle.Step{Container: "db", Action: "roll back"}})
	assert.Equal(t, []string{"db   rolling back", "web  stopping"}, shown(p))
	observe(watchtower.StepStarted{Step: lifecycle.Step{Container: "db", Action: "start"}})
	assert.Equal(t, []string{"db   rolling back: starting", "web  stopping"}, shown(p))
	observe(watchtower.UpdateEnded{Entry: watchtower.Entry{Container: lifecycle.Container{Name: "db"}}})
	observe(watchtower.ContainerSkipped{Container: lifecycle.Container{Name: "web"}, Reason: "it was replaced meanwhile"})
	assert.Equal(t, []string{"checking"}, shown(p), "one whose swap was given up is gone as well")
	out.Reset()
	observe(watchtower.PassFailed{})
	assert.Empty(t, shown(p))
	assert.Equal(t, "\r\x1b[J", out.String(), "nothing is left on the terminal")
}

// An engine tells of a pull more often than anybody looks.
func TestAPullIsNotDrawnAllTheTime(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newProgress(narrow(&out, 80, 24), true)
	p.Observe(t.Context(), watchtower.PullStarted{Reference: "app:1"})
	before := strings.Count(out.String(), "\x1b[J")
	at := time.Now()
	for i := range int64(1000) {
		p.Observe(t.Context(), watchtower.PullProgressed{
			At: at.Add(time.Duration(i) * time.Millisecond), Reference: "app:1",
			Progress: lifecycle.PullProgress{Layer: "aa", Status: "Downloading", Current: i, Total: 1000},
		})
	}
	assert.Equal(t, 10, strings.Count(out.String(), "\x1b[J")-before, "in a second")
}

// A line that wraps, or leaves the screen, could not be written over.
func TestLinesFitTheTerminal(t *testing.T) {
	t.Parallel()
	for columns := range 200 {
		for _, rows := range []int{0, 1, 2, 5, 50} {
			p := newProgress(narrow(io.Discard, columns, rows), true)
			for i := range 10 {
				p.Observe(t.Context(), watchtower.PullStarted{Reference: fmt.Sprintf("registry.example/a-rather-long-name/of-an-image-%d:latest", i)})
				p.Observe(t.Context(), watchtower.StepStarted{Step: lifecycle.Step{Container: fmt.Sprintf("web-%d", i), Action: "roll back"}})
			}
			lines := shown(p)
			assert.LessOrEqual(t, len(lines), max(rows, 2)-1)
			for _, l := range lines {
				assert.Less(t, len(l), columns, l)
			}
			if rows == 5 && columns >= 20 {
				assert.Equal(t, "and 17 more", lines[3])
			}
		}
	}
}

// Terminals wrap what they showed once they are made narrower.
func TestATerminalMadeNarrowerKeepsNoLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	columns := 60
	p := newProgress(screen{out: &out, size: func() (int, int) { return columns, 24 }, color: true}, true)
	p.Observe(t.Context(), watchtower.PullStarted{Reference: "registry.example/app:1"})
	p.Observe(t.Context(), watchtower.StepStarted{Step: lifecycle.Step{Container: "web", Action: "roll back"}})
	for _, tt := range []struct {
		columns int
		up      string
	}{{25, "\x1b[4A"}, {200, "\x1b[1A"}, {30, "\x1b[3A"}, {10, "\x1b[10A"}} {
		columns = 60
		_, err := p.Write(nil)
		require.NoError(t, err)
		out.Reset()
		columns = tt.columns
		_, err = p.Write([]byte("a log line\n"))
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(out.String(), tt.up+"\r\x1b[Ja log line\n"), "%d: %q", columns, out.String())
	}
}

// hostile would clear the screen, in two ways, set a title, and write backwards.
const hostile = "we\x1b[2Jb\u009b2J\x1b]0;title\a\u202e\xff\x7f"

// harmless fails for what a terminal would obey.
func harmless(t *testing.T, text string) {
	t.Helper()
	assert.NotEmpty(t, text)
	for _, bad := range []string{"\x1b[2J", "\u009b", "\x1b]", "\a", "\u202e", "\xff", "\x7f"} {
		assert.NotContains(t, text, bad)
	}
}

func TestNoNameReachesTheTerminalAsACommand(t *testing.T) {
	t.Parallel()
	entry := watchtower.Entry{
		Container: lifecycle.Container{Name: hostile, Image: hostile}, Status: watchtower.StatusFailed,
		Reason: hostile, Err: errors.New(hostile), Latest: hostile, Downtime: time.Second,
	}
	report := &watchtower.Report{Kind: watchtower.PassUpdate, Entries: []watchtower.Entry{entry}}
	report.Plan.Groups = []watchtower.PlannedGroup{{Members: []watchtower.PlannedMember{{Name: hostile, Cause: hostile}}}}

	var lines bytes.Buffer
	p := newProgress(narrow(&lines, 80, 24), true)
	p.Observe(t.Context(), watchtower.PullStarted{Reference: hostile})
	p.Observe(t.Context(), watchtower.StepStarted{Step: lifecycle.Step{Container: hostile, Action: hostile}})
	harmless(t, lines.String())
	lines.Reset()
	p.Observe(t.Context(), watchtower.PassEnded{Kind: watchtower.PassUpdate, Report: report})
	assert.Contains(t, lines.String(), "failed")
	harmless(t, lines.String())

	for _, format := range []string{"pretty", "logfmt", "json"} {
		var log bytes.Buffer
		newLogger(&log, settings{format: format, noColor: true}, true).Warn(hostile, "container", hostile, "err", errors.New(hostile))
		if format != "json" { // which a plainWriter is for
			harmless(t, log.String())
		}
	}
	var plain bytes.Buffer
	_, err := plainWriter{&plain}.Write([]byte(hostile + "\n" + hostile + "\n"))
	require.NoError(t, err)
	harmless(t, plain.String())
	assert.Equal(t, 2, strings.Count(plain.String(), "\n"), "lines stay lines")
	for _, args := range [][]string{{"check"}, {"check", "-v"}} {
		var out, errs bytes.Buffer
		f := &fake{report: report}
		run(args, &out, &errs, nil, f.with(&session{}))
		harmless(t, out.String())
	}
}

func TestTheTableOfAPass(t *testing.T) {
	t.Parallel()
	r := &watchtower.Report{Kind: watchtower.PassUpdate, Entries: []watchtower.Entry{
		{Container: lifecycle.Container{Name: "cache", Image: "redis"}, Status: watchtower.StatusFresh},
		{Container: lifecycle.Container{Name: "db", Image: "postgres:17"}, Status: watchtower.StatusRolledBack, Err: errors.New("watchtower: update db: it\nfell"), Downtime: 1234567 * time.Microsecond},
		{Container: lifecycle.Container{Name: "idle", Image: "busybox"}, Status: watchtower.StatusSkipped, Reason: "pinned to a digest"},
		{Container: lifecycle.Container{Name: "seen", Image: "nginx"}, Status: watchtower.StatusStale, Reason: "monitor-only", Latest: "sha256:1"},
		{Container: lifecycle.Container{Name: "side", Image: "nginx"}, Status: watchtower.StatusRestarted, Reason: "it lives in the network of web"},
		{Container: lifecycle.Container{Name: "web", Image: "nginx"}, Status: watchtower.StatusUpdated, Downtime: time.Second},
		{Container: lifecycle.Container{Name: "web", Image: "nginx", Service: &lifecycle.Service{}}, Status: watchtower.StatusFresh},
	}}
	const want = `
CONTAINER      IMAGE        STATUS       WHY
cache          redis        fresh        ` + `
db             postgres:17  rolled back  update db: it; fell; down for 1.235s
seen           nginx        stale        monitor-only: now at sha256:1
side           nginx        restarted    it lives in the network of web
web            nginx        updated      down for 1s
web (service)  nginx        fresh        ` + `

`
	assert.Equal(t, want, passTable(r, false))
	colored := passTable(r, true)
	assert.Contains(t, colored, "\x1b[31mrolled back\x1b[0m")
	for _, code := range []string{colorGood, colorWarn, colorBad, colorNone, colorEnd} {
		colored = strings.ReplaceAll(colored, code, "")
	}
	assert.Equal(t, want, colored, "in the same columns")
	assert.Empty(t, passTable(&watchtower.Report{}, false), "nothing was looked at")
}

func TestJSONGoesWithOnePass(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		said string
	}{
		"a run":         {[]string{"--json"}, "watchtower: --json: want --run-once or the command check along with it\n"},
		"and porcelain": {[]string{"--json", "-R", "-P", "v1"}, "watchtower: --json and --porcelain: want one of them\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			f := &fake{}
			assert.Equal(t, exitFailed, run(tt.args, &out, &errs, nil, f.with(&session{})))
			assert.Equal(t, tt.said, errs.String())
			assert.Empty(t, f.calls)
			assert.Empty(t, out.String())
		})
	}
}
