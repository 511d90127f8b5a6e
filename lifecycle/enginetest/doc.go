// Package enginetest has an engine in memory, for tests of what is built on the
// lifecycle package and for its own.
//
//	engine := enginetest.New()
//	engine.Publish("app:1", enginetest.Image{})
//	engine.Run("web", "app:1", lifecycle.Spec{})
//	engine.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
//	tower, err := watchtower.New(
//		watchtower.WithEngine(engine), watchtower.WithChecker(engine.Checker()), ...)
//
// It answers as Docker 20.10 does where a swap depends on it: unique names,
// calls by a former name, containers that remove themselves, failed starts,
// anonymous volumes, a moved tag. What an image does once it is started is part
// of the image. Time is the process's clock, read when somebody looks, so that
// testing/synctest drives it.
//
// Calls are kept, and each that changes something can be made to fail, before
// or after it was done. Proxy does the same to calls on their way to a real
// Docker engine.
//
// Conform is for those who write an engine of their own: it tries what
// lifecycle.Engine promises, case by case, and keeps a list of what an engine
// cannot do true.
package enginetest
