package lifecycle_test

import (
	"context"
	"fmt"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func ExampleRecreate() {
	ctx := context.Background()
	engine := enginetest.New()
	engine.Publish("app:1", enginetest.Image{})
	web := engine.Run("web", "app:1", lifecycle.Spec{})
	engine.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
	if err := engine.Pull(ctx, lifecycle.PullOptions{Reference: "app:1"}); err != nil {
		panic(err)
	}
	image, err := engine.InspectImage(ctx, "app:1")
	if err != nil {
		panic(err)
	}

	updater := lifecycle.Recreate(engine, lifecycle.WithStableTime(10*time.Millisecond))
	result, err := updater.Update(ctx, lifecycle.Target{
		Members: []lifecycle.Member{{Container: web, Reference: "app:1", ImageID: image.ID}},
		OnStep:  func(s lifecycle.Step) { fmt.Println(s.Container, s.Action) },
	})
	fmt.Println(result.Members[0].Outcome, err)
	// Output:
	// web create
	// web rename
	// web stop
	// web start
	// web verify
	// web remove
	// updated <nil>
}

func ExampleParseDocument() {
	d, err := lifecycle.ParseDocument([]byte(`{"Memory":67108864,"Env":["A=1"]}`))
	fmt.Println(d["Memory"], d.Texts("Env"), err)
	// Output: 67108864 [A=1] <nil>
}

func ExampleParseProbe() {
	for _, text := range []string{"http://:8080/health", `exec:["/app","check"]`, "tcp://db:5432"} {
		p, err := lifecycle.ParseProbe(text)
		fmt.Println(p, err)
	}
	// Output:
	// http://:8080/health <nil>
	// exec:["/app","check"] <nil>
	//  lifecycle: probe "tcp://db:5432": want exec:COMMAND, http://:PORT/PATH, https://:PORT/PATH or tcp://:PORT, without a host
}

func ExampleHooksOf() {
	hooks, problems := lifecycle.HooksOf(map[string]string{
		lifecycle.LabelPreUpdate:        "/app/drain",
		lifecycle.LabelPreUpdateTimeout: "5",
		lifecycle.LabelHookUID:          "www-data",
	})
	fmt.Println(hooks.Commands[lifecycle.PreUpdate], "|", hooks.Timeout(lifecycle.PreUpdate), "|", hooks.User.UID)
	for _, problem := range problems {
		fmt.Println(problem)
	}
	// Output:
	// /app/drain | 5m0s | <nil>
	// lifecycle: label com.centurylinklabs.watchtower.lifecycle.uid: "www-data": want a number from 0 to 2147483647
}

func ExampleWithProbe() {
	ctx := context.Background()
	engine := enginetest.New()
	engine.Publish("app:1", enginetest.Image{})
	web := engine.Run("web", "app:1", lifecycle.Spec{})
	engine.Publish("app:1", enginetest.Image{Exec: enginetest.Exec{ExitCode: 1, Output: "no database"}})
	if err := engine.Pull(ctx, lifecycle.PullOptions{Reference: "app:1"}); err != nil {
		panic(err)
	}
	image, err := engine.InspectImage(ctx, "app:1")
	if err != nil {
		panic(err)
	}

	ready, err := lifecycle.ParseProbe("exec:/app/ready")
	if err != nil {
		panic(err)
	}
	updater := lifecycle.Recreate(engine, lifecycle.WithProbe(ready, 50*time.Millisecond))
	result, err := updater.Update(ctx, lifecycle.Target{
		Members: []lifecycle.Member{{Container: web, Reference: "app:1", ImageID: image.ID}},
	})
	fmt.Println(result.Members[0].Outcome, "|", result.Members[0].Failure.Probe)
	fmt.Println(err)
	// Output:
	// rolled back | exit code 1: no database
	// update web: verify: probe exec:/app/ready: exit code 1: no database (tried for 50ms); rolled back
}

func ExampleOrderOf() {
	ctx := context.Background()
	engine := enginetest.New()
	engine.Publish("app:1", enginetest.Image{})
	engine.Run("web", "app:1", lifecycle.Spec{HostConfig: lifecycle.Document{
		"PortBindings": map[string]any{"80/tcp": []any{map[string]any{"HostPort": "8080"}}},
	}})
	web, err := engine.Inspect(ctx, "web")
	if err != nil {
		panic(err)
	}
	fmt.Println(lifecycle.OrderOf(web, lifecycle.StartFirst))
	// Output: stop-first it publishes port 80/tcp <nil>
}

func ExampleAmbiguities() {
	ctx := context.Background()
	engine := enginetest.New()
	engine.Publish("app:1", enginetest.Image{Env: []string{"WORKERS=2"}})
	engine.Run("web", "app:1", lifecycle.Spec{Config: lifecycle.Document{"Env": []any{"WORKERS=2"}}})
	old, err := engine.InspectImage(ctx, "app:1")
	if err != nil {
		panic(err)
	}
	engine.Publish("app:2", enginetest.Image{Env: []string{"WORKERS=8"}})
	if err := engine.Pull(ctx, lifecycle.PullOptions{Reference: "app:2"}); err != nil {
		panic(err)
	}
	next, err := lifecycle.InspectImageFor(ctx, engine, "app:2", "")
	if err != nil {
		panic(err)
	}
	web, err := engine.Inspect(ctx, "web")
	if err != nil {
		panic(err)
	}
	for _, a := range lifecycle.Ambiguities(web, old, next) {
		fmt.Println(a)
	}
	// Output: Config.Env.WORKERS: "2" is the old image's default, becomes "8"
}

func ExampleUnfinished() {
	ctx := context.Background()
	engine := enginetest.New()
	engine.Publish("app:1", enginetest.Image{})
	engine.Run("web", "app:1", lifecycle.Spec{})
	containers, err := engine.Containers(ctx)
	if err != nil {
		panic(err)
	}
	for _, c := range containers {
		_, between := lifecycle.Unfinished(c)
		fmt.Println(c.Name, between)
	}
	// Output: web false
}

// A program whose container is called "tower" has itself replaced.
func ExampleNewHandover() {
	ctx := context.Background()
	engine := enginetest.New()
	engine.Publish("tower:1", enginetest.Image{})
	tower := engine.Run("tower", "tower:1", lifecycle.Spec{}) // lifecycle.OwnTraces tells which one that is
	engine.Publish("tower:1", enginetest.Image{Env: []string{"VERSION=2"}})
	if err := engine.Pull(ctx, lifecycle.PullOptions{Reference: "tower:1"}); err != nil {
		panic(err)
	}
	image, err := engine.InspectImage(ctx, "tower:1")
	if err != nil {
		panic(err)
	}

	handover := lifecycle.NewHandover(engine, tower.ID, "/tower", "swap-me")
	target := lifecycle.Target{Members: []lifecycle.Member{{Container: tower, Reference: "tower:1", ImageID: image.ID}}}
	helper, err := handover.Start(ctx, target, lifecycle.HandoverOptions{StableTime: 10 * time.Millisecond})
	if err != nil {
		panic(err)
	}

	// In the helper, which the engine has started as "/tower swap-me HELPER":
	fmt.Println(lifecycle.RunHelper(ctx, engine, helper, nil))
	// Output: updated <nil>
}

func ExampleOwnTraces() {
	engine := enginetest.New()
	id, err := lifecycle.OwnTraces().Self(context.Background(), engine)
	fmt.Printf("%q %v\n", id, err) // none of this engine's containers
	// Output: "" <nil>
}

func ExampleRollOut() {
	swarm := enginetest.NewSwarm()
	swarm.CreateService(lifecycle.Document{
		"Name":         "web",
		"TaskTemplate": map[string]any{"ContainerSpec": map[string]any{"Image": "app:1"}},
	})
	web, err := swarm.Service(context.Background(), "web")
	if err != nil {
		panic(err)
	}
	updater := lifecycle.RollOut(swarm, lifecycle.WithRolloutTimeout(time.Minute))
	result, err := updater.Update(context.Background(), lifecycle.Target{Members: []lifecycle.Member{{
		Container: web.Container(), Reference: "app:1",
		ImageID: "sha256:2222222222222222222222222222222222222222222222222222222222222222",
	}}})
	fmt.Println(result.Members[0].Outcome, err)
	// Output: updated <nil>
}
