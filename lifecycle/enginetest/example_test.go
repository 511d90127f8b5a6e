package enginetest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func ExampleNew() {
	engine := enginetest.New()
	engine.Publish("app:1", enginetest.Image{})
	engine.Run("web", "app:1", lifecycle.Spec{})
	list, err := engine.Containers(context.Background())
	fmt.Println(list[0].Name, list[0].Image, list[0].State, err)
	fmt.Println(engine.Calls())
	// Output:
	// web app:1 running <nil>
	// [Containers]
}

func ExampleEngine_SetFault() {
	engine := enginetest.New()
	engine.Publish("app:1", enginetest.Image{})
	engine.Run("web", "app:1", lifecycle.Spec{})
	engine.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
		if n == 1 {
			return enginetest.After
		}
		return enginetest.None
	})
	fmt.Println(engine.Rename(context.Background(), "web", "www"))
	list, _ := engine.Containers(context.Background())
	fmt.Println(list[0].Name)
	// Output:
	// enginetest: Rename web: a fault after it was done
	// www
}

func ExampleConform() {
	// In a test of the package that has the engine, TestConform say.
	_ = func(t *testing.T) {
		t.Helper()
		enginetest.Conform(t, enginetest.Harness{
			New: func(*testing.T) enginetest.Subject {
				engine := enginetest.New() // an engine of one's own
				engine.Publish("registry.test/runs:1", enginetest.Image{
					Labels: map[string]string{"conform": "image"}, Log: "out\nerr\n",
				})
				return enginetest.Subject{Engine: engine, Images: enginetest.Images{
					Runs:    "registry.test/runs:1",
					Missing: "registry.test/missing:1",
				}}
			},
			Cannot: map[string]string{
				"remove/one that is dead": "no removal fails half way",
			},
		})
	}
}

func ExampleNewProxy() {
	dir, _ := os.MkdirTemp("", "proxy")
	defer func() { _ = os.RemoveAll(dir) }()
	proxy, err := enginetest.NewProxy(filepath.Join(dir, "docker.sock"), "unix:///var/run/docker.sock")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = proxy.Close() }()
	proxy.SetFault(func(n int, c enginetest.Call) enginetest.ProxyFault {
		if n == 3 || c.Method == "Rename" {
			return enginetest.ProxyFault{Fault: enginetest.After, Drop: true} // done, and the caller does not know
		}
		return enginetest.ProxyFault{}
	})
	// Give proxy.Address() to the client under test.
	fmt.Println(proxy.Calls())
	// Output: []
}

func ExampleNewSwarm() {
	swarm := enginetest.NewSwarm()
	id := swarm.CreateService(lifecycle.Document{
		"Name":         "web",
		"TaskTemplate": map[string]any{"ContainerSpec": map[string]any{"Image": "app:1"}},
	})
	swarm.ChangeService(id, func(s *lifecycle.Service) { s.Rollout = lifecycle.RolloutPaused })
	list, err := swarm.Services(context.Background())
	fmt.Println(list[0].Name, list[0].Image(), list[0].Rollout, list[0].Version, err)
	// Output: web app:1 paused 2 <nil>
}
