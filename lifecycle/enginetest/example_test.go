package enginetest_test

import (
	"context"
	"fmt"

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
