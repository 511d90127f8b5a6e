package httpapi

import (
	"log/slog"
	"net/http"
	"time"
)

// The bounds of a server, which are the fork's where it has one.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	idleTimeout       = 30 * time.Second
	maxHeader         = 16 << 10
)

// NewServer makes a server for the handler with the bounds that a handler cannot set:
// 5 seconds for a request's header and 16 KiB, 10 seconds for all of it, 30 seconds for
// an answer and between two requests. A Handler gives those of its answers that take
// longer the time they need. Its log has what goes wrong below HTTP; nil: nothing.
func NewServer(h http.Handler, l *slog.Logger) *http.Server {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: maxAnswerTime,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader - slack, ErrorLog: slog.NewLogLogger(l.Handler(), slog.LevelDebug),
	}
}

// slack is what net/http adds to the bound of a header.
const slack = 4 << 10
