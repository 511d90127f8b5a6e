package filter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
)

func TestLabels(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pairs  []string
		labels map[string]string
		want   bool
	}{
		{nil, nil, true},
		{[]string{"team=web"}, nil, false},
		{[]string{"team=web"}, map[string]string{"team": "web"}, true},
		{[]string{"team=web"}, map[string]string{"team": "Web"}, false},
		{[]string{"team=web"}, map[string]string{"team": ""}, false},
		{[]string{"team="}, map[string]string{"team": "any"}, true},
		{[]string{"team="}, map[string]string{"team": ""}, true},
		{[]string{"team="}, map[string]string{"teams": "web"}, false},
		{[]string{"query=a=b"}, map[string]string{"query": "a=b"}, true},
		{[]string{"team=web", "tier=front"}, map[string]string{"tier": "front"}, true},
	} {
		f, err := filter.Labels(tt.pairs...)
		require.NoError(t, err)
		not, err := filter.ExceptLabels(tt.pairs...)
		require.NoError(t, err)
		c := lifecycle.Container{Labels: tt.labels}
		assert.Equal(t, tt.want, f.Match(c), "%+v", tt)
		assert.Equal(t, !tt.want || len(tt.pairs) == 0, not.Match(c), "the opposite of %+v", tt)
	}
}

func TestLabelsAndImagesSayWhyTheyRefuse(t *testing.T) {
	t.Parallel()
	c := lifecycle.Container{Image: "nginx:1.27", Labels: map[string]string{"team": "web"}}
	for want, make := range map[string]func() (filter.Filter, error){
		"it has none of the labels team=db, x=": func() (filter.Filter, error) { return filter.Labels("team=db", "x=") },
		"it has one of the labels team=web":     func() (filter.Filter, error) { return filter.ExceptLabels("team=web") },
		"its image is one of nginx, redis":      func() (filter.Filter, error) { return filter.ExceptImages("nginx", "redis") },
	} {
		f, err := make()
		require.NoError(t, err)
		ok, reason := filter.Reason(f, c)
		assert.False(t, ok)
		assert.Equal(t, want, reason)
	}
	none, err := filter.ExceptImages()
	require.NoError(t, err)
	assert.True(t, none.Match(c))
}

func TestBadLabelsAreAllNamed(t *testing.T) {
	t.Parallel()
	for _, of := range []func(...string) (filter.Filter, error){filter.Labels, filter.ExceptLabels} {
		_, err := of("team", "=web", "ok=1", "long="+strings.Repeat("x", 4096))
		require.Error(t, err)
		assert.True(t, errdefs.IsInvalidArgument(err))
		assert.Contains(t, err.Error(), `"team"`)
		assert.Contains(t, err.Error(), `"=web"`)
		assert.Contains(t, err.Error(), "4101 bytes")
		assert.NotContains(t, err.Error(), "ok=1")
		many := make([]string, 101)
		for i := range many {
			many[i] = fmt.Sprintf("k%d=", i)
		}
		_, err = of(many...)
		assert.True(t, errdefs.IsInvalidArgument(err))
		_, err = of(many[:100]...)
		assert.NoError(t, err)
	}
	_, err := filter.ExceptImages("x(")
	assert.True(t, errdefs.IsInvalidArgument(err))
}
