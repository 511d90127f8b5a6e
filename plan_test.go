package watchtower_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// town is an engine on which all references that begin with "old" have moved.
type town struct {
	*enginetest.Engine

	t   *testing.T
	ids map[string]string
}

func newTown(t *testing.T) town {
	t.Helper()
	e := enginetest.New()
	for _, image := range []string{"old", "old2", "new"} {
		e.Publish(image+":1", enginetest.Image{})
	}
	return town{e, t, map[string]string{}}
}

func (v town) run(name, image string, host lifecycle.Document, labels ...string) {
	v.t.Helper()
	spec := labelled(labels...)
	spec.HostConfig = host
	v.ids[name] = v.Run(name, image+":1", spec).ID
}

func (v town) in(parent string) lifecycle.Document {
	return lifecycle.Document{"NetworkMode": "container:" + v.ids[parent]}
}

var digests = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

func TestPlans(t *testing.T) {
	t.Parallel()
	const dependsOn, composeOn = watchtower.DependsOnLabel, "com.docker.compose.depends_on"
	compose := func(service string, more ...string) []string {
		return append([]string{"com.docker.compose.project", "p", "com.docker.compose.service", service}, more...)
	}
	tests := []struct {
		name  string
		build func(v town)
		want  string
	}{
		{"nothing", func(v town) { v.run("web", "new", nil) }, ``},
		{"two on one image", func(v town) { v.run("nb", "old", nil); v.run("na", "old", nil) }, `
pull docker.io/library/old:1 at <digest>
replace na: its reference points at another image
replace nb: its reference points at another image
`},
		{"a child in the parent's network", func(v town) {
			v.run("vpn", "old", nil)
			v.run("app", "new", v.in("vpn"))
		}, `
pull docker.io/library/old:1 at <digest>
replace vpn: its reference points at another image
  with it restart app: it lives in the network of vpn
`},
		{"a stale child of a fresh parent moves alone", func(v town) {
			v.run("vpn", "new", nil)
			v.run("app", "old", v.in("vpn"))
			v.run("nb", "new", v.in("vpn"))
		}, `
pull docker.io/library/old:1 at <digest>
replace app: its reference points at another image
`},
		{"a chain by every means", func(v town) {
			v.run("na", "old", nil)
			v.run("nb", "new", lifecycle.Document{"VolumesFrom": []any{"na:ro"}})
			v.run("nc", "new", lifecycle.Document{"Links": []any{"/nb:/nc/bee"}})
			v.run("nd", "new", lifecycle.Document{"PidMode": "container:" + v.ids["nc"]})
			v.run("ne", "new", nil, dependsOn, "nobody, /nd")
			v.run("nf", "new", nil)
		}, `
pull docker.io/library/old:1 at <digest>
replace na: its reference points at another image
  with it restart nb: it has the volumes of na
  with it restart nc: it is linked to nb
  with it restart nd: it lives among the processes of nc
  with it restart ne: its label says that it depends on nd
`},
		{"parent and child both stale", func(v town) {
			v.run("nz", "old", nil)
			v.run("na", "old2", v.in("nz"))
		}, `
pull docker.io/library/old:1 at <digest>
pull docker.io/library/old2:1 at <digest>
replace nz: its reference points at another image
  with it replace na: its reference points at another image
`},
		{"Compose without restart only orders", func(v town) {
			v.run("p-db-1", "old", nil, compose("db")...)
			v.run("p-api-1", "old", nil, compose("api", composeOn, "db:service_healthy:false")...)
			v.run("p-web-1", "new", nil, compose("web", composeOn, "api:service_started:false")...)
		}, `
pull docker.io/library/old:1 at <digest>
replace p-db-1: its reference points at another image
replace p-api-1 after p-db-1: its reference points at another image
`},
		{"Compose with restart", func(v town) {
			v.run("p-db-1", "old", nil, compose("db")...)
			v.run("p-api-1", "new", nil, compose("api", composeOn, "cache:service_started:true,db:service_healthy:true")...)
			v.run("q-api-1", "new", nil, "com.docker.compose.project", "q", composeOn, "db:service_healthy:true")
		}, `
pull docker.io/library/old:1 at <digest>
replace p-db-1: its reference points at another image
  with it restart p-api-1 once those before it are ready: Compose restarts it with p-db-1
`},
		{"a circle keeps its members only", func(v town) {
			v.run("na", "old", nil, dependsOn, "nb")
			v.run("nb", "old", nil, dependsOn, "na")
			v.run("nc", "old", nil)
		}, `
pull docker.io/library/old:1 at <digest>
replace nc: its reference points at another image
`},
		{"a circle of mere order is broken", func(v town) {
			v.run("p-a-1", "old", nil, compose("a", composeOn, "b:service_started:false")...)
			v.run("p-b-1", "old", nil, compose("b", composeOn, "a:service_started:false")...)
		}, `
pull docker.io/library/old:1 at <digest>
replace p-a-1: its reference points at another image
replace p-b-1 after p-a-1: its reference points at another image
`},
		{"one that is not watched follows", func(v town) {
			v.run("vpn", "old", nil)
			v.run("app", "old2", v.in("vpn"), filter.EnableLabel, "false")
		}, `
pull docker.io/library/old:1 at <digest>
replace vpn: its reference points at another image
  with it restart app: it lives in the network of vpn
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newTown(t)
			tt.build(v)
			for _, image := range []string{"old", "old2"} {
				v.Publish(image+":1", enginetest.Image{Env: []string{"VERSION=2"}})
			}
			r, err := memory(t, v.Engine, watchtower.WithFilter(filter.Enabled(false))).Check(t.Context())
			require.NoError(t, err)
			assert.Equal(t, strings.TrimPrefix(tt.want, "\n"), digests.ReplaceAllString(r.Plan.String(), "<digest>"))
			if strings.Contains(tt.name, "circle keeps") {
				assert.Equal(t, "stale, but in a circle of dependencies: na, nb", entry(t, r, "na").Reason)
				assert.Equal(t, watchtower.StatusSkipped, entry(t, r, "nb").Status)
			}
		})
	}
}

func TestThePlanTellsTheOrderOfEachSwap(t *testing.T) {
	t.Parallel()
	build := func(v town) {
		port := func(host string) lifecycle.Document {
			return lifecycle.Document{"PortBindings": map[string]any{"80/tcp": []any{map[string]any{"HostPort": host}}}}
		}
		v.run("a-worker", "old", nil)
		v.run("b-published", "old", port("8001"))
		v.run("c-asks", "old", nil, lifecycle.LabelUpdateOrder, "start-first")
		v.run("d-declines", "old", nil, lifecycle.LabelUpdateOrder, "stop-first")
		v.run("e-cannot", "old", port("8002"), lifecycle.LabelUpdateOrder, "start-first")
		v.run("f-misspelt", "old", nil, lifecycle.LabelUpdateOrder, "first")
		v.run("g-vpn", "old", nil)
		v.run("g-app", "new", v.in("g-vpn"))
		v.run("h-vpn", "old", nil, lifecycle.LabelUpdateOrder, "start-first")
		v.run("h-app", "new", v.in("h-vpn"))
	}
	refused := map[string]string{
		"e-cannot":   `stale, but e-cannot: label com.centurylinklabs.watchtower.update-order: "start-first": it publishes port 80/tcp`,
		"f-misspelt": `stale, but f-misspelt: label com.centurylinklabs.watchtower.update-order: "first": want stop-first or start-first`,
		"h-vpn":      `stale, but h-vpn: label com.centurylinklabs.watchtower.update-order: "start-first": it moves together with others`,
	}
	tests := []struct {
		name string
		opts []watchtower.Option
		want string
	}{
		{"by default", nil, `
replace a-worker
replace b-published
replace c-asks start-first
replace d-declines
replace g-vpn
  with it restart g-app
`},
		{"rolling", []watchtower.Option{watchtower.WithRolling(true)}, `
replace a-worker start-first
replace b-published stop-first (it publishes port 80/tcp)
replace c-asks start-first
replace d-declines
replace g-vpn stop-first (it moves together with others)
  with it restart g-app
`},
		{"rolling, stop-first", []watchtower.Option{watchtower.WithUpdateOrder(lifecycle.StopFirst), watchtower.WithRolling(true)}, `
replace a-worker
replace b-published
replace c-asks start-first
replace d-declines
replace g-vpn
  with it restart g-app
`},
		{"start-first", []watchtower.Option{watchtower.WithUpdateOrder(lifecycle.StartFirst)}, `
replace a-worker start-first
replace b-published stop-first (it publishes port 80/tcp)
replace c-asks start-first
replace d-declines
replace g-vpn stop-first (it moves together with others)
  with it restart g-app
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newTown(t)
			build(v)
			v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
			r, err := memory(t, v.Engine, tt.opts...).Check(t.Context())
			require.NoError(t, err)
			var lines strings.Builder
			for line := range strings.Lines(r.Plan.String()) {
				if !strings.HasPrefix(line, "pull ") {
					what, _, _ := strings.Cut(line, ":")
					lines.WriteString(what + "\n")
				}
			}
			assert.Equal(t, strings.TrimPrefix(tt.want, "\n"), lines.String())
			for name, reason := range refused {
				assert.Equal(t, reason, entry(t, r, name).Reason)
			}
		})
	}
}

func TestAPlanTellsWhatTheImageChangesAndAUserMayHaveMeant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newTown(t)
		v.Publish("old:1", enginetest.Image{Env: []string{"MODE=fast", "SAME=1"}, Cmd: []string{"serve"}})
		v.Run("web", "old:1", lifecycle.Spec{Config: lifecycle.Document{"Env": []any{"MODE=fast", "MINE=1"}}})
		v.Publish("old:1", enginetest.Image{Env: []string{"MODE=slow", "SAME=1"}, Cmd: []string{"serve", "--all"}})
		tw := memory(t, v.Engine)
		r, err := tw.Check(t.Context())
		require.NoError(t, err)
		assert.Equal(t, `pull docker.io/library/old:1 at <digest>
replace web: its reference points at another image
    Config.Cmd: ["serve"] is the old image's default, becomes ["serve","--all"]
    Config.Env.MODE: "fast" is the old image's default, becomes "slow"
`, digests.ReplaceAllString(r.Plan.String(), "<digest>"))
		done, err := tw.Apply(t.Context(), r.Plan)
		require.NoError(t, err, "what no registry is asked for again is no reason to refuse")
		assert.Equal(t, watchtower.StatusUpdated, entry(t, done, "web").Status)
	})
}

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
