// Bluegreen shows an own updater: a service behind a reverse proxy, whose new container
// is started beside the old one, in the other colour. The proxy is turned to it once it
// answers, and back if it does not go on to; no request is cut off. The proxy is
// httputil's (proxy.go), the updater is built on lifecycle.Engine (updater.go, spec.go).
//
//	docker run -d --name web-blue --label example.bluegreen=web my/web:1
//	go run ./examples/bluegreen -docker -service web -port 8080 -listen 127.0.0.1:8000
//
// serves what listens on port 8080 of web-blue, on the engine that DOCKER_HOST names, and
// updates it. It must run where containers' addresses can be reached: on the engine's
// host, or in a container on their network. Without the flag there is an engine in memory:
//
//	go run ./examples/bluegreen
//
// prints
//
//	VERSION=1 is published
//	  the proxy answers VERSION=1
//	  web-blue is running, with MODE=production VERSION=1
//	VERSION=2 is published
//	  create web-green
//	  start web-green
//	  verify web-green
//	  turn to web-green
//	  remove web-blue
//	  web-blue is updated
//	  the proxy answers VERSION=2
//	  web-green is running, with MODE=production VERSION=2
//	VERSION=3 is published
//	  create web-blue
//	  start web-blue
//	  verify web-blue
//	  roll back web-blue
//	  web-green is rolled back
//	  watchtower: blue-green web-green: aborted: not ready within 5s: it answers 500 Internal Server Error
//	  the proxy answers VERSION=2
//	  web-green is running, with MODE=production VERSION=2
//	VERSION=4 is published
//	  create web-blue
//	  start web-blue
//	  verify web-blue
//	  turn to web-blue
//	  roll back web-blue
//	  web-green is rolled back
//	  watchtower: blue-green web-green: aborted: it answers 500 Internal Server Error
//	  the proxy answers VERSION=2
//	  web-green is running, with MODE=production VERSION=2
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// teller is an observer that writes what is done, and how it ended.
func teller(out io.Writer) watchtower.Observer {
	return watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
		switch e := e.(type) {
		case watchtower.StepStarted:
			_, _ = fmt.Fprintf(out, "  %s %s\n", e.Step.Action, e.Step.Container)
		case watchtower.UpdateEnded:
			_, _ = fmt.Fprintf(out, "  %s is %s\n", e.Entry.Container.Name, e.Entry.Status)
			if e.Entry.Err != nil {
				_, _ = fmt.Fprintf(out, "  %v\n", e.Entry.Err)
			}
		default:
		}
	})
}

// onNetwork is where a container serves that has a network: at its first address there.
func onNetwork(port int) func(lifecycle.Snapshot) (*url.URL, error) {
	return func(c lifecycle.Snapshot) (*url.URL, error) {
		var addresses []string
		for _, endpoint := range c.Networks {
			if address := endpoint.Text("IPAddress"); address != "" {
				addresses = append(addresses, address)
			}
		}
		if len(addresses) == 0 {
			return nil, errors.New("it has no address")
		}
		return &url.URL{Scheme: "http", Host: net.JoinHostPort(slices.Min(addresses), strconv.Itoa(port))}, nil
	}
}

// settings are what the flags say.
type settings struct {
	docker               bool
	name, listen         string
	port                 int
	every, soak, timeout time.Duration
}

// run serves and updates one service of the engine of the environment, until ctx ends.
func run(ctx context.Context, out io.Writer, s settings) error {
	if !s.docker {
		return demo(ctx, out)
	}
	engine, err := dockerengine.FromEnv()
	if err != nil {
		return err
	}
	mine, err := filter.Labels(service + "=" + s.name)
	if err != nil {
		return err
	}
	b := &blueGreen{
		engine: engine, proxy: &proxy{}, address: onNetwork(s.port), within: s.timeout, soak: s.soak, drain: s.timeout,
	}
	tower, err := watchtower.New(
		watchtower.WithEngine(engine), watchtower.WithFilter(mine), watchtower.WithUpdater(b),
		watchtower.WithInterval(s.every), watchtower.WithPassAtStart(true), watchtower.WithObserver(teller(out)),
	)
	if err != nil {
		return err
	}
	if err := b.resume(ctx, s.name); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: b.proxy, ReadHeaderTimeout: 5 * time.Second}
	_, _ = fmt.Fprintln(out, "serves", s.name, "on", listener.Addr())
	served := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		served <- server.Serve(listener)
		cancel()
	}()
	err = errors.Join(tower.Run(ctx), server.Close()) // a swap in hand is finished or undone first
	if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	return err
}

func main() {
	var s settings
	flag.BoolVar(&s.docker, "docker", false, "update on the engine that DOCKER_HOST names")
	flag.StringVar(&s.name, "service", "web", "the value of the label "+service)
	flag.StringVar(&s.listen, "listen", "127.0.0.1:8000", "where the proxy listens")
	flag.IntVar(&s.port, "port", 80, "what the service listens on, in its containers")
	flag.DurationVar(&s.every, "every", 5*time.Minute, "how often to look")
	flag.DurationVar(&s.timeout, "timeout", 30*time.Second, "how long a new container may take to answer, and a request to end")
	flag.DurationVar(&s.soak, "soak", 10*time.Second, "how long a new container has to go on answering")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
