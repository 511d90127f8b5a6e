package notify

import (
	"log/slog"
	"slices"
)

// flush makes messages of the lines and the report, if there is news among them. Without
// a report, lines that are no news wait for some.
func (n *Notifier) flush(r *Report) {
	if n.cfg.Report && r != nil {
		n.sendReport(r)
		// What no report says is told like what is not of a pass.
		n.lines = slices.DeleteFunc(n.lines, func(l line) bool { return !l.isAside() })
	}
	if slices.ContainsFunc(n.lines, line.isNews) {
		for _, lines := range n.split(n.lines) {
			n.render(nil, lines, true)
		}
		n.lines = nil
	}
	for _, s := range n.senders {
		s.put(n.out...) // at once, however many they are
	}
	n.out = nil
}

// sendReport tells of a pass, if it has news, all but what no report says. What is no
// service is told of every pass: it is a log, and scripts read it.
func (n *Notifier) sendReport(r *Report) {
	with := n.withNews(r)
	lines := slices.DeleteFunc(slices.Clone(n.lines), line.isAside)
	if !n.cfg.Split {
		n.render(r, lines, len(with) > 0)
		return
	}
	for _, c := range with {
		of := slices.DeleteFunc(slices.Clone(lines), func(l line) bool { return l.key() != c.key() })
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
		c.Recovered = c.State == fresh && n.newsOf[c.key()]
		moved := c.State == updated || c.State == restarted || c.State == stale && !c.held
		if n.newsOf[c.key()] && (c.State == failed || c.Recovered || moved && n.cfg.Level < slog.LevelError) {
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
		name := l.key()
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
		data = &Data{Title: n.cfg.title(), Host: n.cfg.Host, Engine: n.cfg.Engine, Entries: entries, Report: r}
	}
	text, err := render(n.template, data)
	if err != nil {
		n.cfg.Logger.Error("the template does not fit: the built-in one is used in its place", "err", err)
		if text, err = render(n.builtin, data); err != nil {
			n.cfg.Logger.Error("no notification: the built-in template does not fit either", "err", err)
			return
		}
	}
	if text == "" || n.closed {
		return
	}
	m := message{text: text, fleeting: n.starting}
	if !n.cfg.NoTitle {
		m.title = n.cfg.title()
	}
	for _, s := range n.local {
		s.put(m)
	}
	if services {
		n.out = append(n.out, m)
	}
}
