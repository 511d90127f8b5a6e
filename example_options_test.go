package watchtower_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/tags"
)

// behind is, for the examples, a tower on an engine in memory with two containers
// whose image moved.
func behind(opts ...watchtower.Option) *watchtower.Tower {
	engine := enginetest.New()
	engine.Publish("app:1", enginetest.Image{})
	engine.Run("web", "app:1", lifecycle.Spec{})
	engine.Run("db", "app:1", lifecycle.Spec{})
	engine.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
	tower, err := watchtower.New(append([]watchtower.Option{
		watchtower.WithEngine(engine), watchtower.WithChecker(engine.Checker()),
		watchtower.WithCredentials(credentials.Static(nil)), watchtower.WithStableTime(10 * time.Millisecond),
	}, opts...)...)
	if err != nil {
		panic(err)
	}
	return tower
}

// show makes an update and prints what became of each container.
func show(ctx context.Context, tower *watchtower.Tower) {
	report, err := tower.Update(ctx)
	if err != nil {
		panic(err)
	}
	for _, e := range report.Entries {
		fmt.Println(strings.TrimSpace(fmt.Sprint(e.Container.Name, " is ", e.Status, " ", e.Reason)))
	}
}

func ExampleWithFilter() {
	show(context.Background(), behind(watchtower.WithFilter(
		filter.Enabled(false),
		filter.Func(func(c watchtower.Container) bool { return strings.HasPrefix(c.Name, "web") }),
	)))
	// Output:
	// db is skipped refused by a filter
	// web is updated
}

func ExampleWithGate() {
	tomorrow := gate.Func(func(_ context.Context, c gate.Candidate) (gate.Decision, error) {
		if c.Container.Name == "db" {
			return gate.Decision{Verdict: gate.Hold, Reason: "after the backup", Until: c.At.AddDate(0, 0, 1)}, nil
		}
		return gate.Decision{}, nil
	})
	show(context.Background(), behind(watchtower.WithGate(gate.NoMajorJump(), tomorrow)))
	// Output:
	// db is held after the backup
	// web is updated
}

func ExampleWithTagPolicy() {
	policy, err := tags.Parse("semver:^1.2")
	if err != nil {
		panic(err)
	}
	// A container created from app:1.2 moves to app:1.3 once there is one, and never to app:2.0.
	_, err = watchtower.New(watchtower.WithTagPolicy(policy), watchtower.WithEngine(enginetest.New()))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithUpdater() {
	// An updater of one's own wraps the default one, or does something else altogether.
	careful := lifecycle.UpdaterFunc(func(_ context.Context, t lifecycle.Target) (lifecycle.Result, error) {
		return lifecycle.Result{}, fmt.Errorf("ticket needed for %s", t.Members[0].Container.Name)
	})
	report, err := behind(watchtower.WithUpdater(careful)).Update(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Err())
	// Output:
	// watchtower: ticket needed for db
	// watchtower: ticket needed for web
}

func ExampleWithLogger() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey, "took":
				return slog.Attr{}
			}
			return a
		},
	}))
	if _, err := behind(watchtower.WithLogger(logger), watchtower.WithFilter(filter.Not(filter.Enabled(false)))).
		Check(context.Background()); err != nil {
		panic(err)
	}
	// Output: level=INFO msg="check done" scanned=0 updated=0 failed=0 skipped=2 rolled_back=0 stale=0
}

func ExampleOnce() {
	// What is told to people is told once, however often it is found; in a directory in
	// the place of "", beyond this process.
	observer, err := watchtower.Once("", watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
		if found, ok := e.(watchtower.UpdateFound); ok {
			fmt.Println("there is an update for", found.Entry.Container.Name)
		}
	}), nil)
	if err != nil {
		panic(err)
	}
	tower := behind(watchtower.WithObserver(observer), watchtower.WithMonitorOnly(true))
	for range 3 {
		if _, err := tower.Update(context.Background()); err != nil {
			panic(err)
		}
	}
	// Output:
	// there is an update for db
	// there is an update for web
}

func ExampleAudit() {
	// A file that is appended to, for anybody else. The times are left out here.
	var file bytes.Buffer
	tower := behind(watchtower.WithObserver(watchtower.Audit(&file, nil)), watchtower.WithFilter(filter.Func(
		func(c watchtower.Container) bool { return c.Name == "web" },
	)))
	if _, err := tower.Update(context.Background()); err != nil {
		panic(err)
	}
	for line := range strings.Lines(file.String()) {
		var l struct{ Event, Container, Action string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			panic(err)
		}
		fmt.Println(strings.TrimSpace(fmt.Sprint(l.Event, " ", l.Container, " ", l.Action)))
	}
	// Output:
	// pull
	// step web create
	// step web rename
	// step web stop
	// step web start
	// step web verify
	// step web remove
	// updated web
}

func ExampleEventID() {
	web := watchtower.Entry{Container: watchtower.Container{Name: "web"}, Latest: "sha256:1"}
	fmt.Println(watchtower.EventID(watchtower.UpdateFound{At: time.Now(), Entry: web}))
	fmt.Println(watchtower.EventID(watchtower.UpdateFound{At: time.Now().Add(time.Hour), Entry: web}))
	// Output:
	// 216b89949882a74f
	// 216b89949882a74f
}

func ExampleWithRegistryOptions() {
	_, err := watchtower.New(
		watchtower.WithEngine(enginetest.New()),
		watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithRegistryOptions(
			registry.WithTimeout(10*time.Second), registry.WithHostConcurrency(4), registry.WithMirrors("https://mirror.example"),
		),
	)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithStateDirectory() {
	dir, err := os.MkdirTemp("", "watchtower")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	memory, err := gate.OpenMemory(dir, nil)
	if err != nil {
		panic(err)
	}
	// What failed, and since when an image is known, outlives the process.
	show(context.Background(), behind(watchtower.WithStateDirectory(dir), watchtower.WithGate(gate.Unless(
		gate.Cooldown(72*time.Hour, memory),
		gate.Func(func(_ context.Context, c gate.Candidate) (gate.Decision, error) {
			if c.Container.Name != "web" {
				return gate.Decision{Verdict: gate.Hold, Reason: "not urgent"}, nil
			}
			return gate.Decision{}, nil
		}),
	))))
	// Output:
	// db is held not urgent
	// web is updated
}

// weekly is a schedule of one's own; those of cron libraries have the same method.
type weekly time.Weekday

func (w weekly) Next(after time.Time) time.Time {
	days := (int(w) - int(after.Weekday()) + 7) % 7
	if days == 0 {
		days = 7
	}
	return after.AddDate(0, 0, days)
}

func ExampleWithSchedule() {
	tower := behind(watchtower.WithSchedule(weekly(time.Sunday)), watchtower.WithPassAtStart(true))
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // a real program ends with a signal
	fmt.Println(tower.Run(ctx))
	// Output: <nil>
}

// frozen is a clock that stands still.
type frozen time.Time

func (f frozen) Now() time.Time                        { return time.Time(f) }
func (f frozen) Wait(ctx context.Context, _ time.Time) { <-ctx.Done() }

func ExampleWithClock() {
	tower := behind(watchtower.WithClock(frozen(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))))
	report, err := tower.Check(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Started.Year(), report.Ended.Sub(report.Started))
	// Output: 2030 0s
}

func ExampleTower_ApplyID() {
	tower := behind()
	report, err := tower.Check(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Print(report.Plan) // what somebody reads, and says yes to
	yes := report.Plan.ID()
	report, err = tower.ApplyID(context.Background(), yes)
	fmt.Println(report.Summary(), err)
	_, err = tower.ApplyID(context.Background(), yes)
	fmt.Println("again:", err != nil)
	// Output:
	// pull docker.io/library/app:1 at sha256:9abb26b09f9f24b6ab06500104ab03d90b974a38598da60b160b39bb4bcd5044
	// replace db: its reference points at another image
	// replace web: its reference points at another image
	// scanned=2 updated=2 failed=0 skipped=0 rolled_back=0 <nil>
	// again: true
}

func ExampleTower_Apply() {
	tower := behind(watchtower.WithStopTimeout(5*time.Second), watchtower.WithRolling(true))
	report, err := tower.Check(context.Background())
	if err != nil {
		panic(err)
	}
	plan := report.Plan
	if report, err = tower.Apply(context.Background(), plan); err != nil {
		panic(err)
	}
	fmt.Println(report.Summary())
	_, err = tower.Apply(context.Background(), plan)
	fmt.Println(err)
	// Output:
	// scanned=2 updated=2 failed=0 skipped=0 rolled_back=0
	// watchtower: update: the world has moved since the plan was made: db is not the container that was judged
}

// A part that is not there, or a value that cannot be, is told of by New, all at once.
func ExampleOption() {
	_, err := watchtower.New(
		watchtower.WithInterval(0), watchtower.WithConcurrency(-1), watchtower.WithCheckTimeout(time.Minute),
		watchtower.WithPullTimeout(-time.Second), watchtower.WithStates("asleep"), watchtower.WithUpdateOrder("any"),
	)
	fmt.Println(err)
	// Output:
	// watchtower: WithInterval: 0s: want at least 1s
	// watchtower: WithConcurrency: -1: want at least 1
	// watchtower: WithPullTimeout: -1s: want more than 0
	// watchtower: WithStates: asleep: want created, running, paused, restarting or exited
	// watchtower: WithUpdateOrder: "any": want stop-first or start-first
}
