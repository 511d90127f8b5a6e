package watchtower_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// memory is a tower on an engine in memory.
func memory(t testing.TB, e *enginetest.Engine, opts ...watchtower.Option) *watchtower.Tower {
	t.Helper()
	tw, err := watchtower.New(append([]watchtower.Option{
		watchtower.WithEngine(e), watchtower.WithChecker(e.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
	}, opts...)...)
	require.NoError(t, err)
	return tw
}

func TestACheckOnlyReads(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	for i := range 3 {
		ref := fmt.Sprintf("app%d:1", i)
		e.Publish(ref, enginetest.Image{})
		e.Run(fmt.Sprintf("web-%d", i), ref, lifecycle.Spec{})
	}
	e.Publish("app0:1", enginetest.Image{Env: []string{"VERSION=2"}})
	e.Calls()
	r, err := memory(t, e, watchtower.WithCleanup(true)).Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, r.Count(watchtower.StatusStale))
	for _, c := range e.Calls() {
		assert.False(t, c.Changes, "%v", c)
	}
}

// What a check asks of the engine does not grow with the containers.
func TestACheckOfManyFreshContainersIsThreeCalls(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	for i := range 100 {
		ref := fmt.Sprintf("app%d:1", i%50)
		e.Publish(ref, enginetest.Image{Env: []string{fmt.Sprint("OF=", i%50)}})
		e.Run(fmt.Sprintf("web-%d", i), ref, lifecycle.Spec{})
	}
	e.Calls()
	asked := 0
	counting := registry.CheckerFunc(func(ctx context.Context, qs []registry.Query) []registry.Verdict {
		asked += len(qs)
		return e.Checker().Check(ctx, qs)
	})
	r, err := memory(t, e, watchtower.WithChecker(counting)).Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 100, r.Count(watchtower.StatusFresh))
	assert.Equal(t, 50, asked, "one question per reference")
	assert.Len(t, e.Calls(), 3, "a ping and two lists")
}

// What a check asks of a registry does not, either.
func TestManyContainersOfOneReferenceAreOneRequest(t *testing.T) {
	t.Parallel()
	r := registrytest.New(registrytest.Profile{})
	t.Cleanup(r.Close)
	e := enginetest.New()
	ref := r.Reference("team/app", "1")
	d := e.Publish(ref, enginetest.Image{})
	r.SetFault(registrytest.Reply(http.StatusOK, "", "Docker-Content-Digest", d.String()), registrytest.KindHead)
	for i := range 10 {
		e.Run(fmt.Sprintf("web-%d", i), ref, lifecycle.Spec{})
	}
	checker, err := registry.New(registry.WithTransport(registrytest.Transport(r)))
	require.NoError(t, err)
	report, err := memory(t, e, watchtower.WithChecker(checker)).Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 10, report.Count(watchtower.StatusFresh))
	assert.Equal(t, registrytest.Counts{Head: 1}, r.Requests().Counts())
}

func TestOwnParts(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("app:1", enginetest.Image{})
	e.Run("web", "app:1", lifecycle.Spec{})
	e.Run("other", "app:1", lifecycle.Spec{})
	e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
	var targets []lifecycle.Target
	r, err := memory(t, e,
		watchtower.WithFilter(filter.Func(func(c watchtower.Container) bool { return c.Name == "web" })),
		watchtower.WithUpdater(lifecycle.UpdaterFunc(func(_ context.Context, t lifecycle.Target) (lifecycle.Result, error) {
			targets = append(targets, t)
			return lifecycle.Result{}, errors.New("not today")
		})),
		watchtower.WithStopTimeout(7*time.Second),
	).Update(t.Context())
	require.NoError(t, err)
	require.Len(t, targets, 1)
	assert.Equal(t, "app:1", targets[0].Members[0].Reference)
	assert.Equal(t, 7*time.Second, *targets[0].StopTimeout)
	assert.Equal(t, watchtower.StatusFailed, entry(t, r, "web").Status)
	require.EqualError(t, entry(t, r, "web").Err, "watchtower: not today")
	assert.Equal(t, "refused by a filter", entry(t, r, "other").Reason)
	require.Error(t, r.Err())
}

func TestACheckersTroubleIsThatReferences(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	for _, name := range []string{"a", "b"} {
		e.Publish(name+":1", enginetest.Image{Env: []string{"OF=" + name}})
		e.Run("web-"+name, name+":1", lifecycle.Spec{})
	}
	e.Publish("b:1", enginetest.Image{Env: []string{"OF=b", "VERSION=2"}})
	r, err := memory(t, e, watchtower.WithChecker(registry.CheckerFunc(func(ctx context.Context, qs []registry.Query) []registry.Verdict {
		out := e.Checker().Check(ctx, qs)
		out[0] = registry.Verdict{Reference: qs[0].Reference, Err: errdefs.ErrUnavailable}
		return out
	}))).Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, watchtower.StatusFailed, entry(t, r, "web-a").Status)
	require.EqualError(t, entry(t, r, "web-a").Err, "watchtower: check web-a: unavailable")
	assert.Equal(t, watchtower.StatusStale, entry(t, r, "web-b").Status)

	r, err = memory(t, e, watchtower.WithChecker(registry.CheckerFunc(func(context.Context, []registry.Query) []registry.Verdict {
		return nil
	}))).Update(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, r.Count(watchtower.StatusFailed), "a checker that breaks its promise")
}

func TestWhatAnUnfinishedSwapHoldsIsReportedAndLeftAlone(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("app:1", enginetest.Image{})
	e.Run("web", "app:1", lifecycle.Spec{})
	old := e.Run("parked", "app:1", lifecycle.Spec{})
	id := old.ID[:12]
	require.NoError(t, e.Rename(t.Context(), "parked", "web.wt-old-r-"+id+"-"+id+"-0"))
	e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
	e.Calls()
	r, err := memory(t, e).Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, r.Count(watchtower.StatusSkipped))
	assert.Equal(t, "part of an unfinished swap of web", entry(t, r, "web").Reason)
	for _, c := range e.Calls() {
		assert.False(t, c.Changes, "%v", c)
	}
}

func TestAnUpdateRepairsWhatACrashLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		e.Publish("app:1", enginetest.Image{})
		web := e.Run("web", "app:1", lifecycle.Spec{})
		e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})
		e.SetFault(func(n int, _ enginetest.Call) enginetest.Fault {
			if n > 5 { // pulled, created, renamed, renamed, stopped
				return enginetest.Before
			}
			return enginetest.None
		})
		r, err := memory(t, e).Update(t.Context())
		require.NoError(t, err)
		assert.Equal(t, watchtower.StatusFailed, entry(t, r, "web").Status)
		e.SetFault(nil)
		r, err = memory(t, e).Update(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []lifecycle.Recovery{{Name: "web", Outcome: lifecycle.OutcomeRolledBack, ID: web.ID}}, r.Recovered)
		assert.Equal(t, watchtower.StatusUpdated, entry(t, r, "web").Status, "and goes on from there")
	})
}

func TestIndependentContainersDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		for i := range 8 {
			ref := fmt.Sprintf("app%d:1", i)
			e.Publish(ref, enginetest.Image{})
			e.Run(fmt.Sprintf("web-%d", i), ref, lifecycle.Spec{})
			e.Publish(ref, enginetest.Image{Env: []string{"VERSION=2"}})
		}
		start := time.Now()
		r, err := memory(t, e, watchtower.WithConcurrency(4)).Update(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 8, r.Count(watchtower.StatusUpdated))
		assert.Less(t, time.Since(start), 3*lifecycle.DefaultStableTime, "two rounds of four")
	})
}

func TestTheReportAsJSON(t *testing.T) {
	t.Parallel()
	data, err := watchtower.Entry{
		Container: watchtower.Container{Name: "web", ID: "1", Image: "app:1", ImageID: "sha256:1", State: lifecycle.StateRunning},
		Status:    watchtower.StatusRolledBack, Downtime: 1500 * time.Millisecond, Err: errors.New("it exits"),
	}.MarshalJSON()
	require.NoError(t, err)
	assert.JSONEq(t, `{"name":"web","id":"1","image":"app:1","image_id":"sha256:1","state":"running",
		"status":"rolled back","downtime_ms":1500,"error":"it exits"}`, string(data))
}
