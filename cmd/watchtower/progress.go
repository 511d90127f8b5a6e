package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// progress shows on a terminal what is going on just now, in lines that are written
// over: each pull, and the step each swap is at. When a pass ends a table stands in
// their place. Log lines go through it, so that they and the lines do not run into
// each other.
type progress struct {
	screen screen
	table  bool // at the end of a pass that may change something

	mu       sync.Mutex
	checking bool
	pulls    map[string]*pull    // by reference
	swaps    map[string]swapping // by container
}

// pull is how far the pull of an image is.
type pull struct {
	layers map[string]layer
	drawn  time.Time
}

// swapping is where the swap of a container is.
type swapping struct {
	action string
	back   bool // it is being undone
}

// layer is how far one layer of a pull is.
type layer struct {
	current, total int64
	done           bool
}

// drawEvery is how often the progress of a pull is drawn: engines tell of it more often
// than anybody looks.
const drawEvery = 100 * time.Millisecond

func newProgress(s screen, table bool) *progress {
	return &progress{screen: s, table: table, pulls: map[string]*pull{}, swaps: map[string]swapping{}}
}

// Write puts text above the lines.
func (p *progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.screen.draw(string(text), p.lines()); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Observe takes in what goes on.
func (p *progress) Observe(_ context.Context, e watchtower.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	above := ""
	switch e := e.(type) {
	case watchtower.PassStarted:
		p.checking = true
	case watchtower.PullStarted:
		p.pulls[e.Reference] = &pull{layers: map[string]layer{}}
	case watchtower.PullProgressed:
		pull := p.pulls[e.Reference]
		if pull == nil || !pull.take(e.Progress) || e.At.Sub(pull.drawn) < drawEvery {
			return
		}
		pull.drawn = e.At
	case watchtower.PullEnded:
		delete(p.pulls, e.Reference)
	case watchtower.StepStarted:
		of := called(e.Step.Container, e.Service != "")
		s := p.swaps[of]
		s.action = e.Step.Action
		s.back = s.back || e.Step.Action == "roll back"
		p.swaps[of] = s
	case watchtower.UpdateEnded:
		delete(p.swaps, calledIn(e.Entry.Container))
	case watchtower.ContainerSkipped: // in the course of its swap
		delete(p.swaps, calledIn(e.Container))
	case watchtower.PassEnded:
		p.forget()
		if p.table && e.Kind == watchtower.PassUpdate {
			above = passTable(e.Report, p.screen.color)
		}
	case watchtower.PassFailed:
		p.forget()
	default:
		return
	}
	_ = p.screen.draw(above, p.lines()) // a terminal that is gone takes no more
}

// end leaves the terminal without lines.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget()
	_ = p.screen.draw("", nil)
}

func (p *progress) forget() {
	p.checking = false
	clear(p.pulls)
	clear(p.swaps)
}

// take notes how far a layer is, and reports whether it was about one.
func (p *pull) take(told lifecycle.PullProgress) bool {
	if told.Layer == "" || strings.HasPrefix(told.Status, "Pulling from") {
		return false // it is about the whole; in the last case its "layer" is the tag
	}
	l := p.layers[told.Layer]
	switch told.Status {
	case "Downloading":
		l.current, l.total = told.Current, max(l.total, told.Total)
	case "Download complete", "Verifying Checksum", "Extracting":
		l.current = l.total
	case "Pull complete", "Already exists":
		l.current, l.done = l.total, true
	}
	p.layers[told.Layer] = l
	return true
}

// lines are what is to be seen now.
func (p *progress) lines() []line {
	var out []line
	for _, reference := range slices.Sorted(maps.Keys(p.pulls)) {
		out = append(out, line{"pull " + reference, p.pulls[reference].text(), ""})
	}
	for _, container := range slices.Sorted(maps.Keys(p.swaps)) {
		out = append(out, p.swaps[container].line(container))
	}
	if len(out) == 0 && p.checking {
		out = append(out, line{"checking", "", ""})
	}
	return out
}

// line says what is done with the container.
func (s swapping) line(container string) line {
	doing := map[string]string{
		"create": "creating", "rename": "renaming", "stop": "stopping", "start": "starting", "verify": "verifying",
		"connect": "connecting", "disconnect": "disconnecting", "remove": "removing", "roll back": "rolling back", "recover": "recovering", "update": "updating",
	}
	text := cmp.Or(doing[s.action], s.action)
	switch {
	case !s.back:
		return line{container, text, ""}
	case s.action == "roll back":
		return line{container, text, colorBad}
	default:
		return line{container, "rolling back: " + text, colorBad}
	}
}

// text says how far it is.
func (p *pull) text() string {
	const width = 20
	done, current, total := 0, int64(0), int64(0)
	for _, l := range p.layers {
		if l.done {
			done++
		}
		current, total = current+l.current, total+l.total
	}
	if len(p.layers) == 0 {
		return "waiting for the registry"
	}
	part, text := int64(done)*width/int64(len(p.layers)), ""
	if total > 0 {
		part, text = min(current, total)*width/total, fmt.Sprintf("  %s of %s", size(current), size(total))
	}
	return fmt.Sprintf("[%s%s]%s  %d/%d layers", strings.Repeat("#", int(part)), strings.Repeat("-", width-int(part)), text, done, len(p.layers))
}

func size(n int64) string {
	const mega = 1000 * 1000
	if n < mega {
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/mega)
}
