package watchtower_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

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
