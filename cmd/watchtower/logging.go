package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// Levels beside slog's own: one below debug for each request of each check, one
// above error for those who want to hear nothing else.
const (
	levelTrace = slog.LevelDebug - 4
	levelFatal = slog.LevelError + 4
	levelPanic = slog.LevelError + 8
)

var levels = map[string]slog.Level{
	"panic": levelPanic, "fatal": levelFatal, "error": slog.LevelError, "warn": slog.LevelWarn, "warning": slog.LevelWarn,
	"info": slog.LevelInfo, "debug": slog.LevelDebug, "trace": levelTrace,
}

func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelDebug:
		return "trace"
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	case l < levelFatal:
		return "error"
	case l < levelPanic:
		return "fatal"
	default:
		return "panic"
	}
}

// newLogger writes to w in the format; "auto" is pretty on a terminal and
// logfmt elsewhere.
func newLogger(w io.Writer, s settings, terminal bool) *slog.Logger {
	format := s.format
	if format == "auto" {
		format = "logfmt"
		if terminal {
			format = "pretty"
		}
	}
	opts := &slog.HandlerOptions{Level: s.level(), ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if level, ok := a.Value.Any().(slog.Level); ok && a.Key == slog.LevelKey {
			a.Value = slog.StringValue(levelName(level))
		}
		return a
	}}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts))
	case "pretty":
		return slog.New(&prettyHandler{out: w, level: s.level(), color: (terminal || s.forceColor) && !s.noColor, mu: &sync.Mutex{}})
	default:
		return slog.New(slog.NewTextHandler(w, opts))
	}
}

// prettyHandler writes lines for people: time, level, message, then what it is
// about, as the text handler spells it.
type prettyHandler struct {
	out    io.Writer
	level  slog.Level
	color  bool
	mu     *sync.Mutex
	scoped []func(slog.Handler) slog.Handler
}

var colors = map[string]string{
	"trace": "\x1b[90m", "debug": "\x1b[90m", "info": "\x1b[36m", "warn": "\x1b[33m", "error": "\x1b[31m",
}

func (h *prettyHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h *prettyHandler) Handle(ctx context.Context, r slog.Record) error {
	var attrs bytes.Buffer
	var text slog.Handler = slog.NewTextHandler(&attrs, &slog.HandlerOptions{
		Level: h.level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return slog.Attr{}
			}
			return a
		},
	})
	for _, scope := range h.scoped {
		text = scope(text)
	}
	if err := text.Handle(ctx, r); err != nil {
		return err
	}
	name := levelName(r.Level)
	level := strings.ToUpper(name) + strings.Repeat(" ", 5-min(5, len(name)))
	if c := colors[name]; h.color && c != "" {
		level = c + level + "\x1b[0m"
	}
	line := r.Time.Format("15:04:05") + " " + level + " " + plain(r.Message)
	if attrs.Len() > 1 {
		line += "  " + strings.TrimSpace(attrs.String())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.out, line+"\n")
	return err
}

func (h *prettyHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(func(text slog.Handler) slog.Handler { return text.WithAttrs(attrs) })
}

func (h *prettyHandler) WithGroup(name string) slog.Handler {
	return h.with(func(text slog.Handler) slog.Handler { return text.WithGroup(name) })
}

func (h *prettyHandler) with(scope func(slog.Handler) slog.Handler) slog.Handler {
	out := *h
	out.scoped = append(append([]func(slog.Handler) slog.Handler(nil), h.scoped...), scope)
	return &out
}

// lockedWriter keeps lines of different writers whole.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
