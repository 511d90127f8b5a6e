package watchtower_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

// A watcher that is ended while registries are asked accuses none of them, nor its
// containers: what was not found out is no failure that people are told of.
func TestACheckThatIsCutShortAccusesNobody(t *testing.T) {
	t.Parallel()
	for name, pass := range map[string]func(context.Context, *watchtower.Tower) error{
		"check":  func(ctx context.Context, tw *watchtower.Tower) error { _, err := tw.Check(ctx); return err },
		"update": func(ctx context.Context, tw *watchtower.Tower) error { _, err := tw.Update(ctx); return err },
		"run":    func(ctx context.Context, tw *watchtower.Tower) error { return tw.Run(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := enginetest.New()
				e.Publish("app:1", enginetest.Image{})
				e.Run("web", "app:1", lifecycle.Spec{})
				asked := make(chan struct{})
				silent := registry.CheckerFunc(func(ctx context.Context, qs []registry.Query) []registry.Verdict {
					close(asked)
					<-ctx.Done()
					return []registry.Verdict{{Reference: qs[0].Reference, Err: ctx.Err()}}
				})
				var told []watchtower.Event
				tw := memory(t, e, watchtower.WithChecker(silent), watchtower.WithPassAtStart(true),
					watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, ev watchtower.Event) {
						_, ended := ev.(watchtower.PassEnded)
						if ended || watchtower.EventID(ev) != "" {
							told = append(told, ev)
						}
					})))
				ctx, cancel := context.WithCancel(t.Context())
				go func() { <-asked; cancel() }()
				err := pass(ctx, tw)
				synctest.Wait()
				assert.Empty(t, told)
				if name == "run" {
					require.NoError(t, err)
					return
				}
				assert.True(t, errdefs.IsCanceled(err), "%v", err)
			})
		})
	}
}
