package swarmtest_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

func TestMain(m *testing.M) { os.Exit(enginehost.Run(m)) }

// object is a JSON object of the engine's API.
type object = enginehost.Object

// tower watches the services of the given names, and what a manager runs besides.
func tower(t *testing.T, address string, names []string, opts ...watchtower.Option) *watchtower.Tower {
	t.Helper()
	engine, err := dockerengine.New(dockerengine.WithHost(address))
	require.NoError(t, err)
	mine, err := filter.Names(names...)
	require.NoError(t, err)
	tw, err := watchtower.New(append([]watchtower.Option{watchtower.WithEngine(engine), watchtower.WithFilter(mine)}, opts...)...)
	require.NoError(t, err)
	return tw
}

// pass is one pass, and what it says of a service.
func pass(t *testing.T, tw *watchtower.Tower, name string) watchtower.Entry {
	t.Helper()
	r, err := tw.Update(t.Context())
	require.NoError(t, err)
	return entry(t, r, name)
}

func entry(t *testing.T, r *watchtower.Report, name string) watchtower.Entry {
	t.Helper()
	for _, e := range r.Entries {
		if e.Container.Name == name {
			return e
		}
	}
	require.Fail(t, "no entry for "+name)
	return watchtower.Entry{}
}

// aServiceOf is the body of a service's create call, as `docker service create` makes it.
func aServiceOf(name, image string, replicas int) object {
	return object{
		"Name": name, "Labels": object{"tier": "front"}, "EndpointSpec": object{"Mode": "dnsrr"},
		"TaskTemplate": object{
			"ContainerSpec": object{"Image": image, "Env": []string{"MINE=1"}, "Labels": object{"x": "y"}, "StopGracePeriod": 2 * time.Second},
			"RestartPolicy": object{"Condition": "any", "Delay": 200 * time.Millisecond},
		},
		"Mode":         object{"Replicated": object{"Replicas": replicas}},
		"UpdateConfig": object{"Parallelism": 2, "FailureAction": "rollback", "Monitor": time.Second, "Order": "stop-first"},
	}
}

// version is an image that differs from others in its text.
func version(n int) enginehost.Image {
	return enginehost.Image{Env: []string{fmt.Sprint("VERSION=", n)}}
}

// imageOf is the image in a service's specification.
func imageOf(t *testing.T, host *enginehost.Host, id string) any {
	t.Helper()
	return host.Service(t, id)["Spec"].(object)["TaskTemplate"].(object)["ContainerSpec"].(object)["Image"]
}

// timeline notes the steps of updates, and when they were.
type timeline struct {
	t     *testing.T
	start time.Time
}

func (l *timeline) Observe(_ context.Context, e watchtower.Event) {
	if s, ok := e.(watchtower.StepStarted); ok {
		l.t.Logf("%5.1f s  %s %s %s", time.Since(l.start).Seconds(), s.Step.Container, s.Step.Action, s.Step.Detail)
	}
}
