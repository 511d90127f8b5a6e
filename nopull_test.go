package watchtower_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/tags"
)

func TestNoPullFollowsWhatIsHere(t *testing.T) {
	t.Parallel()
	for store, engine := range stores() {
		for how, opt := range map[string][]watchtower.Option{"by option": {watchtower.WithNoPull(true)}, "by label": nil} {
			t.Run(store+" "+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					e := engine()
					e.Build("mine:1", version(1))
					e.Publish("team/app:1", version(1))
					spec := lifecycle.Spec{}
					if opt == nil {
						spec = labelled(watchtower.NoPullLabel, "true")
					}
					e.Run("built", "mine:1", spec)
					e.Run("pulled", "team/app:1", spec)
					tw, asked := asking(t, e, opt...)
					e.Publish("team/app:1", version(2)) // a registry has it, and nobody asks it
					r := update(t, tw)
					assert.Equal(t, 2, r.Count(watchtower.StatusFresh), r.Summary())

					built := e.Build("mine:1", version(2))
					require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "team/app:1"}))
					r, err := tw.Check(t.Context())
					require.NoError(t, err)
					assert.Equal(t, 2, r.Count(watchtower.StatusStale), r.Summary())
					assert.Contains(t, r.Plan.String(), "use docker.io/library/mine:1 at "+built)
					e.Calls()
					r, err = tw.Apply(t.Context(), r.Plan)
					require.NoError(t, err)
					assert.Equal(t, 2, r.Count(watchtower.StatusUpdated), "%s %v", r.Summary(), r.Err())
					assert.Equal(t, built, running(t, e, "built").ImageID)
					assert.Contains(t, running(t, e, "pulled").Config.Texts("Env"), "VERSION=2")
					for _, c := range e.Calls() {
						assert.NotEqual(t, "Pull", c.Method)
					}
					assert.Empty(t, asked.since(), "nobody is asked")
					assert.Equal(t, 2, update(t, tw).Count(watchtower.StatusFresh))
				})
			})
		}
	}
}

func TestNoPullRestartsNothingForAnotherPlatform(t *testing.T) {
	t.Parallel()
	e := enginetest.New(enginetest.WithContainerdStore())
	publish := func(other int) {
		e.PublishIndex("app:1", map[string]enginetest.Image{"linux/amd64": version(1), "linux/s390x": version(other)})
		require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:1"}))
	}
	publish(1)
	e.Run("web", "app:1", lifecycle.Spec{})
	publish(2)
	got := entry(t, update(t, memory(t, e, watchtower.WithNoPull(true))), "web")
	assert.Equal(t, watchtower.StatusFresh, got.Status)
	assert.Equal(t, "the index moved, its content did not", got.Reason)
}

func TestNoPullLeavesAloneWhatIsNotHere(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.PublishIndex("app:1", map[string]enginetest.Image{"linux/amd64": version(1), "linux/s390x": version(1)})
	e.RunFor("linux/s390x", "web", "app:1", lifecycle.Spec{})
	e.PublishIndex("app:1", map[string]enginetest.Image{"linux/amd64": version(2), "linux/s390x": version(2)})
	require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:1"}))
	got := entry(t, update(t, memory(t, e, watchtower.WithNoPull(true))), "web")
	assert.Equal(t, watchtower.StatusSkipped, got.Status)
	assert.Equal(t, "no-pull: its reference leads to no image for linux/s390x on this engine", got.Reason)
}

func TestNoPullTriesOnceWhatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		e.Build("mine:1", version(1))
		old := e.Run("web", "mine:1", lifecycle.Spec{})
		e.Build("mine:1", enginetest.Image{StartError: "no such file"})
		tw := memory(t, e, watchtower.WithNoPull(true))
		assert.Equal(t, watchtower.StatusRolledBack, entry(t, update(t, tw), "web").Status)
		e.Build("mine:1", enginetest.Image{StartError: "no such file"})
		again := entry(t, update(t, tw), "web")
		assert.Contains(t, again.Reason, "this digest failed on", "%s", again.Status)
		assert.Equal(t, old.ID, running(t, e, "web").ID)
	})
}

func TestTheLabelSaysWhichImageIsFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		e.Publish("app:1", version(1))
		e.Build("derived:1", version(1))
		e.Run("web", "derived:1", labelled(lifecycle.LabelOriginalImage, "app:1"))
		bad := e.Run("bad", "app:1", labelled(lifecycle.LabelOriginalImage, "NOT A REFERENCE"))
		e.Run("id", "app:1", labelled(lifecycle.LabelOriginalImage, bad.ImageID))
		e.Publish("app:1", version(2))
		r := update(t, memory(t, e))
		assert.Equal(t, 3, r.Count(watchtower.StatusUpdated), "%s %v", r.Summary(), r.Err())
		assert.Equal(t, "app:1", entry(t, r, "web").Container.Image)
		assert.Contains(t, running(t, e, "web").Config.Texts("Env"), "VERSION=2")
		assert.Equal(t, "app:1", running(t, e, "web").Image)
		for _, name := range []string{"bad", "id"} {
			assert.NotEmpty(t, entry(t, r, name).Policy.Get("image").Problem, name)
		}

		// A policy that moves it to another tag moves the label along.
		e.Publish("app:1.1", version(3))
		policy, err := tags.Parse("semver:*")
		require.NoError(t, err)
		tw, _ := asking(t, e, watchtower.WithTagPolicy(policy))
		e.Publish("v:1.0", version(1))
		e.Run("versioned", "v:1.0", labelled(lifecycle.LabelOriginalImage, "v:1.0"))
		e.Publish("v:1.1", version(2))
		r = update(t, tw)
		assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "versioned").Status, "%v", entry(t, r, "versioned").Err)
		assert.Equal(t, "v:1.1", running(t, e, "versioned").Labels[lifecycle.LabelOriginalImage])
		assert.Equal(t, watchtower.StatusFresh, entry(t, update(t, tw), "versioned").Status)
	})
}
