package watchtower_test

import (
	"context"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

func TestWhatACheckerSaysIsReadBeforeItIsBelieved(t *testing.T) {
	t.Parallel()
	good := digest.FromString("new")
	tests := []struct {
		name string
		said registry.Verdict
		want string // the error; empty: the container is stale
	}{
		{"a digest, and nothing else", registry.Verdict{Digest: good}, ""},
		{"nothing", registry.Verdict{}, `the checker said no digest`},
		{"no digest, but images", registry.Verdict{Images: []registry.Image{{Platform: enginetest.Platform, Config: good}}}, `the checker said no digest`},
		{"a cut digest", registry.Verdict{Digest: "sha256:abc"}, `the checker said "sha256:abc", which is no digest`},
		{"no digest at all", registry.Verdict{Digest: "latest"}, `the checker said "latest", which is no digest`},
		{
			"a bad configuration",
			registry.Verdict{Digest: good, Images: []registry.Image{{Platform: enginetest.Platform, Config: "x"}}},
			`the checker said "x", which is no digest`,
		},
		{
			"a bad manifest",
			registry.Verdict{Digest: good, Images: []registry.Image{{Platform: enginetest.Platform, Manifest: "y", Config: good}}},
			`the checker said "y", which is no digest`,
		},
		{"another's", registry.Verdict{Reference: "other:1", Digest: good}, `the checker answered for other:1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newTown(t)
			v.run("fresh", "new", nil)
			v.run("web", "old", nil)
			r, err := memory(t, v.Engine, watchtower.WithChecker(registry.CheckerFunc(
				func(ctx context.Context, queries []registry.Query) []registry.Verdict {
					out := v.Checker().Check(ctx, queries)
					for i, q := range queries {
						if strings.HasSuffix(q.Reference, "/old:1") {
							out[i] = tt.said
						}
					}
					return out
				}))).Check(t.Context())
			require.NoError(t, err)
			assert.Equal(t, watchtower.StatusFresh, entry(t, r, "fresh").Status)
			web := entry(t, r, "web")
			if tt.want == "" {
				assert.Equal(t, watchtower.StatusStale, web.Status)
				return
			}
			require.EqualError(t, web.Err, "watchtower: check web: "+tt.want)
			assert.Equal(t, watchtower.StatusFailed, web.Status)
			assert.Empty(t, r.Plan.Groups)
		})
	}
}
