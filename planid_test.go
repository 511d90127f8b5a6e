package watchtower_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func TestAPlanHasAnIDThatPeopleCanSayYesTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTown(t)
		v.run("db", "old", nil)
		v.run("web", "old2", nil, watchtower.DependsOnLabel, "db")
		v.run("other", "old2", nil)
		publish := func(image, version string) {
			v.Publish(image, enginetest.Image{Env: []string{"VERSION=" + version}})
		}
		publish("old:1", "2")
		publish("old2:1", "2")
		id := func(opts ...watchtower.Option) string {
			r, err := memory(t, v.Engine, opts...).Check(t.Context())
			require.NoError(t, err)
			return r.Plan.ID()
		}
		yes := id()
		assert.Regexp(t, "^[0-9a-f]{16}$", yes)
		assert.Equal(t, yes, id(), "the same whoever looks")
		assert.NotEqual(t, yes, id(watchtower.WithCleanup(true)), "another policy")
		assert.NotEqual(t, yes, id(watchtower.WithStopTimeout(0)), "another policy")
		publish("old2:1", "3")
		now := id()
		assert.NotEqual(t, yes, now, "another digest")
		v.Calls()
		_, err := memory(t, v.Engine).ApplyID(t.Context(), yes)
		assert.True(t, errdefs.IsFailedPrecondition(err))
		require.ErrorContains(t, err, "the plan is no longer "+yes+" but "+now+":\npull docker.io/library/old")
		for _, c := range v.Calls() {
			assert.False(t, c.Changes, "%v", c)
		}
		r, err := memory(t, v.Engine).ApplyID(t.Context(), now)
		require.NoError(t, err)
		assert.Equal(t, 3, r.Count(watchtower.StatusUpdated))
	})
}

func TestAPartOfAPlanCanBeCarriedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTown(t)
		v.run("web", "old", nil, "com.docker.compose.project", "p", "com.docker.compose.service", "web",
			"com.docker.compose.depends_on", "db:service_started:false")
		v.run("db", "old2", nil, "com.docker.compose.project", "p", "com.docker.compose.service", "db")
		v.run("other", "old", nil)
		for _, image := range []string{"old:1", "old2:1"} {
			v.Publish(image, enginetest.Image{Env: []string{"VERSION=2"}})
		}
		tw := memory(t, v.Engine)
		r, err := tw.Check(t.Context())
		require.NoError(t, err)
		whole := r.Plan.Only("db", "other", "web")
		assert.Equal(t, r.Plan.ID(), whole.ID())
		part := r.Plan.Only("web")
		assert.Equal(t, `pull docker.io/library/old2:1 at <digest>
pull docker.io/library/old:1 at <digest>
replace db: its reference points at another image
replace web after db: its reference points at another image
`, digests.ReplaceAllString(part.String(), "<digest>"))
		assert.Empty(t, r.Plan.Only().Groups)
		backwards := r.Plan.Only("other", "db") // in whose whole plan the images stand the other way round
		assert.Len(t, backwards.Images, 2)
		for _, p := range []watchtower.Plan{part, backwards} {
			again, err := tw.Check(t.Context())
			require.NoError(t, err)
			assert.Equal(t, p.ID(), again.Plan.Only(p.Groups[len(p.Groups)-1].Members[0].Name, p.Groups[0].Members[0].Name).ID())
		}
		r, err = tw.Apply(t.Context(), part)
		require.NoError(t, err)
		assert.Equal(t, 2, r.Count(watchtower.StatusUpdated))
		r, err = tw.Check(t.Context())
		require.NoError(t, err)
		assert.Equal(t, watchtower.StatusStale, entry(t, r, "other").Status)
	})
}

func TestAPlanIsCarriedOutAsItWasMade(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		meddle func(v town)
		want   string // in the error; empty: it is carried out
	}{
		{"nothing happened", func(town) {}, ""},
		{"another container came", func(v town) { v.run("other", "old", nil) }, ""},
		{"the registry went on", func(v town) { v.Publish("old2:1", enginetest.Image{Env: []string{"VERSION=3"}}) }, ""},
		{"one is gone", func(v town) {
			require.NoError(v.t, v.Remove(v.t.Context(), "app", lifecycle.RemoveOptions{Force: true}))
		}, "app is not the container that was judged"},
		{"one has another name", func(v town) { require.NoError(v.t, v.Rename(v.t.Context(), "app", "app2")) }, "app is not"},
		{"another came to depend on it", func(v town) { v.run("late", "new", v.in("vpn")) }, "with it restart late: it lives in the network of vpn"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newTown(t)
				v.run("vpn", "old", nil)
				v.run("app", "new", v.in("vpn"))
				v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
				tw := memory(t, v.Engine)
				r, err := tw.Check(t.Context())
				require.NoError(t, err)
				data, err := json.Marshal(r.Plan)
				require.NoError(t, err)
				var plan watchtower.Plan
				require.NoError(t, json.Unmarshal(data, &plan), "a plan survives being stored")
				tt.meddle(v)
				v.Calls()
				r, err = tw.Apply(t.Context(), plan)
				if tt.want != "" {
					require.ErrorContains(t, err, tt.want)
					assert.True(t, errdefs.IsFailedPrecondition(err))
					for _, c := range v.Calls() {
						assert.False(t, c.Changes, "%v", c)
					}
					return
				}
				require.NoError(t, err)
				require.Len(t, r.Entries, 2)
				assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "vpn").Status)
				assert.Equal(t, watchtower.StatusRestarted, entry(t, r, "app").Status)
			})
		})
	}
}

func TestAStoredPlanThatWasChangedIsRefused(t *testing.T) {
	t.Parallel()
	v := newTown(t)
	v.run("web", "old", nil)
	v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
	r, err := memory(t, v.Engine).Check(t.Context())
	require.NoError(t, err)
	stored, err := json.Marshal(r.Plan)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		change func(string) string
		want   string
	}{
		"as it was":          {func(s string) string { return s }, ""},
		"its reference":      {func(s string) string { return strings.ReplaceAll(s, "library/old", "library/evil") }, "it was changed after it was named"},
		"its policy":         {func(s string) string { return strings.Replace(s, `"policy":{}`, `"policy":{"cleanup":true}`, 1) }, "it was changed after it was named"},
		"its name":           {func(s string) string { return strings.Replace(s, r.Plan.ID(), "0123456789abcdef", 1) }, `plan "0123456789abcdef": what it would do is plan ` + r.Plan.ID()},
		"without a name":     {func(s string) string { return strings.Replace(s, `"id":"`+r.Plan.ID()+`",`, "", 1) }, ""},
		"a reason is no act": {func(s string) string { return strings.Replace(s, "its reference points", "a reference points", 1) }, ""},
	} {
		changed := tt.change(string(stored))
		assert.Equal(t, name == "as it was", changed == string(stored), "%s: %s", name, stored)
		var plan watchtower.Plan
		err := json.Unmarshal([]byte(changed), &plan)
		if tt.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, tt.want, name)
		assert.True(t, errdefs.IsInvalidArgument(err), name)
		assert.Empty(t, plan.Groups, name)
	}
}
