// Package dockerengine is the lifecycle.Engine that speaks the Docker Engine
// API, to Docker or to anything that answers like it.
//
// FromEnv takes what Docker's own tools take from the environment; New is told
// everything. Neither contacts the engine: it is looked for when it is first
// needed, so that one that comes up later is found.
//
//	engine, err := dockerengine.FromEnv()
//	...
//	containers, err := engine.Containers(ctx)
//
// The API version is negotiated, and again after the engine was replaced under
// a running program. It works from API 1.24 on and uses nothing newer without
// having asked the version first. Configurations travel as the engine's own
// JSON in both directions, so that fields this module has never heard of
// survive.
//
// It is the only package of the module that knows a type of
// github.com/docker/docker, and shows none.
package dockerengine
