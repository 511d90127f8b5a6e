// Controller shows a work queue and plans that somebody says yes to, as a controller of
// Kubernetes does it, on the standard library: a queue of hosts (queue.go), and a loop
// that looks, asks, and does what was approved and nothing else (controller.go). A plan is
// approved by its ID. Where the world has moved since, the yes was to something else: it
// is refused, and the host is looked at again. What fails is tried again, each time after
// twice as long.
//
//	go run ./examples/controller -docker
//
// watches the engine that DOCKER_HOST names, shows plans, and reads IDs, a line each, from
// its standard input; containers with the label example.approve=auto need none. Without
// the flag there are two engines in memory, and a person who is not quite in time:
//
//	go run ./examples/controller
//
// prints
//
//	shop: plan 2cd5d05f3b4e045e waits for a yes
//	shop: pull docker.io/library/web:1 at sha256:…
//	shop: replace web: its reference points at another image
//	somebody pushes web:1 once more
//	somebody says yes to 2cd5d05f3b4e045e
//	shop: plan 2cd5d05f3b4e045e is refused: watchtower: update: the world has moved since the plan was made: the plan is no longer 2cd5d05f3b4e045e but 07ad434a4ced9658:
//	shop: pull docker.io/library/web:1 at sha256:…
//	shop: replace web: its reference points at another image
//	shop: plan 07ad434a4ced9658 waits for a yes
//	shop: pull docker.io/library/web:1 at sha256:…
//	shop: replace web: its reference points at another image
//	somebody says yes to 07ad434a4ced9658
//	shop: plan 07ad434a4ced9658 is applied: scanned=1 updated=1 failed=0 skipped=0 rolled_back=0
//	shop: nothing to do: stale=0 scanned=1 updated=0 failed=0 skipped=0 rolled_back=0
//	edge: again in 10ms: edge does not answer: unavailable
//	edge: again in 20ms: edge does not answer: unavailable
//	edge: plan d2eebe33ccfc4c5f is applied: scanned=1 updated=1 failed=0 skipped=0 rolled_back=0
//	edge: nothing to do: stale=0 scanned=1 updated=0 failed=0 skipped=0 rolled_back=0
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
)

// automatic says yes to a plan if every container in it has the label that says so.
func automatic(r *watchtower.Report) bool {
	waved := map[string]bool{}
	for _, e := range r.Entries {
		waved[e.Container.ID] = e.Container.Labels["example.approve"] == "auto"
	}
	for _, g := range r.Plan.Groups {
		for _, m := range g.Members {
			if !waved[m.ID] {
				return false
			}
		}
	}
	return true
}

// teller writes what hosts have to say, whole texts, each line with its host.
func teller(out io.Writer) func(host, text string) {
	var mu sync.Mutex
	return func(host, text string) {
		mu.Lock()
		defer mu.Unlock()
		for line := range strings.Lines(strings.TrimSuffix(text, "\n")) {
			_, _ = fmt.Fprintf(out, "%s: %s\n", host, strings.TrimSuffix(line, "\n"))
		}
	}
}

// run watches the engine of the environment: of its containers those named, all if none is.
// Each line that comes in is a yes.
func run(ctx context.Context, in io.Reader, out io.Writer, every time.Duration, names ...string) error {
	only, err := filter.Names(names...)
	if err != nil {
		return err
	}
	tower, err := watchtower.New(watchtower.WithFilter(only), watchtower.WithStableTime(2*time.Second))
	if err != nil {
		return err
	}
	c := newController(map[string]host{"docker": tower}, time.Second, time.Minute, every)
	c.policy, c.tell = automatic, teller(out)
	go func() { // ends with the process: a read cannot be cut short
		for lines := bufio.NewScanner(in); lines.Scan(); {
			if err := c.approve(strings.TrimSpace(lines.Text())); err != nil {
				c.tell("docker", err.Error())
			}
		}
	}()
	c.run(ctx, 1)
	return nil
}

func main() {
	docker := flag.Bool("docker", false, "watch the engine that DOCKER_HOST names, and read plan IDs from standard input")
	every := flag.Duration("every", 5*time.Minute, "how often to look without a reason")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *docker {
		err = run(ctx, os.Stdin, os.Stdout, *every, flag.Args()...)
	} else {
		err = demo(ctx, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
