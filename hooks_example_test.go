package watchtower_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func ExampleWithLabelHooks() {
	engine := enginetest.New()
	busy := enginetest.Exec{ExitCode: 75, Output: "a backup runs"}
	engine.Publish("db:1", enginetest.Image{Execs: map[string]enginetest.Exec{"/ready-to-go": busy}})
	engine.Run("db", "db:1", lifecycle.Spec{Config: lifecycle.Document{
		"Labels": map[string]any{lifecycle.LabelPreUpdate: "/ready-to-go"},
	}})
	engine.Publish("db:1", enginetest.Image{Env: []string{"VERSION=2"}})

	nobody := 65534
	tower, err := watchtower.New(
		watchtower.WithEngine(engine), watchtower.WithChecker(engine.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithLabelHooks(watchtower.HookUser{UID: &nobody}),
	)
	if err != nil {
		panic(err)
	}
	report, err := tower.Update(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Entries[0].Status, "|", report.Entries[0].Reason)
	// Output: skipped | update db: pre-update hook of db: exit code 75, try later: a backup runs
}

func ExampleWithHook() {
	engine := enginetest.New()
	for _, name := range []string{"api", "db", "web"} {
		engine.Publish(name+":1", enginetest.Image{Env: []string{"OF=" + name}})
		engine.Run(name, name+":1", lifecycle.Spec{})
		engine.Publish(name+":1", enginetest.Image{Env: []string{"OF=" + name, "VERSION=2"}})
	}
	tower, err := watchtower.New(
		watchtower.WithEngine(engine), watchtower.WithChecker(engine.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithStableTime(10*time.Millisecond),
		watchtower.WithHook(lifecycle.PreUpdate, func(_ context.Context, call watchtower.HookCall) watchtower.HookVerdict {
			switch call.Container.Name {
			case "db":
				return watchtower.HookVerdict{Skip: "a backup runs"}
			case "web":
				return watchtower.HookVerdict{Err: errors.New("the load balancer does not answer")}
			}
			return watchtower.HookVerdict{} // go on
		}),
	)
	if err != nil {
		panic(err)
	}
	report, err := tower.Update(context.Background())
	if err != nil {
		panic(err)
	}
	for _, e := range report.Entries {
		fmt.Println(e.Container.Name, e.Status)
		for _, hook := range e.Hooks {
			fmt.Println("  ", hook.Point, "|", hook.Verdict.Skip, "|", hook.Verdict.Err)
		}
	}
	// Output:
	// api updated
	// db skipped
	//    pre-update | a backup runs | <nil>
	// web failed
	//    pre-update |  | the load balancer does not answer
}
