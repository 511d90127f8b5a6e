package watchtower_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// damaged is an engine whose list is not what a list should be.
type damaged struct {
	*enginetest.Engine

	list func([]lifecycle.Container) []lifecycle.Container
}

func (e damaged) Containers(ctx context.Context) ([]lifecycle.Container, error) {
	list, err := e.Engine.Containers(ctx)
	return e.list(list), err
}

func TestAListThatIsDamagedIsNoPanic(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		list func([]lifecycle.Container) []lifecycle.Container
		want []string // the containers that were given to the updater
	}{
		{"two containers have one name", func(list []lifecycle.Container) []lifecycle.Container {
			for i := range list {
				list[i].Name = "web"
			}
			return list
		}, []string{"web", "web"}},
		{"one container is in it twice", func(list []lifecycle.Container) []lifecycle.Container {
			return append(list, list...)
		}, []string{"na", "nb"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newTown(t)
				v.run("na", "old", nil)
				v.run("nb", "old2", nil)
				for _, image := range []string{"old:1", "old2:1"} {
					v.Publish(image, enginetest.Image{Env: []string{"VERSION=2"}})
				}
				e := damaged{v.Engine, tt.list}
				given := make(chan string, 10)
				tw := memory(t, v.Engine, watchtower.WithEngine(e), watchtower.WithUpdater(lifecycle.UpdaterFunc(
					func(_ context.Context, to lifecycle.Target) (lifecycle.Result, error) {
						var names []string
						for _, m := range to.Members {
							names = append(names, m.Container.Name)
						}
						given <- strings.Join(names, " with ")
						return lifecycle.Result{}, nil
					})))
				planned, err := tw.Check(t.Context())
				require.NoError(t, err)
				again, err := tw.Check(t.Context())
				require.NoError(t, err)
				assert.Equal(t, planned.Plan.ID(), again.Plan.ID())
				r, err := tw.Update(t.Context())
				require.NoError(t, err)
				assert.Len(t, r.Entries, 2)
				assert.Equal(t, 2, r.Count(watchtower.StatusUpdated))
				close(given)
				var got []string
				for names := range given {
					got = append(got, names)
				}
				assert.ElementsMatch(t, tt.want, got)
			})
		})
	}
}
