package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/notify"
)

// porcelain prints the result of each pass in a form that scripts read, whatever
// becomes of the log: the containers that were meant, by ID.
type porcelain struct {
	out    io.Writer
	form   string // v1 or json
	meant  func(watchtower.Container) bool
	logger *slog.Logger
}

// Observe prints what a pass that may change something ended with.
func (p *porcelain) Observe(_ context.Context, e watchtower.Event) {
	end, ok := e.(watchtower.PassEnded)
	if !ok || end.Kind != watchtower.PassUpdate || end.Report == nil {
		return
	}
	if err := p.print(end.Report); err != nil {
		p.logger.Error("the result could not be printed", "err", err)
	}
}

func (p *porcelain) print(r *watchtower.Report) error {
	text, err := notify.Porcelain(p.form, r, p.meant)
	if err == nil {
		_, err = io.WriteString(p.out, text)
	}
	return err
}
