package dockerengine_test

import (
	"context"
	"fmt"

	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

func ExampleNew() {
	engine, err := dockerengine.New(dockerengine.WithHost("unix:///nowhere/docker.sock"))
	if err != nil {
		panic(err)
	}
	fmt.Println(engine.Ping(context.Background()))
	// Output: dockerengine: ping: no engine at unix:///nowhere/docker.sock: no such socket
}

func ExampleFromEnv() {
	engine, err := dockerengine.FromEnv(dockerengine.WithAPIVersion("newest"))
	fmt.Println(engine == nil, err)
	// Output: true dockerengine: WithAPIVersion: "newest": want an API version such as 1.41
}
