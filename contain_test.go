package watchtower_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

func TestAnUpdatersPanicIsItsGroups(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]watchtower.Option{
		"side by side": {watchtower.WithConcurrency(1)},
		"rolling":      {watchtower.WithRolling(true)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newTown(t)
				v.run("vpn", "old", nil)
				v.run("app", "new", v.in("vpn"))
				v.run("web", "old2", nil)
				for _, image := range []string{"old:1", "old2:1"} {
					v.Publish(image, enginetest.Image{Env: []string{"VERSION=2"}})
				}
				own, broken := lifecycle.Recreate(v.Engine), true
				tw := memory(t, v.Engine, append(opts, watchtower.WithUpdater(lifecycle.UpdaterFunc(
					func(ctx context.Context, to lifecycle.Target) (lifecycle.Result, error) {
						if broken && to.Members[0].Container.Name == "vpn" {
							panic("no such key")
						}
						return own.Update(ctx, to)
					})))...)
				r, err := tw.Update(t.Context())
				require.NoError(t, err)
				for _, name := range []string{"vpn", "app"} {
					assert.Equal(t, watchtower.StatusFailed, entry(t, r, name).Status, name)
					require.EqualError(t, entry(t, r, name).Err, "watchtower: the updater panicked: no such key", name)
				}
				assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "web").Status)
				broken = false
				r, err = tw.Update(t.Context())
				require.NoError(t, err)
				assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "vpn").Status)
				assert.Equal(t, watchtower.StatusRestarted, entry(t, r, "app").Status)
			})
		})
	}
}

// panicky is an updater that can repair, and cannot.
type panicky struct{ watchtower.Updater }

func (panicky) Recover(context.Context, lifecycle.RecoverOptions) ([]lifecycle.Recovery, error) {
	panic("no memory of it")
}

func TestAnUpdatersPanicInARepairIsThePasssError(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("app:1", enginetest.Image{})
	id := e.Run("parked", "app:1", lifecycle.Spec{}).ID[:12]
	require.NoError(t, e.Rename(t.Context(), "parked", "web.wt-old-r-"+id+"-"+id+"-0"))
	tw := memory(t, e, watchtower.WithUpdater(panicky{lifecycle.Recreate(e)}))
	for range 2 {
		_, err := tw.Update(t.Context())
		require.EqualError(t, err, "watchtower: update: the updater panicked: no memory of it")
	}
	_, err := tw.Check(t.Context())
	require.NoError(t, err)
}

// shaky is a checker that panics where it is told to.
type shaky struct {
	*registry.Client

	at string
}

func (s shaky) fall(at string) {
	if s.at == at {
		panic("at " + at)
	}
}

func (s shaky) Check(ctx context.Context, queries []registry.Query) []registry.Verdict {
	s.fall("Check")
	return s.Client.Check(ctx, queries)
}

func (s shaky) Describe(ctx context.Context, reference string, image registry.Image) (registry.ImageConfig, error) {
	s.fall("Describe")
	return s.Client.Describe(ctx, reference, image)
}

func (s shaky) Quotas() []registry.Quota {
	s.fall("Quotas")
	return s.Client.Quotas()
}

func TestACheckersPanicIsThatAnswers(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]watchtower.Status{
		"Check": watchtower.StatusFailed, "Describe": watchtower.StatusUpdated, "Quotas": watchtower.StatusUpdated,
	} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newTown(t)
				v.run("web", "old", nil)
				v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
				client, err := registry.New(registry.WithTransport(v.Transport()))
				require.NoError(t, err)
				r, err := memory(t, v.Engine, watchtower.WithChecker(shaky{client, at})).Update(t.Context())
				require.NoError(t, err)
				assert.Equal(t, want, entry(t, r, "web").Status)
				if want == watchtower.StatusFailed {
					require.EqualError(t, entry(t, r, "web").Err, "watchtower: check web: the checker panicked: at Check")
				}
			})
		})
	}
}

// vault is a store that panics, and has a name.
type vault struct{}

func (vault) Credential(context.Context, string) (credentials.Credential, error) { panic("sealed") }

func (vault) String() string { return "the vault" }

func TestAStoresPanicIsNoLoginOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]credentials.Store{
		"it is the only one": nil,
		"another is asked":   credentials.Static(map[string]credentials.Credential{"docker.io": {Username: "me", Password: credentials.NewSecret("secret")}}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newTown(t)
				v.run("web", "old", nil)
				v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
				engine := &asked{Engine: v.Engine}
				opts := []watchtower.Option{watchtower.WithEngine(engine), watchtower.WithChecker(v.Checker()), watchtower.WithCredentials(vault{})}
				if other != nil {
					opts = append(opts, watchtower.WithCredentials(other))
				}
				tw, err := watchtower.New(opts...)
				require.NoError(t, err)
				r, err := tw.Update(t.Context())
				require.NoError(t, err)
				if other == nil {
					require.ErrorContains(t, entry(t, r, "web").Err, "(no login: the credential store panicked: sealed)")
					return
				}
				assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "web").Status)
			})
		})
	}
}

// asked is an engine whose registry wants a login.
type asked struct{ *enginetest.Engine }

func (e *asked) Pull(ctx context.Context, opts lifecycle.PullOptions) error {
	if opts.Credential.Username != "me" {
		return errdefs.ErrUnauthenticated
	}
	return e.Engine.Pull(ctx, opts)
}

func TestAFiltersPanicIsNoMatch(t *testing.T) {
	t.Parallel()
	v := newTown(t)
	v.run("web", "old", nil)
	v.run("other", "old", nil)
	v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
	r, err := memory(t, v.Engine, watchtower.WithFilter(filter.Func(func(c watchtower.Container) bool {
		if c.Name == "web" {
			panic(errors.New("no such label"))
		}
		return true
	}))).Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, watchtower.StatusSkipped, entry(t, r, "web").Status)
	assert.Equal(t, "a filter panicked: no such label", entry(t, r, "web").Reason)
	assert.Equal(t, watchtower.StatusStale, entry(t, r, "other").Status)
}

// It has refused the update, of which everything is known.
func TestAHooksPanicIsNotItsUpdaters(t *testing.T) {
	t.Parallel()
	e, web := staleWeb(t, nil)
	e.Publish("side:1", enginetest.Image{Env: []string{"SIDE=1"}})
	e.Run("side", "side:1", lifecycle.Spec{HostConfig: lifecycle.Document{"NetworkMode": "container:" + web.ID}})
	hook := func(context.Context, watchtower.HookCall) watchtower.HookVerdict { panic("oh no") }
	report := update(t, memory(t, e, watchtower.WithHook(lifecycle.PreUpdate, hook)))
	assert.Equal(t, watchtower.StatusFailed, entry(t, report, "web").Status)
	assert.Equal(t, watchtower.StatusFresh, entry(t, report, "side").Status, "it only follows, and is what it was")
}
