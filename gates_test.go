package watchtower_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/tags"
)

// say is a gate that always says the same.
func say(d gate.Decision, err error) watchtower.Gate {
	return gate.Func(func(context.Context, gate.Candidate) (gate.Decision, error) { return d, err })
}

func TestAGateDecidesBeforeAnythingIsPulled(t *testing.T) {
	t.Parallel()
	tomorrow := time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name   string
		gate   watchtower.Gate
		status watchtower.Status
		reason string
		until  time.Time
		err    string
	}{
		{"accepts", say(gate.Decision{}, nil), watchtower.StatusUpdated, "", time.Time{}, ""},
		{
			"holds for a time", say(gate.Decision{Verdict: gate.Hold, Reason: "young", Until: tomorrow}, nil),
			watchtower.StatusHeld, "young", tomorrow, "",
		},
		{"holds", say(gate.Decision{Verdict: gate.Hold, Reason: "not asked"}, nil), watchtower.StatusHeld, "not asked", time.Time{}, ""},
		{"rejects", say(gate.Decision{Verdict: gate.Reject, Reason: "bad"}, nil), watchtower.StatusSkipped, "bad", time.Time{}, ""},
		{
			"cannot tell", say(gate.Decision{}, errors.New("no answer")), watchtower.StatusFailed,
			"its reference points at another image",
			time.Time{},
			"watchtower: judge web: no answer",
		},
		{
			"panics", gate.Func(func(context.Context, gate.Candidate) (gate.Decision, error) { panic("no idea") }), watchtower.StatusFailed,
			"its reference points at another image",
			time.Time{},
			"watchtower: judge web: a gate panicked: no idea",
		},
		{
			"says nonsense", say(gate.Decision{Verdict: "perhaps"}, nil), watchtower.StatusFailed,
			"its reference points at another image",
			time.Time{},
			`watchtower: judge web: gate: verdict "perhaps": want accept, hold or reject`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newTown(t)
				v.run("web", "old", nil)
				v.run("other", "new", nil)
				v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}, Labels: map[string]string{"v": "2"}})
				v.Calls()
				seen := 0
				watch := gate.Func(func(_ context.Context, c gate.Candidate) (gate.Decision, error) {
					seen++
					assert.Equal(t, "web", c.Container.Name)
					assert.Equal(t, "docker.io/library/old:1", c.Reference)
					assert.Equal(t, enginetest.Platform, c.Platform)
					assert.Equal(t, []string{"VERSION=2"}, c.Next.Env)
					assert.Equal(t, "2", c.Next.Labels["v"])
					assert.Empty(t, c.Current.Env)
					assert.NotEmpty(t, c.Digest)
					assert.NotEmpty(t, c.ImageID)
					assert.Equal(t, time.Now(), c.At)
					for _, call := range v.Calls() {
						assert.False(t, call.Changes, "%v", call)
					}
					return gate.Decision{}, nil
				})
				r, err := memory(t, v.Engine, watchtower.WithGate(watch), watchtower.WithGate(tt.gate)).Update(t.Context())
				require.NoError(t, err)
				e := entry(t, r, "web")
				assert.Equal(t, 1, seen, "only what is stale is judged")
				assert.Equal(t, tt.status, e.Status)
				assert.Equal(t, tt.reason, e.Reason)
				assert.Equal(t, tt.until, e.HeldUntil)
				if tt.err != "" {
					assert.EqualError(t, e.Err, tt.err)
				}
				if tt.status != watchtower.StatusUpdated {
					assert.Empty(t, r.Plan.Groups)
					for _, call := range v.Calls() {
						assert.False(t, call.Changes, "%v", call)
					}
				}
			})
		})
	}
}

func TestWhatIsHeldIsToldAndMovesWhenItsTimeHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTown(t)
		v.run("web", "old", nil)
		v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
		var held []watchtower.UpdateHeld
		tw := memory(t, v.Engine, watchtower.WithGate(gate.Cooldown(time.Hour, nil)),
			watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
				if e, ok := e.(watchtower.UpdateHeld); ok {
					held = append(held, e)
				}
			})))
		r, err := tw.Check(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "stale=0 scanned=1 updated=0 failed=0 skipped=0 rolled_back=0 held=1", r.Summary())
		data, err := json.Marshal(r.Entries[0])
		require.NoError(t, err)
		assert.Contains(t, string(data), `"status":"held","reason":"cooling down: first seen 2000-01-01T00:00:00Z, to wait 1h0m0s",`+
			`"held_until":"2000-01-01T01:00:00Z"`)
		require.Len(t, held, 1)
		time.Sleep(time.Hour) //nolint:forbidigo // in a bubble
		r, err = tw.Update(t.Context())
		require.NoError(t, err)
		assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "web").Status)
	})
}

func TestAContainerThatIsHeldStillFollowsItsParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTown(t)
		v.run("vpn", "old", nil)
		v.run("app", "old2", v.in("vpn"))
		for _, image := range []string{"old:1", "old2:1"} {
			v.Publish(image, enginetest.Image{Env: []string{"VERSION=2"}})
		}
		hold := gate.Func(func(_ context.Context, c gate.Candidate) (gate.Decision, error) {
			if c.Container.Name == "app" {
				return gate.Decision{Verdict: gate.Hold, Reason: "not today"}, nil
			}
			return gate.Decision{}, nil
		})
		r, err := memory(t, v.Engine, watchtower.WithGate(hold)).Update(t.Context())
		require.NoError(t, err)
		assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "vpn").Status)
		app := entry(t, r, "app")
		assert.Equal(t, watchtower.StatusRestarted, app.Status)
		snap, err := v.Inspect(t.Context(), "app")
		require.NoError(t, err)
		assert.Equal(t, app.Container.ImageID, snap.ImageID, "on the image it had")
	})
}

func TestAContainerFollowsVersions(t *testing.T) {
	t.Parallel()
	const label = watchtower.TagPolicyLabel
	every, err := tags.Parse("semver:*")
	require.NoError(t, err)
	option := []watchtower.Option{watchtower.WithTagPolicy(every)}
	tests := []struct {
		name, runs, label string
		opts              []watchtower.Option
		status            watchtower.Status
		now, reason       string
	}{
		{"within its range", "app:1.2", "semver:^1", nil, watchtower.StatusUpdated, "app:1.10", ""},
		{"its spelling is kept", "docker.io/library/app:1.2", "semver:^1", nil, watchtower.StatusUpdated, "docker.io/library/app:1.10", ""},
		{"nothing newer", "app:1.10", "semver:^1", nil, watchtower.StatusFresh, "app:1.10", ""},
		{"by option", "app:1.2", "", option, watchtower.StatusUpdated, "app:2.0", ""},
		{"a label wins", "app:1.2", "digest", option, watchtower.StatusFresh, "app:1.2", ""},
		{"an option leaves other tags alone", "app:latest", "", option, watchtower.StatusFresh, "app:latest", ""},
		{"no policy", "app:1.2", "", nil, watchtower.StatusFresh, "app:1.2", ""},
		{"a tag that says no version", "app:latest", "semver:*", nil, watchtower.StatusSkipped, "app:latest", `label ` + label + `: tags: semver:*: "latest" says no version`},
		{"a label that says nothing", "app:1.2", "newest", nil, watchtower.StatusSkipped, "app:1.2", `label ` + label + `: tags: "newest": want "digest", or "semver:" and a range like ^1.2, ~1.2, ">=1.2 <3" or *`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := enginetest.New()
				for _, tag := range []string{"1.2", "1.10", "1.11-rc1", "2.0", "latest"} {
					e.Publish("app:"+tag, enginetest.Image{Env: []string{"VERSION=" + tag}})
				}
				labels := map[string]any{}
				if tt.label != "" {
					labels[label] = tt.label
				}
				e.Run("web", tt.runs, lifecycle.Spec{Config: lifecycle.Document{"Labels": labels}})
				tw := memory(t, e, tt.opts...)
				planned, err := tw.Check(t.Context())
				require.NoError(t, err)
				r, err := tw.Apply(t.Context(), planned.Plan)
				require.NoError(t, err)
				if len(planned.Plan.Groups) == 0 {
					r = planned
				}
				got := entry(t, r, "web")
				assert.Equal(t, tt.status, got.Status)
				assert.Equal(t, tt.reason, got.Reason)
				snap, err := e.Inspect(t.Context(), "web")
				require.NoError(t, err)
				assert.Equal(t, tt.now, snap.Image)
				if tt.status == watchtower.StatusUpdated {
					assert.Equal(t, tt.now, got.NewReference)
					assert.Contains(t, planned.Plan.String(), "replace web: "+tt.now+" is the newest it may move to")
				}
			})
		})
	}
}
