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
	// Engine is the name of the engine that it tells of; empty where there is but one.
	Engine string
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

// Notifier is an Observer, to be put behind watchtower.Once, so that it is told each fact
// once, and of failures that are over. It keeps no pass waiting: what it sends is sent beside it.
type Notifier struct {
	cfg      Config
	template *template.Template
	builtin  *template.Template // where that does not fit
	senders  []*sender
	local    []*sender // those of logger://

	mu     sync.Mutex
	lines  []line
	newsOf map[string]bool   // the containers whose state this pass told anew
	failed map[string]string // the digests that failed, by container
	out    []message         // for the services, not handed over yet
	inPass bool
	closed bool
	// starting: what is told is of this process alone.
	starting bool
}

var _ watchtower.Observer = (*Notifier)(nil)

// New makes a Notifier. It sends nothing yet. All that is wrong with the services and
// the template is in its error, by setting and without secrets.
func New(cfg Config) (*Notifier, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Notifier{cfg: cfg, newsOf: map[string]bool{}, failed: map[string]string{}}
	var errs []error
	var err error
	if n.template, err = parseTemplate(cfg.Template, cfg.Report); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", cfg.TemplateSetting, err))
	}
	if n.builtin, err = parseTemplate("", cfg.Report); err != nil {
		errs = append(errs, err)
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
		for _, e := range e.each() {
			s := newSender(e.scheme, e.send, cfg.Delay, cfg.Logger)
			s.room = e.room
			if e.scheme == localScheme {
				n.local = append(n.local, s)
			} else {
				n.senders = append(n.senders, s)
			}
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

// mostTitle is what fits on top of a message, in bytes: Pushover takes 250.
const mostTitle = 200

// title is that of every message.
func (c Config) title() string {
	title := "Watchtower updates"
	if c.Tag != "" {
		title = "[" + c.Tag + "] " + title
	}
	if c.Host != "" {
		title += " on " + c.Host
	}
	if c.Engine != "" {
		title += ": " + c.Engine
	}
	return head(strings.Join(strings.Fields(title), " "), mostTitle) // it becomes a header
}

// Started tells that watching begins, in a message of its own.
func (n *Notifier) Started(at time.Time, texts ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	engine := n.cfg.Engine
	n.cfg.Engine = "" // it is about none
	for _, text := range texts {
		n.write(at, slog.LevelInfo, news, text)
	}
	n.starting = true
	n.flush(nil)
	n.starting, n.cfg.Engine = false, engine
}

// Keep has what services do not take kept in the directory, and brings them what an
// earlier process left there: the nth service of a kind what the nth of that kind lacks.
// That the program begins is not kept. Several processes may have the same directory.
func (n *Notifier) Keep(dir string) error {
	kinds := map[string]int{}
	for _, s := range n.senders {
		kinds[s.name]++
		if err := s.keep(dir, fmt.Sprintf("undelivered-%s-%d.json", s.name, kinds[s.name])); err != nil {
			return err
		}
	}
	return nil
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
			n.flush(newReport(e.Report, n.cfg.Meant))
		}
		n.lines = nil
	case watchtower.PassFailed:
		n.inPass = false
		w := news
		if watchtower.EventID(e) == "" {
			w = detail // it is its caller's own affair
		}
		n.write(e.At, slog.LevelError, w, fmt.Sprintf("No %s could be made: %v", e.Kind, e.Err), keyError, e.Err.Error())
		n.flush(nil)
		n.lines = nil
	default:
		n.describe(e)
		if !n.inPass {
			n.flush(nil)
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
