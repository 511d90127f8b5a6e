package watchtower_test

import (
	"context"
	"fmt"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// overtaken updates, for the examples, an engine in memory with one container whose
// image moved, and returns what was said of it.
func overtaken(ctx context.Context, labels map[string]any, opts ...watchtower.Option) (watchtower.Entry, lifecycle.State) {
	engine := enginetest.New()
	engine.Publish("app:1", enginetest.Image{})
	engine.Run("web", "app:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": labels}})
	engine.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
	tower, err := watchtower.New(append([]watchtower.Option{
		watchtower.WithEngine(engine), watchtower.WithChecker(engine.Checker()),
		watchtower.WithCredentials(credentials.Static(nil)), watchtower.WithStableTime(10 * time.Millisecond),
	}, opts...)...)
	if err != nil {
		panic(err)
	}
	report, err := tower.Update(ctx)
	if err != nil {
		panic(err)
	}
	now, err := engine.Inspect(ctx, "web")
	if err != nil {
		panic(err)
	}
	return report.Entries[0], now.State
}

func ExampleWithMonitorOnly() {
	web, _ := overtaken(context.Background(), nil, watchtower.WithMonitorOnly(true))
	fmt.Println(web.Status, "-", web.Reason)
	// Output: stale - only monitored: its reference points at another image
}

func ExampleWithLabelPrecedence() {
	never := map[string]any{watchtower.MonitorOnlyLabel: "false"}
	web, _ := overtaken(context.Background(), never, watchtower.WithMonitorOnly(true), watchtower.WithLabelPrecedence(true))
	fmt.Println(web.Status)
	// Output: updated
}

func ExampleWithNoPull() {
	web, _ := overtaken(context.Background(), nil, watchtower.WithNoPull(true))
	fmt.Println(web.Status) // nobody pulled what the registry has
	// Output: fresh
}

func ExampleWithNoRestart() {
	web, state := overtaken(context.Background(), nil, watchtower.WithNoRestart(true))
	fmt.Println(web.Status, "-", state)
	// Output: updated - created
}

func ExamplePolicy() {
	web, _ := overtaken(context.Background(), map[string]any{lifecycle.LabelStopSignal: "SIGINT"}, watchtower.WithStopTimeout(time.Minute))
	fmt.Print(web.Policy.Said())
	// Output:
	// stop-signal   SIGINT  label com.centurylinklabs.watchtower.stop-signal
	// stop-timeout  1m0s    option
	// stable-time   10ms    option
}
