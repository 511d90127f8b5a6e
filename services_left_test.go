package watchtower_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// managerOf is one of a swarm's managers, which may be gone or hang.
type managerOf struct {
	*enginetest.Swarm

	gone, hangs bool
}

func (m *managerOf) Ping(ctx context.Context) error {
	if m.gone {
		return fmt.Errorf("no answer: %w", errdefs.ErrUnavailable)
	}
	return m.Swarm.Ping(ctx)
}

func (m *managerOf) Cluster(ctx context.Context) (lifecycle.Cluster, error) {
	if m.hangs {
		<-ctx.Done()
		return lifecycle.Cluster{}, ctx.Err()
	}
	if m.gone {
		return lifecycle.Cluster{}, errors.New("gone")
	}
	return m.Swarm.Cluster(ctx)
}

// Of two managers in one program the first that answers has the services.
func TestServicesAreLeftToOneManagerOfAProgram(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := aSwarm(t, nil, second)
		manager := lifecycle.Cluster{Role: lifecycle.RoleManager, ID: "one", Platforms: []string{enginetest.Platform}}
		s.SetCluster(manager)
		first, other := &managerOf{Swarm: s}, &managerOf{Swarm: s}
		var log bytes.Buffer
		own, later := ofSwarm(t, first, s), ofSwarm(t, other, s, watchtower.WithServicesLeftTo(first, enginetest.New()),
			watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		has := func() bool { t.Helper(); return len(update(t, later).Entries) == 1 }

		assert.False(t, has())
		list, err := later.Containers(t.Context())
		require.NoError(t, err)
		assert.Empty(t, list)
		assert.Empty(t, s.Posted())
		assert.Equal(t, watchtower.StatusUpdated, entry(t, update(t, own), "web").Status)

		first.gone = true
		_, err = own.Update(t.Context())
		require.ErrorIs(t, err, errdefs.ErrUnavailable)
		assert.True(t, has(), "in the very pass after")
		first.gone, first.hangs = false, true
		start := time.Now()
		assert.True(t, has())
		assert.Equal(t, 8*time.Second, time.Since(start), "one that hangs costs no more")
		first.hangs = false
		assert.False(t, has(), "it is back")
		assert.Equal(t, 1, strings.Count(log.String(), "are updated through another of its managers"), "%s", log.String())

		for what, is := range map[string]lifecycle.Cluster{
			"of another swarm":     {Role: lifecycle.RoleManager, ID: "other", Platforms: manager.Platforms},
			"no manager any more":  {Role: lifecycle.RoleWorker},
			"of nobody knows what": {Role: lifecycle.RoleManager, Platforms: manager.Platforms},
		} {
			elsewhere := enginetest.NewSwarm()
			elsewhere.SetCluster(is)
			r := update(t, ofSwarm(t, other, s, watchtower.WithServicesLeftTo(elsewhere)))
			assert.Len(t, r.Entries, 1, what)
		}
		s.SetCluster(lifecycle.Cluster{Role: lifecycle.RoleManager, Platforms: manager.Platforms})
		assert.True(t, has(), "it is not known whether the two are of one")
	})
}

func ExampleWithServicesLeftTo() {
	swarm := enginetest.NewSwarm()
	swarm.SetCluster(lifecycle.Cluster{Role: lifecycle.RoleManager, ID: "one", Platforms: []string{enginetest.Platform}})
	swarm.CreateService(serviceSpec("web", "app:1@"+swarm.Publish("app:1", enginetest.Image{}).String()))
	managers := []watchtower.Engine{swarm, swarm} // two of one swarm: here it is twice the same
	for i, manager := range managers {
		tower, err := watchtower.New(
			watchtower.WithEngine(manager), watchtower.WithChecker(swarm.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
			watchtower.WithServicesLeftTo(managers[:i]...),
		)
		if err != nil {
			panic(err)
		}
		report, err := tower.Check(context.Background())
		if err != nil {
			panic(err)
		}
		fmt.Println("manager", i, "has", len(report.Entries), "of the services")
	}
	_, err := watchtower.New(watchtower.WithServicesLeftTo(nil))
	fmt.Println(err)
	// Output:
	// manager 0 has 1 of the services
	// manager 1 has 0 of the services
	// watchtower: WithServicesLeftTo: nil: want an Engine
}
