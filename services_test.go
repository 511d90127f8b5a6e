package watchtower_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// aSwarm is a manager with a service on an image whose tag has moved on since.
func aSwarm(t *testing.T, change func(spec lifecycle.Document), next ...enginetest.Image) *enginetest.Swarm {
	t.Helper()
	s := enginetest.NewSwarm()
	old := s.Publish("app:1", enginetest.Image{})
	spec := serviceSpec("web", "app:1@"+old.String())
	if change != nil {
		change(spec)
	}
	s.CreateService(spec)
	for _, image := range next {
		s.Publish("app:1", image)
	}
	return s
}

func serviceSpec(name, image string) lifecycle.Document {
	return lifecycle.Document{
		"Name": name, "Labels": map[string]any{}, "UpdateConfig": map[string]any{"FailureAction": "rollback"},
		"TaskTemplate": map[string]any{"ContainerSpec": map[string]any{"Image": image, "Labels": map[string]any{}}},
	}
}

func ofSwarm(t *testing.T, e watchtower.Engine, s *enginetest.Swarm, opts ...watchtower.Option) *watchtower.Tower {
	t.Helper()
	tw, err := watchtower.New(append([]watchtower.Option{
		watchtower.WithEngine(e), watchtower.WithChecker(s.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
	}, opts...)...)
	require.NoError(t, err)
	return tw
}

var second = enginetest.Image{Env: []string{"VERSION=2"}}

func TestAServiceIsUpdatedAsAContainerIs(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, nil, second)
	tw := ofSwarm(t, s, s)
	r, err := tw.Check(t.Context())
	require.NoError(t, err)
	e := entry(t, r, "web")
	assert.Equal(t, watchtower.StatusStale, e.Status, "%s %v", e.Reason, e.Err)
	assert.Equal(t, "app:1", e.Container.Image)
	assert.Equal(t, "update service web: its reference points at another image\n", r.Plan.String())
	assert.Empty(t, s.Posted(), "a check changes nothing")

	applied, err := tw.Apply(t.Context(), r.Plan)
	require.NoError(t, err, "the plan holds as long as the service is what was judged")
	e = entry(t, applied, "web")
	require.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
	assert.Equal(t, "app:1@"+e.Latest, image(t, s))
	for _, c := range s.Calls() {
		assert.NotContains(t, []string{"Pull", "Create", "Inspect"}, c.Method, "nothing of it is this engine's: %s", c)
	}
	assert.Equal(t, watchtower.StatusFresh, entry(t, update(t, tw), "web").Status)
	require.Len(t, s.Posted(), 1)
	list, err := tw.Containers(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, e.Latest, list[0].Digest)
	assert.Empty(t, list[0].Skipped)
}

// image is the service's, in its specification.
func image(t *testing.T, s *enginetest.Swarm) string {
	t.Helper()
	list, err := s.Services(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	return list[0].Image()
}

func TestADigestThatAServiceRolledBackFromIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for action, status := range map[string]watchtower.Status{
		"rollback": watchtower.StatusRolledBack, "pause": watchtower.StatusFailed,
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			s := aSwarm(t, func(spec lifecycle.Document) { spec.Object("UpdateConfig")["FailureAction"] = action })
			before := image(t, s)
			bad := s.Publish("app:1", second)
			s.SetBad("app:1@" + bad.String())
			tw := ofSwarm(t, s, s)
			e := entry(t, update(t, tw), "web")
			assert.Equal(t, status, e.Status)
			require.ErrorIs(t, e.Err, errdefs.ErrAborted)
			e = entry(t, update(t, tw), "web")
			assert.Equal(t, watchtower.StatusSkipped, e.Status)
			require.Len(t, s.Posted(), 1)
			if action == "pause" {
				assert.Contains(t, e.Reason, "paused its change to this digest")
				// Somebody puts it back.
				s.ChangeService("web", func(s *lifecycle.Service) {
					s.Rollout = lifecycle.RolloutNone
					s.Spec.Object("TaskTemplate").Object("ContainerSpec")["Image"] = before
				})
				e = entry(t, update(t, tw), "web")
			}
			assert.Contains(t, e.Reason, "this digest failed on ")
			require.Len(t, s.Posted(), 1)

			s.Publish("app:1", enginetest.Image{Env: []string{"VERSION=3"}})
			assert.Equal(t, watchtower.StatusUpdated, entry(t, update(t, tw), "web").Status)
		})
	}
}

// What another platform is served, of which no node is, restarts nothing.
func TestAServiceFollowsWhatItsNodesAreServed(t *testing.T) {
	t.Parallel()
	const arm = "linux/arm64"
	one, two := enginetest.Image{}, second
	for name, tt := range map[string]struct {
		nodes     []string
		was, next map[string]enginetest.Image
		status    watchtower.Status
		reason    string
	}{
		"another platform's content": {
			[]string{enginetest.Platform},
			map[string]enginetest.Image{enginetest.Platform: one, arm: one},
			map[string]enginetest.Image{enginetest.Platform: one, arm: two},
			watchtower.StatusFresh, "the index moved, its content for the nodes of the swarm did not",
		},
		"one node's content": {
			[]string{enginetest.Platform, arm},
			map[string]enginetest.Image{enginetest.Platform: one, arm: one},
			map[string]enginetest.Image{enginetest.Platform: one, arm: two},
			watchtower.StatusStale, "its reference points at another image",
		},
		"a node's platform is lost": {
			[]string{enginetest.Platform, arm},
			map[string]enginetest.Image{enginetest.Platform: one, arm: one},
			map[string]enginetest.Image{enginetest.Platform: two},
			watchtower.StatusSkipped, "its reference does not serve linux/arm64, which nodes of the swarm are",
		},
		"a node's platform was never served": {
			[]string{enginetest.Platform, arm},
			map[string]enginetest.Image{enginetest.Platform: one},
			map[string]enginetest.Image{enginetest.Platform: two},
			watchtower.StatusStale, "its reference points at another image",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := enginetest.NewSwarm()
			s.SetCluster(lifecycle.Cluster{Role: lifecycle.RoleManager, Platforms: tt.nodes})
			s.CreateService(serviceSpec("web", "app:1@"+s.PublishIndex("app:1", tt.was).String()))
			s.PublishIndex("app:1", tt.next)
			r, err := ofSwarm(t, s, s).Check(t.Context())
			require.NoError(t, err)
			e := entry(t, r, "web")
			assert.Equal(t, tt.status, e.Status, "%v", e.Err)
			assert.Equal(t, tt.reason, e.Reason)
		})
	}
}

func TestServicesThatAreLeftAlone(t *testing.T) {
	t.Parallel()
	label := func(key, value string) func(lifecycle.Document) {
		return func(spec lifecycle.Document) { spec.Object("Labels")[key] = value }
	}
	for name, tt := range map[string]struct {
		change func(lifecycle.Document)
		status watchtower.Status
		reason string
	}{
		"by a deploy label": {label(filter.EnableLabel, "false"), watchtower.StatusSkipped, "its enable label is false"},
		"by a label of its containers": {
			func(spec lifecycle.Document) {
				spec.Object("TaskTemplate").Object("ContainerSpec").Object("Labels")[filter.EnableLabel] = "false"
			}, watchtower.StatusSkipped, "its enable label is false",
		},
		"only monitored": {label(watchtower.MonitorOnlyLabel, "true"), watchtower.StatusStale, "only monitored: its reference points at another image"},
		"without a registry": {
			label(watchtower.NoPullLabel, "true"), watchtower.StatusSkipped, "no-pull: the nodes of a swarm pull for themselves",
		},
		"pinned in the stack's file": {
			label("com.docker.stack.image", "app:1@sha256:1111111111111111111111111111111111111111111111111111111111111111"),
			watchtower.StatusSkipped, "pinned to a digest",
		},
		"a job": {
			func(spec lifecycle.Document) { spec["Mode"] = map[string]any{"ReplicatedJob": map[string]any{}} },
			watchtower.StatusSkipped, "a job: an update would run it again",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := aSwarm(t, tt.change, second)
			e := entry(t, update(t, ofSwarm(t, s, s, watchtower.WithFilter(filter.Enabled(false)))), "web")
			assert.Equal(t, tt.status, e.Status, "%v", e.Err)
			assert.Equal(t, tt.reason, e.Reason)
			assert.Empty(t, s.Posted())
		})
	}
}

// A service and a container of one name are two, and what failed on the one is none of
// the other's business.
func TestServicesBesideContainers(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, func(spec lifecycle.Document) {
		spec.Object("Labels")[lifecycle.LabelProbe] = "tcp://:80"
	})
	s.Run("web", "app:1", lifecycle.Spec{})
	task := s.Run("web.1.x", "app:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{
		lifecycle.LabelTaskID: "x", lifecycle.LabelServiceName: "web",
	}}})
	bad := s.Publish("app:1", second)
	s.SetBad("app:1@" + bad.String())
	r := update(t, ofSwarm(t, s, s))
	statuses := map[bool]watchtower.Status{}
	for _, e := range r.Entries {
		if e.Container.Name == "web" {
			statuses[e.Container.Service != nil] = e.Status
			assert.Equal(t, e.Container.Service != nil, len(e.Warnings) > 0 && strings.Contains(e.Warnings[0], lifecycle.LabelProbe), "%v", e.Warnings)
		}
	}
	assert.Equal(t, map[bool]watchtower.Status{true: watchtower.StatusRolledBack, false: watchtower.StatusUpdated}, statuses)
	e := entry(t, r, "web.1.x")
	assert.Equal(t, "a task of the service web, which the swarm replaces by itself", e.Reason)
	snap, err := s.Inspect(t.Context(), "web.1.x")
	require.NoError(t, err)
	assert.Equal(t, task.ID, snap.ID)
}

func TestWhereServicesAreUpdated(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		services watchtower.Services
		role     lifecycle.ClusterRole
		posted   int
		swaps    watchtower.Status // the container's
		says     string            // of the pass, or the log
	}{
		"auto, on a manager": {watchtower.ServicesAuto, lifecycle.RoleManager, 1, watchtower.StatusUpdated, ""},
		"auto, on a worker":  {watchtower.ServicesAuto, lifecycle.RoleWorker, 0, watchtower.StatusUpdated, "this engine is a worker of a swarm"},
		"auto, alone":        {watchtower.ServicesAuto, lifecycle.RoleNone, 0, watchtower.StatusUpdated, ""},
		"off":                {watchtower.ServicesOff, lifecycle.RoleManager, 0, watchtower.StatusUpdated, ""},
		"only":               {watchtower.ServicesOnly, lifecycle.RoleManager, 1, watchtower.StatusSkipped, ""},
		"only, on a worker":  {watchtower.ServicesOnly, lifecycle.RoleWorker, 0, "", "services only, and this engine is no manager"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := aSwarm(t, nil)
			s.SetCluster(lifecycle.Cluster{Role: tt.role, Platforms: []string{enginetest.Platform}})
			s.Run("alone", "app:1", lifecycle.Spec{})
			s.Publish("app:1", second)
			var log bytes.Buffer
			tw := ofSwarm(t, s, s, watchtower.WithServices(tt.services), watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			for range 2 {
				r, err := tw.Update(t.Context())
				if tt.swaps == "" {
					require.ErrorIs(t, err, errdefs.ErrFailedPrecondition)
					require.ErrorContains(t, err, tt.says)
					continue
				}
				require.NoError(t, err)
				if r.Count(watchtower.StatusFresh) == 0 {
					assert.Equal(t, tt.swaps, entry(t, r, "alone").Status)
				}
			}
			assert.Len(t, s.Posted(), tt.posted)
			if tt.swaps != "" && tt.says != "" {
				assert.Equal(t, 1, strings.Count(log.String(), tt.says), "once: %s", log.String())
			}
		})
	}
}

// An engine that is no manager of anything, and one that must not be asked.
func TestAnEngineWithoutServices(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	_, err := memory(t, e, watchtower.WithServices(watchtower.ServicesOnly)).Check(t.Context())
	require.ErrorIs(t, err, errdefs.ErrNotImplemented)
	_, err = watchtower.New(watchtower.WithEngine(e), watchtower.WithServices("some"))
	require.ErrorContains(t, err, `WithServices: "some": want auto, off or only`)

	s := aSwarm(t, nil, second)
	var log bytes.Buffer
	tw := ofSwarm(t, denied{s}, s, watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	for range 2 {
		r, err := tw.Update(t.Context())
		require.NoError(t, err)
		assert.Empty(t, r.Entries)
	}
	assert.Equal(t, 1, strings.Count(log.String(), "the services of the swarm are not seen"))
	_, err = ofSwarm(t, denied{s}, s, watchtower.WithServices(watchtower.ServicesOnly)).Check(t.Context())
	require.ErrorIs(t, err, errdefs.ErrPermissionDenied)
}

// denied is a manager behind a proxy that shows no services.
type denied struct{ *enginetest.Swarm }

func (denied) Services(context.Context) ([]lifecycle.Service, error) {
	return nil, errdefs.ErrPermissionDenied
}

// A hook in Go has the last word over a service, too.
func TestAHookHoldsUpAService(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, func(spec lifecycle.Document) { spec.Object("Labels")[lifecycle.LabelPreUpdate] = "exit 1" }, second)
	asked := 0
	hook := func(_ context.Context, call watchtower.HookCall) watchtower.HookVerdict {
		asked++
		assert.Equal(t, "web", call.Container.Name)
		return watchtower.HookVerdict{Skip: "not today"}
	}
	e := entry(t, update(t, ofSwarm(t, s, s, watchtower.WithHook(lifecycle.PreUpdate, hook), watchtower.WithLabelHooks(watchtower.HookUser{}))), "web")
	assert.Equal(t, watchtower.StatusSkipped, e.Status, "%v", e.Err)
	assert.Contains(t, e.Reason, "not today")
	assert.Equal(t, 1, asked)
	assert.Empty(t, s.Posted())
}

func ExampleWithServices() {
	swarm := enginetest.NewSwarm()
	old := swarm.Publish("app:1", enginetest.Image{})
	swarm.CreateService(serviceSpec("web", "app:1@"+old.String()))
	swarm.Run("db", "app:1", lifecycle.Spec{})
	swarm.Publish("app:1", second)
	tower, err := watchtower.New(
		watchtower.WithEngine(swarm), watchtower.WithChecker(swarm.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithServices(watchtower.ServicesOnly),
	)
	if err != nil {
		panic(err)
	}
	show(context.Background(), tower)
	// Output:
	// db is skipped no service, and only services are updated
	// web is updated
}

// Nobody would be left to learn how its own service's update ended.
func TestTheServiceThatAWatchtowerRunsInIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := aSwarm(t, nil, second)
	list, err := s.Services(t.Context())
	require.NoError(t, err)
	self := s.Run("web.1.x", "app:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{lifecycle.LabelServiceID: list[0].ID}}})
	r := update(t, ofSwarm(t, s, s, watchtower.WithSelf(self.ID)))
	assert.Equal(t, "this watchtower runs in it", entry(t, r, "web").Reason)
	assert.Contains(t, entry(t, r, "web.1.x").Reason, "a task of the service ")
	assert.Empty(t, s.Posted())
}
