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

func ExampleNew() {
	engine := enginetest.New() // without WithEngine: the Docker engine of the environment
	engine.Publish("app:1", enginetest.Image{})
	engine.Run("web", "app:1", lifecycle.Spec{})
	engine.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})

	tower, err := watchtower.New(
		watchtower.WithEngine(engine),
		watchtower.WithChecker(engine.Checker()),
		watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithStableTime(10*time.Millisecond),
		watchtower.WithCleanup(true),
	)
	if err != nil {
		panic(err)
	}
	for _, pass := range []func(context.Context) (*watchtower.Report, error){tower.Check, tower.Update, tower.Update} {
		report, err := pass(context.Background())
		if err != nil {
			panic(err)
		}
		fmt.Println(report.Entries[0].Container.Name, report.Entries[0].Status, "|", report.Summary())
	}
	// Output:
	// web stale | stale=1 scanned=1 updated=0 failed=0 skipped=0 rolled_back=0
	// web updated | scanned=1 updated=1 failed=0 skipped=0 rolled_back=0
	// web fresh | scanned=1 updated=0 failed=0 skipped=0 rolled_back=0
}

func ExampleWithObserver() {
	engine := enginetest.New()
	engine.Publish("app:1", enginetest.Image{})
	engine.Run("web", "app:1", lifecycle.Spec{})
	engine.Publish("app:1", enginetest.Image{StartError: "no such file"})
	tower, err := watchtower.New(
		watchtower.WithEngine(engine), watchtower.WithChecker(engine.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
			if end, ok := e.(watchtower.UpdateEnded); ok {
				fmt.Println(end.Entry.Status, "|", end.Entry.Err)
			}
		})),
	)
	if err != nil {
		panic(err)
	}
	if _, err := tower.Update(context.Background()); err != nil {
		panic(err)
	}
	// Output: rolled back | watchtower: update web: start: enginetest: no such file; rolled back
}

func ExampleEvery() {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	fmt.Println(watchtower.Every(90 * time.Minute).Next(noon).Format(time.TimeOnly))
	// Output: 13:30:00
}

func ExampleCron() {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	nightly, err := watchtower.Cron("30 2 * * MON-FRI", paris)
	if err != nil {
		panic(err)
	}
	sunday := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	fmt.Println(nightly, "is next at", nightly.Next(sunday).Format(time.RFC3339))

	_, err = watchtower.Cron("30 25 * * *", nil)
	fmt.Println(err)
	// Output:
	// 30 2 * * MON-FRI is next at 2026-03-02T02:30:00+01:00
	// watchtower: cron "30 25 * * *": hour "25": want 0-23, with * for all, ranges, lists and steps
}

func ExampleJitter() {
	nightly, err := watchtower.Cron("0 4 * * *", time.UTC)
	if err != nil {
		panic(err)
	}
	spread := watchtower.Jitter(nightly, 30*time.Minute)
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	fmt.Println(spread.Next(noon).Truncate(30 * time.Minute).Format(time.DateTime))
	// Output: 2026-01-02 04:00:00
}
