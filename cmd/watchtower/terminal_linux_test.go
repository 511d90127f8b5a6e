package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// terminal is what somebody sees who runs the program: a pseudo-terminal, and the
// screen that shows what is written to it.
type terminal struct {
	program *os.File // what the program writes to

	mu   sync.Mutex
	raw  strings.Builder
	rows int
	text [][]rune
	row  int
	col  int
	esc  string // a sequence that has begun
}

func openTerminal(t *testing.T, columns, rows uint16) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	fd := int(master.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	program, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows}))
	s := &terminal{program: program, rows: int(rows), text: [][]rune{nil}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64<<10)
		for {
			n, err := master.Read(buf)
			s.show(string(buf[:n]))
			if err != nil {
				return // nobody has the other end any more
			}
		}
	}()
	t.Cleanup(func() { _ = program.Close(); <-done; _ = master.Close() })
	return s
}

// show does what a terminal does with what the program may write, and nothing else.
func (s *terminal) show(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw.WriteString(text)
	for _, r := range text {
		switch {
		case s.esc != "" || r == '\x1b':
			if s.esc += string(r); len(s.esc) > 2 && (r < '0' || r > '9') {
				s.obey(s.esc[2:len(s.esc)-1], r)
				s.esc = ""
			}
		case r == '\r':
			s.col = 0
		case r == '\n':
			if s.row++; s.row == len(s.text) {
				s.text = append(s.text, nil)
			}
			if len(s.text) > s.rows {
				s.text, s.row = s.text[1:], s.row-1
			}
		default:
			for len(s.text[s.row]) <= s.col {
				s.text[s.row] = append(s.text[s.row], ' ')
			}
			s.text[s.row][s.col] = r
			s.col++
		}
	}
}

func (s *terminal) obey(number string, verb rune) {
	switch verb {
	case 'A':
		n, _ := strconv.Atoi(number)
		s.row = max(0, s.row-n)
	case 'J':
		s.text = append(s.text[:s.row], s.text[s.row][:s.col])
	case 'm': // a colour
	default:
		panic(fmt.Sprintf("the program sent %q", s.esc))
	}
}

// screen is what stands there, without what differs from run to run.
func (s *terminal) screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, line := range s.text {
		b.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	out := strings.TrimRight(b.String(), "\n") + "\n"
	for pattern, same := range map[string]string{
		`(?m)^\d\d:\d\d:\d\d`:                "12:00:00",
		`\b(took|downtime)=[0-9.]+(ms|s|µs)`: "$1=1s",
		`down for [0-9.]+(ms|s)`:             "down for 1s",
		`\bid=[0-9a-f]{12}\b`:                "id=0123456789ab",
		`sha256:[0-9a-f]{64}`:                "sha256:0…",
	} {
		out = regexp.MustCompile(pattern).ReplaceAllString(out, same)
	}
	return out
}

// await waits until the screen shows all of that.
func (s *terminal) await(t *testing.T, want ...string) string {
	t.Helper()
	for deadline := time.After(10 * time.Second); ; {
		screen := s.screen()
		if !slices.ContainsFunc(want, func(text string) bool { return !strings.Contains(screen, text) }) {
			return screen
		}
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			require.Fail(t, "it is not seen", "%q in\n%s", want, screen)
		}
	}
}

// slow is an engine whose calls wait to be let through.
type slow struct {
	*enginetest.Engine
	gates map[string]chan struct{} // by call
	db    lifecycle.Container
}

func (s *slow) wait(call, subject string) {
	subject, _, _ = strings.Cut(subject, ".wt-") // what it is named meanwhile
	if gate := s.gates[call+" "+subject]; gate != nil {
		<-gate
	}
}

// hold keeps a call from being answered until it is let go.
func (s *slow) hold(call string) (release func()) {
	gate := make(chan struct{})
	s.gates[call] = gate
	return func() { close(gate) }
}

func (s *slow) Pull(ctx context.Context, opts lifecycle.PullOptions) error {
	for _, p := range []lifecycle.PullProgress{
		{Layer: "1", Status: "Pulling from library/web"},
		{Layer: "aa", Status: "Already exists"},
		{Layer: "bb", Status: "Downloading", Current: 3_000_000, Total: 40_000_000},
		{Layer: "cc", Status: "Pulling fs layer"},
		{Layer: "bb", Status: "Downloading", Current: 24_500_000, Total: 40_000_000},
	} {
		if p.Current > 20_000_000 {
			<-time.After(2 * drawEvery) // else it may not be drawn
		}
		opts.Progress(p)
	}
	s.wait("pull", opts.Reference)
	return s.Engine.Pull(ctx, opts)
}

func (s *slow) Stop(ctx context.Context, container string, opts lifecycle.StopOptions) error {
	s.wait("stop", container)
	return s.Engine.Stop(ctx, container, opts)
}

func (s *slow) Start(ctx context.Context, container string) error {
	s.wait("start", container)
	return s.Engine.Start(ctx, container)
}

// opens makes a watcher of the engine.
func (s *slow) opens(se *session) (fleet, error) {
	tower, err := watchtower.New(
		watchtower.WithEngine(s), watchtower.WithChecker(s.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithLogger(se.logger), watchtower.WithObserver(se.observers...), watchtower.WithStableTime(time.Millisecond),
	)
	return fleet{tower}, err
}

// newSlow has a container that is up to date, one that can be updated, and one whose
// new image fails.
func newSlow() *slow {
	s := &slow{Engine: enginetest.New(), gates: map[string]chan struct{}{}}
	for _, name := range []string{"cache", "db", "web"} {
		s.Publish(name+":1", enginetest.Image{Env: []string{"FOR=" + name}})
		c := s.Run(name, name+":1", lifecycle.Spec{})
		if name == "db" {
			s.db = c
		}
	}
	s.Publish("web:1", enginetest.Image{Env: []string{"FOR=web", "VERSION=2"}})
	s.Publish("db:1", enginetest.Image{Env: []string{"FOR=db", "VERSION=2"}, StartError: "exec /db: no such file"})
	return s
}

// What is seen at three moments, and at the end, is in testdata/terminal.txt.
func TestWhatARunLooksLike(t *testing.T) {
	t.Parallel()
	engine := newSlow()
	pulled := map[string]func(){}
	stopped := map[string]func(){}
	for _, name := range []string{"db", "web"} {
		pulled[name], stopped[name] = engine.hold("pull docker.io/library/"+name+":1"), engine.hold("stop "+name)
	}
	back := engine.hold("start " + engine.db.ID)
	tty := openTerminal(t, 132, 30)
	code := make(chan int)
	var stdout bytes.Buffer
	go func() { code <- run([]string{"--run-once"}, &stdout, tty.program, nil, engine.opens) }()

	var told strings.Builder
	tell := func(when, screen string) { fmt.Fprintf(&told, "# %s\n%s\n", when, screen) }
	tell("while images are pulled", tty.await(t, "db:1   [####", "web:1  [####"))
	pulled["db"]()
	tty.await(t, "stop  container=db", "web:1  [####")
	pulled["web"]()
	tell("while containers are replaced", tty.await(t, "\ndb   stopping", "\nweb  stopping"))
	stopped["db"]()
	tell("while one of them is put back", tty.await(t, "\ndb   rolling back"))
	stopped["web"]()
	tty.await(t, "INFO  updated")
	back()
	assert.Equal(t, exitFailed, <-code)
	tell("at the end", tty.await(t, "STATUS"))
	want, err := os.ReadFile("testdata/terminal.txt")
	require.NoError(t, err)
	assert.Equal(t, string(want), told.String())
	assert.Empty(t, stdout.String())
}

// raw is all that was written.
func (s *terminal) written() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.raw.String()
}

func TestWhatATerminalIsSpared(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args, env      []string
		colors, cursor bool // that there are sequences for
		table          bool
	}{
		"nothing is said of it":   {nil, nil, true, true, true},
		"pretty":                  {[]string{"--log-format=pretty"}, nil, true, true, true},
		"no colours":              {nil, []string{"NO_COLOR="}, false, true, true},
		"lines for programs":      {[]string{"--log-format=logfmt"}, nil, false, false, false},
		"JSON lines":              {[]string{"--log-format=json"}, nil, false, false, false},
		"it cannot do anything":   {nil, []string{"TERM=dumb", "NO_COLOR=1"}, false, false, false},
		"the result goes to jq":   {[]string{"--json"}, nil, true, true, false},
		"the result is porcelain": {[]string{"--porcelain=v1"}, nil, true, false, false},
		"only what is wrong":      {[]string{"--log-level=warn"}, nil, true, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tty := openTerminal(t, 132, 30)
			var stdout bytes.Buffer
			run(append([]string{"--run-once"}, tt.args...), &stdout, tty.program, tt.env, newSlow().opens)
			_, err := tty.program.WriteString("that is all")
			require.NoError(t, err)
			tty.await(t, "that is all")
			all := tty.written()
			assert.Equal(t, tt.colors, regexp.MustCompile(`\x1b\[[0-9]+m`).MatchString(all), "%q", all)
			assert.Equal(t, tt.cursor, strings.Contains(all, "\x1b[J"), "%q", all)
			assert.Equal(t, tt.table, strings.Contains(tty.screen(), "CONTAINER"), "%s", tty.screen())
			assert.NotContains(t, tty.screen(), "[###", "no line is left")
			if slices.Contains(tt.args, "--json") {
				var report watchtower.Report
				require.NoError(t, json.Unmarshal(stdout.Bytes(), &report))
				assert.Equal(t, 1, report.Count(watchtower.StatusUpdated))
			}
		})
	}
}
