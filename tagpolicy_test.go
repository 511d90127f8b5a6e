package watchtower_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/tags"
)

// vanished is a registry that lists a tag and does not have it.
type vanished struct {
	http.RoundTripper

	tag string
}

func (v vanished) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/manifests/"+v.tag) {
		return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	}
	return v.RoundTripper.RoundTrip(req)
}

// everyVersion is a container that runs app:1.2, and may move to any version.
func everyVersion() lifecycle.Spec { return labelled(watchtower.TagPolicyLabel, "semver:*") }

func TestAVersionThatIsNotForThisPlatformIsPassedOver(t *testing.T) {
	t.Parallel()
	const own, foreign = "linux/amd64", "linux/arm64"
	tests := []struct {
		name      string
		published map[string]string // the platform by tag, beside 1.2 for ours
		status    watchtower.Status
		to        string // the reference
		reason    string
		requests  map[string]int
	}{
		{
			"the highest has one",
			map[string]string{"1.3": own, "1.4": own},
			watchtower.StatusStale, "app:1.4",
			"app:1.4 is the newest it may move to",
			map[string]int{"HEAD": 1, "GET": 2},
		},
		{
			"the next one is taken",
			map[string]string{"1.3": own, "1.4": foreign},
			watchtower.StatusStale, "app:1.3",
			"app:1.3 is the newest it may move to; 1.4 has no image for linux/amd64",
			map[string]int{"HEAD": 2, "GET": 3},
		},
		{
			"or the one after it",
			map[string]string{"1.3": own, "1.4": foreign, "1.5": foreign},
			watchtower.StatusStale, "app:1.3",
			"app:1.3 is the newest it may move to; 1.5 has no image for linux/amd64; 1.4 has no image for linux/amd64",
			map[string]int{"HEAD": 3, "GET": 4},
		},
		{
			"there is none",
			map[string]string{"1.4": foreign},
			watchtower.StatusFresh, "",
			"1.4 has no image for linux/amd64",
			map[string]int{"HEAD": 2, "GET": 1},
		},
		{
			"but its own has moved",
			map[string]string{"1.2": own, "1.4": foreign},
			watchtower.StatusStale, "",
			"its reference points at another image; 1.4 has no image for linux/amd64",
			map[string]int{"HEAD": 2, "GET": 3},
		},
		{
			"nor has its own",
			map[string]string{"1.2": foreign, "1.4": foreign},
			watchtower.StatusSkipped, "",
			"its reference no longer serves linux/amd64; 1.4 has no image for linux/amd64",
			map[string]int{"HEAD": 2, "GET": 2},
		},
		{
			"only three are looked at",
			map[string]string{"1.3": own, "1.4": foreign, "1.5": foreign, "1.6": foreign, "1.7": foreign},
			watchtower.StatusFresh, "",
			"1.7 has no image for linux/amd64; 1.6 has no image for linux/amd64; 1.5 has no image for linux/amd64",
			map[string]int{"HEAD": 4, "GET": 3},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := enginetest.New()
			publish := func(tag, platform string, n int) {
				e.PublishIndex("app:"+tag, map[string]enginetest.Image{platform: version(n)})
			}
			publish("1.2", own, 2)
			e.Run("web", "app:1.2", everyVersion())
			n := 2
			for tag, platform := range tt.published {
				n++
				publish(tag, platform, n)
			}
			tw, asked := asking(t, e)
			r, err := tw.Check(t.Context())
			require.NoError(t, err)
			got := entry(t, r, "web")
			assert.Equal(t, tt.status, got.Status)
			assert.Equal(t, tt.to, got.NewReference)
			assert.Equal(t, tt.reason, got.Reason)
			assert.Equal(t, tt.requests, asked.since())
			if tt.status != watchtower.StatusStale {
				return
			}
			if tt.to == "" {
				tt.to = "app:1.2"
			}
			assert.Equal(t, watchtower.StatusUpdated, entry(t, update(t, tw), "web").Status)
			assert.Equal(t, tt.to, running(t, e, "web").Image)
		})
	}
}

func TestAVersionThatIsListedAndNotThereIsPassedOver(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	for i, tag := range []string{"1.2", "1.3", "1.4"} {
		e.Publish("app:"+tag, version(i))
	}
	e.Run("web", "app:1.2", everyVersion())
	client, err := registry.New(registry.WithTransport(vanished{e.Transport(), "1.4"}))
	require.NoError(t, err)
	r, err := memory(t, e, watchtower.WithChecker(client)).Check(t.Context())
	require.NoError(t, err)
	got := entry(t, r, "web")
	assert.Equal(t, "app:1.3", got.NewReference)
	assert.Equal(t, "app:1.3 is the newest it may move to; 1.4 is listed, and not there", got.Reason)
	require.NoError(t, got.Err)
}

// Each is tried once, however many fail, and none of them again when another has
// taken its place.
func TestAVersionThatFailedIsPassedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		e.Publish("app:1.2", version(2))
		e.Run("web", "app:1.2", everyVersion())
		bad := func(n int) enginetest.Image {
			return enginetest.Image{Env: version(n).Env, StartError: "no such file"}
		}
		e.Publish("app:1.4", bad(4))
		e.Publish("app:1.5", bad(5))
		told := &retold{}
		tw := memory(t, e, watchtower.WithObserver(told.once(t, "")))
		pass := func() watchtower.Entry { return entry(t, update(t, tw), "web") }

		got := pass()
		assert.Equal(t, watchtower.StatusRolledBack, got.Status)
		assert.Equal(t, "app:1.5", got.NewReference)
		got = pass()
		assert.Equal(t, watchtower.StatusRolledBack, got.Status)
		assert.Equal(t, "app:1.4", got.NewReference)
		for range 2 {
			got = pass()
			assert.Equal(t, watchtower.StatusFresh, got.Status)
			assert.Regexp(t, `^1\.5 failed on 2000-01-01T00:00:00Z: sha256:\w+; 1\.4 failed on 2000-01-01T00:00:00Z: sha256:\w+$`, got.Reason)
			assert.True(t, got.OutOfDate, "it runs what its own tag points at, and something newer is there")
		}
		assert.NotContains(t, told.since(), "over: rolled back web", "nobody mended it")
		e.Publish("app:1.3", version(3))
		got = pass()
		assert.Equal(t, watchtower.StatusUpdated, got.Status)
		assert.Equal(t, "app:1.3", running(t, e, "web").Image)
		assert.Equal(t, watchtower.StatusFresh, pass().Status, "what failed is still passed over")

		e.Publish("app:1.5", version(6))
		assert.Equal(t, watchtower.StatusUpdated, pass().Status, "until it is another")
		assert.Equal(t, "app:1.5", running(t, e, "web").Image)
	})
}

// Its own container's too, whose end another process sees.
func TestAVersionOfItsOwnThatFailedIsPassedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &towers{Engine: enginetest.New()}
		w.Publish("tower:1.2", version(2))
		id := w.Run("tower", "tower:1.2", instance(watchtower.TagPolicyLabel, "semver:*")).ID
		for _, n := range []int{4, 5} {
			w.Publish(fmt.Sprintf("tower:1.%d", n), enginetest.Image{Env: version(n).Env, Exits: true, ExitCode: 3})
		}
		dir := watchtower.WithStateDirectory(t.TempDir())
		for _, next := range []string{"tower:1.5", "tower:1.4"} {
			own := entry(t, update(t, w.tower(t, id, dir)), "tower")
			assert.Equal(t, watchtower.StatusStale, own.Status)
			assert.Equal(t, next, own.NewReference)
			w.help(t)
			id = running(t, w.Engine, "tower").ID
		}
		for range 2 {
			own := entry(t, update(t, w.tower(t, id, dir)), "tower")
			assert.Equal(t, watchtower.StatusFresh, own.Status)
			assert.Regexp(t, `^1\.5 failed on .*; 1\.4 failed on `, own.Reason)
		}
	})
}

// answers is a Checker that can do no more than that.
func answers(e *enginetest.Engine) watchtower.Checker { return registry.CheckerFunc(e.Checker().Check) }

func TestWhoFollowsVersionsNeedsACheckerThatListsTags(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("app:1.2", version(2))
	e.Run("web", "app:1.2", everyVersion())
	e.Run("other", "app:1.2", labelled(watchtower.TagPolicyLabel, "digest"))
	r, err := memory(t, e, watchtower.WithChecker(answers(e))).Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, watchtower.StatusFresh, entry(t, r, "other").Status)
	got := entry(t, r, "web")
	assert.Equal(t, watchtower.StatusSkipped, got.Status)
	assert.Equal(t, "label "+watchtower.TagPolicyLabel+`: "semver:*": the Checker lists no tags: it is no registry.TagLister`, got.Reason)

	policy, err := tags.Parse("semver:^1")
	require.NoError(t, err)
	opts := []watchtower.Option{watchtower.WithEngine(e), watchtower.WithTagPolicy(policy), watchtower.WithChecker(answers(e))}
	for range 2 { // in whichever order
		_, err = watchtower.New(opts...)
		require.EqualError(t, err, "watchtower: WithTagPolicy: semver:^1: want a Checker that lists tags (registry.TagLister), which the one given by WithChecker does not")
		assert.True(t, errdefs.IsInvalidArgument(err))
		slices.Reverse(opts)
	}
}

// panicking is a TagLister with a fault.
type panicking struct{ watchtower.Checker }

func (panicking) Tags(context.Context, string) ([]string, error) { panic("no idea") }

func TestATagListerThatPanicsCostsItsContainersOnly(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("app:1.2", version(2))
	e.Run("web", "app:1.2", everyVersion())
	e.Run("other", "app:1.2", lifecycle.Spec{})
	r, err := memory(t, e, watchtower.WithChecker(panicking{e.Checker()})).Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, watchtower.StatusFresh, entry(t, r, "other").Status)
	assert.EqualError(t, entry(t, r, "web").Err, "watchtower: check web: the checker panicked: no idea")
}

func TestACheckerThatIsGivenHasItsOwnOptions(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	_, err := watchtower.New(watchtower.WithEngine(e), watchtower.WithChecker(e.Checker()),
		watchtower.WithRegistryOptions(registry.WithMirrors("https://mirror.example")))
	require.EqualError(t, err, "watchtower: WithRegistryOptions: beside WithChecker: want one or the other: "+
		"these are for the client that is made where no Checker is given")
	assert.True(t, errdefs.IsInvalidArgument(err))
}
