// Package notify tells people what passes found and did: it makes messages of events,
// by a template, and brings them to the services that shoutrrr knows.
package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/watchtower-go/watchtower"
)

// Config is what there is to say, how, and to whom.
type Config struct {
	// Services are told all the same; none: nobody is.
	Services []Service
	// Template is the text of a template or the name of a built-in one; empty for the
	// default one.
	Template string
	// TemplateSetting is who gave it, for errors.
	TemplateSetting string
	// Report gives the template the report of a pass, else the lines about it.
	Report bool
	// Level is the least of the lines. At error, reports are of what failed alone.
	Level slog.Level
	// Delay is waited before each message.
	Delay time.Duration
	// Host is the name of this host; empty if it has none.
	Host string
	// Tag stands in brackets in front of the title, unless it is empty.
	Tag string
	// NoTitle sends none.
	NoTitle bool
	// Split makes a message for each container that there is news of.
	Split bool
	// Meant are the containers of which a report tells; nil: all.
	Meant func(watchtower.Container) bool
	// Logger is told what could not be delivered; nil: nobody is. It is not to
	// write notifications.
	Logger *slog.Logger
	// Stdout is where logger:// writes; nil: to Logger.
	Stdout io.Writer
}

// Notifier is an Observer. It keeps no pass waiting: what it sends is sent beside it.
type Notifier struct {
	cfg      Config
	template *template.Template
	senders  []*sender
	local    []*sender // those of logger://

	mu     sync.Mutex
	told   told
	lines  []line
	newsOf map[string]bool // the containers whose state this pass told anew
	inPass bool
	closed bool
}

var _ watchtower.Observer = (*Notifier)(nil)

// New makes a Notifier. It sends nothing yet. All that is wrong with the services and
// the template is in its error, by setting and without secrets.
func New(cfg Config) (*Notifier, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Notifier{cfg: cfg, told: told{}, newsOf: map[string]bool{}}
	var errs []error
	var err error
	if n.template, err = parseTemplate(cfg.Template, cfg.Report); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", cfg.TemplateSetting, err))
	}
	out := log.New(writer(func(text string) { cfg.Logger.Info("notification", "text", text) }), "", 0)
	if cfg.Stdout != nil {
		out = log.New(cfg.Stdout, "", 0)
	}
	for i, service := range cfg.Services {
		e, err := parse(service, out)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: URL %d: %w", service.Setting, i+1, err))
			continue
		}
		s := newSender(e.scheme, e.send, cfg.Delay, cfg.Logger)
		if e.scheme == localScheme {
			n.local = append(n.local, s)
		} else {
			n.senders = append(n.senders, s)
		}
	}
	return n, errors.Join(errs...)
}

// writer is a function that takes what is written, without the newline at its end.
type writer func(text string)

func (w writer) Write(text []byte) (int, error) {
	w(strings.TrimSuffix(string(text), "\n"))
	return len(text), nil
}

// Title is that of every message.
func (c Config) title() string {
	title := "Watchtower updates"
	if c.Tag != "" {
		title = "[" + c.Tag + "] " + title
	}
	if c.Host != "" {
		title += " on " + c.Host
	}
	return strings.Join(strings.Fields(title), " ") // it becomes a header
}

// Started tells that watching begins, in a message of its own.
func (n *Notifier) Started(at time.Time, texts ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, text := range texts {
		n.write(at, slog.LevelInfo, news, text)
	}
	n.flush(nil)
}

// Observe takes an event in. What a pass is about is told at its end, all else at once.
func (n *Notifier) Observe(_ context.Context, e watchtower.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch e := e.(type) {
	case watchtower.PassStarted:
		n.inPass = true
		clear(n.newsOf)
	case watchtower.PassEnded:
		n.inPass = false
		if e.Report != nil {
			n.passEnded(e.Report)
		}
		n.lines = nil
	case watchtower.PassFailed:
		n.inPass = false
		n.write(e.At, slog.LevelError, n.once(ofPass, "", kindFailed, ""), fmt.Sprintf("No %s could be made: %v", e.Kind, e.Err), keyError, e.Err.Error())
		n.flush(nil)
		n.lines = nil
	default:
		n.describe(e)
		if !n.inPass {
			n.flush(nil)
		}
	}
}

// passEnded tells what the pass was about, and what is over.
func (n *Notifier) passEnded(r *watchtower.Report) {
	lines := n.lines
	if n.told.over(fact{ofPass, "", kindFailed}) {
		n.lines = nil
		n.recovered(r.Ended, slog.LevelError, "Passes are made again")
		if n.cfg.Report {
			n.flush(nil) // the report does not say it
		}
		lines = append(n.lines, lines...)
	}
	n.lines = lines
	names := map[string]bool{}
	for _, e := range r.Entries {
		names[e.Container.Name] = true
		n.settle(r.Ended, e)
	}
	n.told.keep(names)
	n.flush(newReport(r, n.cfg.Meant))
}

// settle notes what is over for a container, and tells it of what had failed.
func (n *Notifier) settle(at time.Time, e watchtower.Entry) {
	c := e.Container
	if e.Status == watchtower.StatusFailed || e.Status == watchtower.StatusSkipped {
		return
	}
	if n.told.over(fact{ofContainer, c.Name, kindCheck}) {
		n.newsOf[c.Name] = true
		n.recovered(at, slog.LevelWarn, fmt.Sprintf("%s can be checked again", named(c)), about(c)...)
	}
	switch e.Status {
	case watchtower.StatusFresh, watchtower.StatusUpdated, watchtower.StatusRestarted:
		n.told.over(fact{ofContainer, c.Name, kindFound})
		n.told.over(fact{ofContainer, c.Name, kindHeld})
		if n.told.over(fact{ofContainer, c.Name, kindFailed}) && e.Status == watchtower.StatusFresh {
			n.newsOf[c.Name] = true
			n.recovered(at, slog.LevelError, fmt.Sprintf("%s is up to date again", named(c)), about(c)...)
		}
	default:
		// It may still be as it was told.
	}
}

// flush makes messages of the lines and the report, if there is news among them. Without
// a report, lines that are no news wait for some.
func (n *Notifier) flush(r *Report) {
	switch {
	case n.cfg.Report && r != nil:
		n.sendReport(r)
	case slices.ContainsFunc(n.lines, line.isNews):
		for _, lines := range n.split(n.lines) {
			n.render(nil, lines, true)
		}
		n.lines = nil
	}
}

// sendReport tells of a pass, if it has news. What is no service is told of every pass:
// it is a log, and scripts read it.
func (n *Notifier) sendReport(r *Report) {
	with := n.withNews(r)
	if !n.cfg.Split {
		n.render(r, n.lines, len(with) > 0)
		return
	}
	for _, c := range with {
		of := slices.DeleteFunc(slices.Clone(n.lines), func(l line) bool { return l.Data[keyContainer] != c.Name })
		n.render(&Report{containers: []Container{c}}, of, true)
	}
}

// withNews are the containers of which the report tells something that was not told:
// that they were updated, restarted, rolled back or failed, or that they are fresh again
// after that; that something newer is there for one that does not move by itself.
func (n *Notifier) withNews(r *Report) []Container {
	var out []Container
	for i := range r.containers {
		c := &r.containers[i]
		c.Recovered = c.State == fresh && n.newsOf[c.Name]
		moved := c.State == updated || c.State == restarted || c.State == stale && !c.held
		if n.newsOf[c.Name] && (c.State == failed || c.Recovered || moved && n.cfg.Level < slog.LevelError) {
			out = append(out, *c)
		}
	}
	return out
}

// split puts lines into groups by container, if that is wanted; those of none come last.
func (n *Notifier) split(lines []line) [][]line {
	if !n.cfg.Split {
		return [][]line{lines}
	}
	var names []string
	groups := map[string][]line{}
	for _, l := range lines {
		name, _ := l.Data[keyContainer].(string)
		if groups[name] == nil && name != "" {
			names = append(names, name)
		}
		groups[name] = append(groups[name], l)
	}
	var out [][]line
	for _, name := range append(names, "") {
		if slices.ContainsFunc(groups[name], line.isNews) {
			out = append(out, groups[name])
		}
	}
	return out
}

// render makes one message, and gives it to the services if it is for them.
func (n *Notifier) render(r *Report, lines []line, services bool) {
	entries := make([]Entry, len(lines))
	for i, l := range lines {
		entries[i] = l.Entry
	}
	var data any = entries
	if n.cfg.Report {
		data = &Data{Title: n.cfg.title(), Host: n.cfg.Host, Entries: entries, Report: r}
	}
	text, err := render(n.template, data)
	if err != nil {
		n.cfg.Logger.Error("no notification: the template does not fit", "err", err)
		return
	}
	if text == "" || n.closed {
		return
	}
	m := message{text: text}
	if !n.cfg.NoTitle {
		m.title = n.cfg.title()
	}
	for _, s := range n.local {
		s.put(m)
	}
	if services {
		for _, s := range n.senders {
			s.put(m)
		}
	}
}

// Close tells what a pass that was cut short still had to tell, and waits until
// everything is delivered, or ctx ends. What could not be is logged.
func (n *Notifier) Close(ctx context.Context) {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return
	}
	n.flush(nil)
	n.closed = true
	n.mu.Unlock()
	var group sync.WaitGroup
	for _, s := range append(n.senders, n.local...) {
		group.Go(func() { s.end(ctx) })
	}
	group.Wait()
}
