package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/watchtower-go/watchtower"
)

// progress shows on a terminal what is going on just now, in one line that is
// written over: the pulls, and the step each swap is at. Log lines go through
// it, so that they and the line do not run into each other.
type progress struct {
	out io.Writer

	mu    sync.Mutex
	shown bool
	pulls map[string]map[string]layer // by reference, by layer
	steps map[string]string           // by container
}

// layer is how far one layer of a pull is.
type layer struct {
	current, total int64
	done           bool
}

func newProgress(out io.Writer) *progress {
	return &progress{out: out, pulls: map[string]map[string]layer{}, steps: map[string]string{}}
}

// Write puts text above the line.
func (p *progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	n, err := p.out.Write(text)
	p.draw()
	return n, err
}

// Observe takes in what goes on.
func (p *progress) Observe(_ context.Context, e watchtower.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case watchtower.PullStarted:
		p.pulls[e.Reference] = map[string]layer{}
	case watchtower.PullProgressed:
		if layers := p.pulls[e.Reference]; layers != nil && e.Progress.Layer != "" {
			l := layers[e.Progress.Layer]
			if e.Progress.Status == "Downloading" {
				l.current, l.total = e.Progress.Current, max(l.total, e.Progress.Total)
			}
			l.done = slices.Contains([]string{"Pull complete", "Already exists"}, e.Progress.Status)
			if strings.HasPrefix(e.Progress.Status, "Pulling from") {
				return // the line about the whole: its "layer" is the tag
			}
			layers[e.Progress.Layer] = l
		}
	case watchtower.PullEnded:
		delete(p.pulls, e.Reference)
	case watchtower.StepStarted:
		p.steps[e.Step.Container] = e.Step.Action
	case watchtower.UpdateEnded:
		delete(p.steps, e.Entry.Container.Name)
	case watchtower.PassEnded, watchtower.PassFailed:
		clear(p.pulls)
		clear(p.steps)
	default:
		return
	}
	p.clear()
	p.draw()
}

func (p *progress) clear() {
	if p.shown {
		_, _ = io.WriteString(p.out, "\r\x1b[K")
		p.shown = false
	}
}

func (p *progress) draw() {
	if line := p.line(); line != "" {
		_, _ = io.WriteString(p.out, line)
		p.shown = true
	}
}

// lineWidth keeps the line from wrapping, which would leave pieces behind.
const lineWidth = 79

func (p *progress) line() string {
	var parts []string
	for reference, layers := range p.pulls {
		done, current, total := 0, int64(0), int64(0)
		for _, l := range layers {
			if l.done {
				done++
			}
			current, total = current+l.current, total+l.total
		}
		text := fmt.Sprintf("pulling %s %d/%d layers", reference, done, len(layers))
		if total > 0 {
			text += fmt.Sprintf(" %s/%s", size(current), size(total))
		}
		parts = append(parts, text)
	}
	for container, action := range p.steps {
		parts = append(parts, container+": "+action)
	}
	slices.Sort(parts)
	line := strings.Join(parts, " | ")
	if len(line) > lineWidth {
		line = line[:lineWidth]
	}
	return line
}

func size(n int64) string {
	const mega = 1000 * 1000
	if n < mega {
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/mega)
}
