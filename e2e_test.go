package watchtower_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

func TestMain(m *testing.M) { os.Exit(enginehost.Run(m, buildCompose)) }

// object is a JSON object of the engine's API.
type object = enginehost.Object

// scoped is an engine as if it had a test's own containers only, whose names begin
// with its words. Others are in the middle of updates of theirs at the same time, and
// a pass takes care of whatever it finds there.
type scoped struct {
	*dockerengine.Engine

	words []string
}

func (s scoped) Containers(ctx context.Context) ([]lifecycle.Container, error) {
	all, err := s.Engine.Containers(ctx)
	return slices.DeleteFunc(all, func(c lifecycle.Container) bool { return !slices.Contains(s.words, word(c.Name)) }), err
}

// word is what a container's name begins with: "web_1" of "web_1-db.wt-…". What runs
// side by side has another one each.
func word(name string) string { return name[:strings.IndexAny(name+"-", "-.")] }

// tower watches the containers of the given names on the test's engine, and sees no
// others than those that share a word with them.
func tower(t testing.TB, host *enginehost.Host, names []string, opts ...watchtower.Option) *watchtower.Tower {
	t.Helper()
	engine, err := dockerengine.New(dockerengine.WithHost(host.Address))
	require.NoError(t, err)
	mine, err := filter.Names(names...)
	require.NoError(t, err)
	own := scoped{Engine: engine}
	for _, name := range names {
		own.words = append(own.words, word(name))
	}
	tw, err := watchtower.New(append([]watchtower.Option{watchtower.WithEngine(own), watchtower.WithFilter(mine)}, opts...)...)
	require.NoError(t, err)
	return tw
}

// entry is the report's about one container.
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

func update(t *testing.T, tw *watchtower.Tower) *watchtower.Report {
	t.Helper()
	r, err := tw.Update(t.Context())
	require.NoError(t, err)
	return r
}

func TestAStaleContainerMovesToTheNewImage(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	says := func(version string) map[string]string {
		return map[string]string{"org.opencontainers.image.version": version}
	}
	ref, _ := reg.Push(t, "moves:1", enginehost.Image{Env: []string{"VERSION=1"}, Labels: says("1.4.2")})
	host.Pull(t, ref, "")
	old := host.Run(t, "moves", object{"Image": ref, "Env": []string{"MINE=1"}})
	before := host.Inspect(t, "moves")
	tw := tower(t, host, []string{"moves"})

	r := update(t, tw)
	assert.Equal(t, watchtower.StatusFresh, entry(t, r, "moves").Status)
	after := host.Inspect(t, "moves")
	assert.Equal(t, before["Id"], after["Id"], "what is fresh keeps its ID")
	assert.Equal(t, before["State"], after["State"], "and was not restarted")

	_, digest := reg.Push(t, "moves:1", enginehost.Image{Env: []string{"VERSION=2"}, Labels: says("1.5.0")})
	r, err := tw.Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, watchtower.StatusStale, entry(t, r, "moves").Status)
	assert.Equal(t, digest, entry(t, r, "moves").Latest)
	assert.Equal(t, "1.4.2 -> 1.5.0", entry(t, r, "moves").Change().String())
	assert.Equal(t, old, host.Inspect(t, "moves")["Id"], "a check touches nothing")

	r = update(t, tw)
	e := entry(t, r, "moves")
	require.NoError(t, e.Err)
	assert.Equal(t, watchtower.StatusUpdated, e.Status)
	assert.NotEqual(t, old, host.Inspect(t, "moves")["Id"])
	assert.Equal(t, "2 1", host.Exec(t, "moves", "sh", "-c", "echo $VERSION $MINE"))
	assert.NotContains(t, host.List(t), "moves.wt", "nothing is left of the swap")
	t.Log(r.Summary(), e.Downtime)
}
