package watchtower_test

import (
	"context"
	"fmt"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func ExampleWithServiceRollback() {
	swarm := enginetest.NewSwarm()
	old := swarm.Publish("app:1", enginetest.Image{})
	spec := serviceSpec("web", "app:1@"+old.String())
	delete(spec, "UpdateConfig") // as most have none
	swarm.CreateService(spec)
	swarm.SetBad("app:1@" + swarm.Publish("app:1", second).String())
	tower, err := watchtower.New(
		watchtower.WithEngine(swarm), watchtower.WithChecker(swarm.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithServiceRollback(true),
	)
	if err != nil {
		panic(err)
	}
	plan, err := tower.Check(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Print(plan.Plan)
	show(context.Background(), tower)
	// Output:
	// services without update settings are rolled back by their swarm if they fail
	// update service web: its reference points at another image
	// web is rolled back its reference points at another image
}
