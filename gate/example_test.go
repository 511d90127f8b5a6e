package gate_test

import (
	"context"
	"fmt"
	"time"

	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
)

func ExampleAll() {
	night, err := gate.ParseWindow("Mon-Fri 02:00-05:00 UTC")
	if err != nil {
		panic(err)
	}
	noProduction := gate.Func(func(_ context.Context, c gate.Candidate) (gate.Decision, error) {
		if c.Container.Labels["stage"] == "production" {
			return gate.Decision{Verdict: gate.Reject, Reason: "production is updated by its pipeline"}, nil
		}
		return gate.Decision{}, nil
	})
	both := gate.All(gate.Within(night), noProduction)
	for _, stage := range []string{"test", "production"} {
		d, err := both.Judge(context.Background(), gate.Candidate{
			At:        time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC),
			Container: lifecycle.Container{Name: "web", Labels: map[string]string{"stage": stage}},
		})
		fmt.Println(d.Verdict, d.Reason, err)
	}
	// Output:
	// hold outside its window (Mon-Fri 02:00-05:00 UTC) <nil>
	// reject production is updated by its pipeline <nil>
}

func ExampleParseWindow() {
	w, err := gate.ParseWindow("Sat 22:00-06:00 UTC")
	if err != nil {
		panic(err)
	}
	fmt.Println(w.Next(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)))
	// Output: 2026-03-07 22:00:00 +0000 UTC
}

func ExampleCooldown() {
	threeDays := gate.Cooldown(72*time.Hour, nil) // with OpenMemory it outlives the process
	monday := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, day := range []int{0, 3} {
		d, err := threeDays.Judge(context.Background(), gate.Candidate{
			At: monday.AddDate(0, 0, day), Reference: "docker.io/library/nginx:1", Digest: "sha256:…",
		})
		fmt.Println(d.Accepted(), d.Reason, err)
	}
	// Output:
	// false cooling down: first seen 2026-03-02T12:00:00Z, to wait 72h0m0s <nil>
	// true  <nil>
}

func ExampleWithinByLabel() {
	night, err := gate.ParseWindow("02:00-05:00 UTC")
	if err != nil {
		panic(err)
	}
	g := gate.WithinByLabel(gate.Within(night)) // nil: those without a label move at any time
	for _, label := range []string{"", "12:00-13:00 UTC"} {
		d, err := g.Judge(context.Background(), gate.Candidate{
			At:        time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC),
			Container: lifecycle.Container{Name: "web", Labels: map[string]string{gate.WindowLabel: label}},
		})
		fmt.Println(d.Accepted(), d.Reason, err)
	}
	// Output:
	// false outside its window (02:00-05:00 UTC) <nil>
	// true  <nil>
}

func ExampleCooldownByLabel() {
	g := gate.CooldownByLabel(72*time.Hour, nil) // with OpenMemory it outlives the process
	for _, label := range []string{"", "1w", "0"} {
		d, err := g.Judge(context.Background(), gate.Candidate{
			At: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), Reference: "docker.io/library/nginx:1", Digest: "sha256:…",
			Container: lifecycle.Container{Name: "web", Labels: map[string]string{gate.CooldownLabel: label}},
		})
		fmt.Println(d.Accepted(), d.Reason, err)
	}
	// Output:
	// false cooling down: first seen 2026-03-02T12:00:00Z, to wait 72h0m0s <nil>
	// false cooling down: first seen 2026-03-02T12:00:00Z, to wait 168h0m0s <nil>
	// true  <nil>
}

func ExampleParseDelay() {
	for _, text := range []string{"1w12h", "3 days"} {
		fmt.Println(gate.ParseDelay(text))
	}
	// Output:
	// 180h0m0s <nil>
	// 0s gate: delay "3 days": want a duration like 12h, 3d or 1w12h, in ns, us, ms, s, m, h, d (24h), w (7d) and M (30d), or 0 for none
}

func ExampleOpenMemory() {
	_, err := gate.OpenMemory("/no/such/directory", nil)
	fmt.Println(err)
	// Output: gate: OpenMemory: "/no/such/directory": want a directory that is there
}

func ExampleOpenApprovals() {
	_, err := gate.OpenApprovals("/no/such/directory", nil)
	fmt.Println(err)
	// Output: gate: OpenApprovals: "/no/such/directory": want a directory that is there
}

func ExampleApprovals() {
	const digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	var approvals gate.Approvals
	for range 2 {
		d, err := approvals.Judge(context.Background(), gate.Candidate{Digest: digest})
		fmt.Println(d.Verdict, err)
		if err := approvals.Approve(digest); err != nil {
			panic(err)
		}
	}
	// Output:
	// hold <nil>
	// accept <nil>
}

func ExampleNoMajorJump() {
	var approvals gate.Approvals
	g := gate.Unless(&approvals, gate.NoMajorJump())
	d, err := g.Judge(context.Background(), gate.Candidate{
		Reference: "docker.io/library/postgres:latest",
		Current:   &gate.Metadata{Env: []string{"PG_MAJOR=16"}},
		Next:      &gate.Metadata{Env: []string{"PG_MAJOR=17"}},
	})
	fmt.Println(d.Verdict, d.Reason, err)
	// Output: hold postgres keeps data, and this is major version 17 after 16 <nil>
}

func ExampleWithin() {
	night, err := gate.ParseWindow("02:00-05:00 UTC")
	if err != nil {
		panic(err)
	}
	d, err := gate.Within(night).Judge(context.Background(), gate.Candidate{At: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)})
	fmt.Println(d.Verdict, d.Until, err)
	// Output: hold 2026-03-03 02:00:00 +0000 UTC <nil>
}
