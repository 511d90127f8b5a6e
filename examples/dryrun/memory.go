package main

import (
	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// inMemory is an engine with a container of each kind, and its registry.
func inMemory() []watchtower.Option {
	engine := enginetest.New()
	version := func(v string, env ...string) enginetest.Image {
		return enginetest.Image{Env: env, Labels: map[string]string{
			"org.opencontainers.image.version": v, "org.opencontainers.image.source": "https://example.com/src",
		}}
	}
	engine.Publish("web:1", version("1.4.2"))
	engine.Publish("postgres:latest", version("16.1", "PG_MAJOR=16"))
	engine.Publish("cache:7", enginetest.Image{})
	engine.Build("mail:1", enginetest.Image{})
	for name, image := range map[string]string{"web": "web:1", "db": "postgres:latest", "cache": "cache:7", "mail": "mail:1"} {
		engine.Run(name, image, lifecycle.Spec{})
	}
	engine.Publish("web:1", version("1.5.0"))
	engine.Publish("postgres:latest", version("17.0", "PG_MAJOR=17"))
	return []watchtower.Option{
		watchtower.WithEngine(engine), watchtower.WithChecker(engine.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
	}
}
