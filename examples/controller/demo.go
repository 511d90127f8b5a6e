package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// demo has two engines in memory. On the first a container needs a yes, and the world
// moves before it comes; the second does not answer at first, and what runs there is
// approved by its label.
func demo(ctx context.Context, out io.Writer) error {
	shop, edge := enginetest.New(), enginetest.New()
	shop.Publish("web:1", enginetest.Image{})
	shop.Run("web", "web:1", lifecycle.Spec{})
	shop.Publish("web:1", enginetest.Image{Env: []string{"VERSION=2"}})
	edge.Publish("proxy:1", enginetest.Image{})
	edge.Run("proxy", "proxy:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{"example.approve": "auto"}}})
	edge.Publish("proxy:1", enginetest.Image{Env: []string{"VERSION=2"}})

	hosts := map[string]host{}
	for name, engine := range map[string]*enginetest.Engine{"shop": shop, "edge": edge} {
		tower, err := watchtower.New(
			watchtower.WithEngine(engine), watchtower.WithChecker(engine.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
			watchtower.WithStableTime(10*time.Millisecond),
		)
		if err != nil {
			return err
		}
		hosts[name] = tower
	}
	hosts["edge"] = &waking{host: hosts["edge"], after: 2}

	// One host after the other, so that this prints the same each time.
	for _, name := range []string{"shop", "edge"} {
		c := newController(map[string]host{name: hosts[name]}, 10*time.Millisecond, time.Second, time.Minute)
		c.policy = automatic
		ctx, cancel := context.WithCancel(ctx)
		tell, asked := teller(out), 0
		c.tell = func(host, text string) {
			tell(host, text)
			id, waits := strings.CutPrefix(text, "plan ")
			id, _, asks := strings.Cut(id, " waits for a yes\n")
			switch {
			case waits && asks:
				if asked++; asked == 1 {
					_, _ = fmt.Fprintln(out, "somebody pushes web:1 once more")
					shop.Publish("web:1", enginetest.Image{Env: []string{"VERSION=3"}})
				}
				_, _ = fmt.Fprintln(out, "somebody says yes to", id)
				if err := c.approve(id); err != nil {
					tell(host, err.Error())
				}
			case strings.HasPrefix(text, "nothing to do"):
				cancel()
			}
		}
		c.run(ctx, 1)
		cancel()
	}
	return nil
}

// waking is a host that does not answer at first.
type waking struct {
	host
	after int
}

// Check fails so many times.
func (w *waking) Check(ctx context.Context) (*watchtower.Report, error) {
	if w.after--; w.after >= 0 {
		return nil, fmt.Errorf("edge does not answer: %w", errdefs.ErrUnavailable)
	}
	return w.host.Check(ctx)
}
