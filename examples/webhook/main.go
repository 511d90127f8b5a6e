// Webhook shows a program with an HTTP server of its own, which mounts the API beside its
// own pages and takes a registry's word that something was pushed: what runs an image of
// that repository is looked at and updated, and nothing else is asked about.
//
//	WEBHOOK_SECRET=... go run ./examples/webhook 127.0.0.1:8080
//
// updates on the engine that DOCKER_HOST names; registries are told the address
// http://127.0.0.1:8080/v1/webhook?secret=... Pushes are gathered for five seconds. Without
// an address there is an engine in memory, and the program pushes by itself:
//
//	go run ./examples/webhook
//
// prints
//
//	GET / 200 OK
//	POST /v1/webhook 401 Unauthorized
//	POST /v1/webhook 202 Accepted
//	the registry is asked: HEAD /v2/team/web/manifests/1
//	the registry is asked: GET /v2/team/web/manifests/sha256:…
//	the registry is asked: GET /v2/team/web/blobs/sha256:…
//	web is updated
//	scanned=1 updated=1 failed=0 skipped=0 rolled_back=0
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/httpapi"
)

// program is the server and what it serves.
type program struct {
	tower  *watchtower.Tower
	api    *httpapi.Handler
	server *http.Server
}

// newProgram makes a Tower of the options, and the server around it.
func newProgram(secret credentials.Secret, opts ...watchtower.Option) (*program, error) {
	api, err := httpapi.New(
		httpapi.WithEndpoints(httpapi.Webhook, httpapi.Health), // what is not named is not served
		httpapi.WithWebhookSecret(secret),
	)
	if err != nil {
		return nil, err
	}
	tower, err := watchtower.New(append(opts, watchtower.WithObserver(api), watchtower.WithSchedule(never{}))...)
	if err != nil {
		return nil, err
	}
	if err := api.Attach(tower); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/", api)
	mux.Handle("/readyz", api)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "a page of the program's own\n")
	})
	return &program{tower: tower, api: api, server: httpapi.NewServer(mux, nil)}, nil
}

// never is a schedule without a pass: registries say when.
type never struct{}

// Next is no time.
func (never) Next(time.Time) time.Time { return time.Time{} }

// serve serves until ctx ends; then an update in hand is finished or undone. So is what a
// crash left of one, by Run, which has nothing else to do: the next push may be far away.
func (p *program) serve(ctx context.Context, listener net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served, ran := make(chan error, 1), make(chan error, 1)
	go func() { served <- p.server.Serve(listener) }()
	go func() { ran <- p.tower.Run(ctx) }()
	select {
	case err := <-served:
		stop()
		return errors.Join(err, <-ran)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return errors.Join(p.api.Shutdown(ending), p.server.Shutdown(ending), <-ran)
}

// run listens for the webhooks of registries.
func run(ctx context.Context, out io.Writer, address, secret string) error {
	p, err := newProgram(credentials.NewSecret(secret), watchtower.WithObserver(teller(out)))
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "listens on", listener.Addr())
	return p.serve(ctx, listener)
}

// teller is an observer that writes what a pass found and did.
func teller(out io.Writer) watchtower.ObserverFunc {
	return func(_ context.Context, e watchtower.Event) {
		switch e := e.(type) {
		case watchtower.UpdateEnded:
			_, _ = fmt.Fprintln(out, e.Entry.Container.Name, "is", e.Entry.Status)
		case watchtower.PassEnded:
			_, _ = fmt.Fprintln(out, e.Report.Summary())
		default:
		}
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) > 1 {
		err = run(ctx, os.Stdout, os.Args[1], os.Getenv("WEBHOOK_SECRET"))
	} else {
		err = demo(ctx, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}
