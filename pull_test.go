package watchtower_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
)

func TestAPullThatBreaksOffMovesNothing(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "cut:1", enginehost.Image{})
	host.Pull(t, ref, "")
	id := host.Run(t, "cut", object{"Image": ref})
	before := host.Inspect(t, "cut")
	reg.Push(t, "cut:1", enginehost.Image{Files: map[string]string{"big": strings.Repeat("x", 1<<20)}})
	cut := 0
	reg.Break(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/blobs/") {
			return false
		}
		cut++
		w.Header().Set("Content-Length", strconv.Itoa(1<<20))
		_, _ = w.Write(make([]byte, 1<<10)) // and no more
		return true
	})
	r := update(t, tower(t, host, []string{"cut"}, quick()))
	assert.Positive(t, cut)
	e := entry(t, r, "cut")
	assert.Equal(t, watchtower.StatusFailed, e.Status)
	require.Error(t, e.Err)
	t.Log(e.Err)
	after := host.Inspect(t, "cut")
	assert.Equal(t, id, after["Id"])
	assert.Equal(t, before["State"], after["State"])
	assert.Equal(t, before["Image"], host.Inspect(t, "cut")["Image"])

	reg.Break(nil)
	assert.Equal(t, watchtower.StatusUpdated, entry(t, update(t, tower(t, host, []string{"cut"}, quick())), "cut").Status)
}

// A tag that moves between the check and the pull: what was judged is not there,
// so nothing is moved, and the next pass judges anew.
func TestATagThatMovesBeforeThePullIsSuperseded(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "moving:1", enginehost.Image{})
	host.Pull(t, ref, "")
	id := host.Run(t, "moving", object{"Image": ref})
	reg.Push(t, "moving:1", enginehost.Image{Env: []string{"VERSION=2"}})
	tw := tower(t, host, []string{"moving"}, quick())
	r, err := tw.Check(t.Context())
	require.NoError(t, err)
	reg.Push(t, "moving:1", enginehost.Image{Env: []string{"VERSION=3"}})
	r, err = tw.Apply(t.Context(), r.Plan)
	require.NoError(t, err)
	e := entry(t, r, "moving")
	assert.Equal(t, watchtower.StatusSkipped, e.Status)
	assert.Contains(t, e.Reason, "superseded")
	assert.Equal(t, id, host.Inspect(t, "moving")["Id"])
	assert.Equal(t, watchtower.StatusUpdated, entry(t, update(t, tw), "moving").Status)
	assert.Contains(t, host.Inspect(t, "moving")["Config"].(object)["Env"], "VERSION=3")
}
