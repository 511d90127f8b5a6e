package watchtower_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

// refusing answers for what has the text in its path with a status.
type refusing struct {
	http.RoundTripper
	path   string
	status int
}

func (r refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.Contains(req.URL.Path, r.path) {
		return r.RoundTripper.RoundTrip(req)
	}
	return &http.Response{StatusCode: r.status, Header: http.Header{}, Body: http.NoBody, Request: req, ProtoMajor: 1, ProtoMinor: 1}, nil
}

// An index that moved for others restarts nothing, even while its registry is too busy to
// say what the old one had. What it has no more was another.
func TestWhatAServiceRunsIsNotGuessed(t *testing.T) {
	t.Parallel()
	const arm = "linux/arm64"
	for name, tt := range map[string]struct {
		status int
		want   watchtower.Status
		posted int
	}{
		"not there any more": {http.StatusNotFound, watchtower.StatusUpdated, 1},
		"not shown any more": {http.StatusForbidden, watchtower.StatusUpdated, 1},
		"too many questions": {http.StatusTooManyRequests, watchtower.StatusFailed, 0},
		"out of order":       {http.StatusBadGateway, watchtower.StatusFailed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := enginetest.NewSwarm()
			old := s.PublishIndex("team/app:1", map[string]enginetest.Image{enginetest.Platform: {}, arm: {}})
			s.CreateService(serviceSpec("web", "team/app:1@"+old.String()))
			s.PublishIndex("team/app:1", map[string]enginetest.Image{enginetest.Platform: {}, arm: second})
			checker, err := registry.New(registry.WithTransport(refusing{s.Transport(), old.String(), tt.status}))
			require.NoError(t, err)
			tw := ofSwarm(t, s, s, watchtower.WithChecker(checker))
			e := entry(t, update(t, tw), "web")
			assert.Equal(t, tt.want, e.Status, "%s %v", e.Reason, e.Err)
			assert.Len(t, s.Posted(), tt.posted)
			if tt.posted > 0 {
				return
			}
			require.ErrorContains(t, e.Err, "watchtower: check web: what it runs: ")
			assert.True(t, errdefs.IsUnavailable(e.Err) || errdefs.IsResourceExhausted(e.Err), "%v", e.Err)
		})
	}
}

// A manifest does not say for which platform it is, as its index would.
func TestAServiceMayMoveFromAManifestToAnIndex(t *testing.T) {
	t.Parallel()
	s := enginetest.NewSwarm()
	s.SetCluster(lifecycle.Cluster{Role: lifecycle.RoleManager, Platforms: []string{enginetest.Platform, "linux/arm64"}})
	s.CreateService(serviceSpec("web", "app:1@"+s.Publish("app:1", enginetest.Image{}).String()))
	s.PublishIndex("app:1", map[string]enginetest.Image{enginetest.Platform: {}})
	tw := ofSwarm(t, s, s)
	e := entry(t, update(t, tw), "web")
	assert.Equal(t, watchtower.StatusFresh, e.Status, "%s %v", e.Reason, e.Err)
	s.PublishIndex("app:1", map[string]enginetest.Image{enginetest.Platform: second})
	e = entry(t, update(t, tw), "web")
	assert.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
}

func TestAClusterThatDoesNotSayWhatItsNodesAre(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, nil, second)
	s.SetCluster(lifecycle.Cluster{Role: lifecycle.RoleManager})
	e := entry(t, update(t, ofSwarm(t, s, s)), "web")
	assert.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
}

// What has a digest was not built on any of the nodes.
func TestATagOfAServiceThatIsGoneIsAFailure(t *testing.T) {
	t.Parallel()
	for _, image := range []string{"app:1", "team/app:1"} {
		s := enginetest.NewSwarm()
		s.CreateService(serviceSpec("web", image+"@sha256:"+strings.Repeat("1", 64)))
		e := entry(t, update(t, ofSwarm(t, s, s)), "web")
		assert.Equal(t, watchtower.StatusFailed, e.Status, "%s: %s", image, e.Reason)
		require.ErrorIs(t, e.Err, errdefs.ErrNotFound)
	}
}

// As on a swarm of one node, whose client found no digest to write down.
func TestAServiceOfAnImageThatWasBuiltHere(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]enginetest.Option{"classic": nil, "containerd": {enginetest.WithContainerdStore()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := enginetest.NewSwarm(opts...)
			s.Build("team/app:1", enginetest.Image{})
			id := s.CreateService(serviceSpec("web", "team/app:1"))
			s.Run("web.1.x", "team/app:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{lifecycle.LabelServiceID: id}}})
			e := entry(t, update(t, ofSwarm(t, s, s)), "web")
			assert.Equal(t, watchtower.StatusSkipped, e.Status, "%v", e.Err)
			assert.Equal(t, "its image was built or loaded here", e.Reason)
		})
	}
}
