// Package enginehost gives tests a real engine and a real registry.
//
//	func TestMain(m *testing.M) { os.Exit(enginehost.Run(m)) }
//
//	func TestSwap(t *testing.T) {
//		host := enginehost.Engine(t)
//		reg := enginehost.StartRegistry(t)
//		reg.Push(t, "app:1", enginehost.Image{Env: []string{"VERSION=1"}})
//		...
//	}
//
// As root, with dockerd and docker-registry installed, Run executes the test
// binary once more in network, mount and process name spaces of its own and
// starts a dockerd there: ports, bridges, rules and /etc/docker are the test's,
// and nothing is left behind. Otherwise the engine DOCKER_HOST names is used.
// Where there is neither, Engine skips the test with a loud reason, and fails it
// if the environment says CI=true or WATCHTOWER_TEST_ENGINE=required.
package enginehost
