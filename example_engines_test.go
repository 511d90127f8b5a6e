package watchtower_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

// A Tower for each engine, and one registry client for all of them. In life an engine is
// one of dockerengine.New, with the address, the certificates or the ssh of its host.
func ExampleWithEngineName() {
	nas, vps := enginetest.New(), enginetest.New()
	for _, engine := range []*enginetest.Engine{nas, vps} {
		engine.Publish("app:1", enginetest.Image{})
		engine.Run("web", "app:1", lifecycle.Spec{})
	}
	nas.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})

	client, err := registry.New(registry.WithTransport(nas.Transport()))
	if err != nil {
		panic(err)
	}
	names, reports := []string{"nas", "vps"}, make([]*watchtower.Report, 2)
	var passes sync.WaitGroup
	for i, engine := range []watchtower.Engine{nas, vps} {
		tower, err := watchtower.New(watchtower.WithEngineName(names[i]), watchtower.WithEngine(engine),
			watchtower.WithRegistryClient(client), watchtower.WithCredentials(credentials.Static(nil)))
		if err != nil {
			panic(err)
		}
		passes.Go(func() { // one that hangs keeps only its own waiting
			if report, err := tower.Check(context.Background()); err == nil {
				reports[i] = report
			}
		})
	}
	passes.Wait()
	for _, report := range reports {
		fmt.Println(report.Engine, "has", report.Count(watchtower.StatusStale), "to update")
	}
	// Output:
	// nas has 1 to update
	// vps has 1 to update
}
