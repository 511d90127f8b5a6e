package watchtower_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// aged is an engine with a container "web" for which there is something newer.
func aged() *enginetest.Engine {
	e := enginetest.New()
	e.Publish("app:1", version(1))
	e.Run("web", "app:1", lifecycle.Spec{})
	e.Publish("app:1", version(2))
	return e
}

// heard are events by the engine they are about. Several Towers may tell at once.
type heard struct {
	mu sync.Mutex
	by map[string][]watchtower.Event
}

func (h *heard) Observe(_ context.Context, e watchtower.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by == nil {
		h.by = map[string][]watchtower.Event{}
	}
	h.by[watchtower.EventEngine(e)] = append(h.by[watchtower.EventEngine(e)], e)
}

func TestAnEnginesNameStandsInAllThatIsToldOfIt(t *testing.T) {
	t.Parallel()
	for name, shown := range map[string]bool{"nas": true, "": false} {
		t.Run("named "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log, audit bytes.Buffer
				events := &heard{}
				e := &downtime{Engine: aged()}
				tw := memory(t, e.Engine, watchtower.WithEngine(e), watchtower.WithEngineName(name), watchtower.WithCleanup(true), watchtower.WithPassAtStart(true),
					watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
					watchtower.WithObserver(events, watchtower.Audit(&audit, nil)))
				report, err := tw.Update(t.Context())
				require.NoError(t, err)
				e.engineDown = true
				_, err = tw.Update(t.Context())
				require.Error(t, err)
				e.engineDown = false
				ctx, end := context.WithCancel(t.Context())
				go func() { assert.NoError(t, tw.Run(ctx)) }()
				synctest.Wait()
				end()
				synctest.Wait()

				assert.Equal(t, name, tw.EngineName())
				assert.Equal(t, name, report.Engine)
				assert.Equal(t, name, tw.Health(t.Context()).Engine)
				assert.Equal(t, shown, strings.HasPrefix(report.Summary(), "engine=nas scanned=1 updated=1 "), report.Summary())
				require.Len(t, events.by, 1)
				assert.Greater(t, len(events.by[name]), 15)
				for line := range strings.Lines(log.String()) {
					assert.Equal(t, shown, strings.Contains(line, " engine=nas "), line)
				}
				for _, line := range auditLines(t, audit.String()) {
					assert.Equal(t, shown, line["engine"] == "nas", line)
				}
			})
		})
	}
}

func TestANameOfAnEngineIsAWord(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"", "nas", "10.0.0.5", "rack-1_b.example.com", strings.Repeat("a", 63)} {
		_, err := watchtower.New(watchtower.WithEngineName(good), watchtower.WithEngine(enginetest.New()), watchtower.WithCredentials(credentials.Static(nil)))
		assert.NoError(t, err, good)
	}
	for _, bad := range []string{"..", ".", "-a", "a/b", "a b", "a=b", "a\n", "ä", strings.Repeat("a", 64)} {
		_, err := watchtower.New(watchtower.WithEngineName(bad), watchtower.WithEngine(enginetest.New()), watchtower.WithCredentials(credentials.Static(nil)))
		assert.True(t, errdefs.IsInvalidArgument(err), "%q: %v", bad, err)
		assert.ErrorContains(t, err, "WithEngineName")
	}
}

// A container of the same name is another one on another engine: what is told of one is
// not told of the other, and a pass of one engine says nothing of what the other has.
func TestOneOnceServesSeveralEngines(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"in memory": "", "kept": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := &retold{}
				once := told.once(t, dir)
				engines := map[string]*downtime{"a": {Engine: aged()}, "b": {Engine: aged()}}
				pass := func(name string) []string {
					if dir != "" {
						once = told.once(t, dir) // the next process
					}
					_, _ = memory(t, engines[name].Engine, watchtower.WithEngine(engines[name]), watchtower.WithEngineName(name), watchtower.WithMonitorOnly(true),
						watchtower.WithObserver(once)).Update(t.Context())
					return told.since()
				}
				assert.Equal(t, []string{"found web"}, pass("a"))
				assert.Equal(t, []string{"found web"}, pass("b"))
				assert.Empty(t, pass("a"))
				assert.Empty(t, pass("b"))
				engines["a"].engineDown = true
				assert.Equal(t, []string{"PassFailed"}, pass("a"))
				assert.Empty(t, pass("b"), "whose engine answers: nothing is over")
				assert.Empty(t, pass("a"))
				engines["a"].engineDown = false
				assert.Equal(t, []string{"over: pass failed"}, pass("a"))
				engines["b"].Engine = enginetest.New()
				assert.Empty(t, pass("b"), "its container is gone, and forgotten")
				assert.Empty(t, pass("a"), "the other's is not")
			})
		})
	}
}

func TestAFactIsOfItsEngine(t *testing.T) {
	t.Parallel()
	of := func(engine string) string {
		return watchtower.EventID(watchtower.UpdateFound{Engine: engine, Entry: watchtower.Entry{
			Container: lifecycle.Container{Name: "web"}, Latest: "sha256:1",
		}})
	}
	assert.Equal(t, of("a"), of("a"))
	assert.NotEqual(t, of("a"), of("b"))
	assert.Equal(t, "216b89949882a74f", of(""), "without a name it is what it was before there were names")
	assert.Empty(t, watchtower.EventID(watchtower.PassStarted{Engine: "a"}))
}

// Two engines are updated at once, and one audit has both: what it says of one is not
// taken for the other's.
func TestAnAuditTellsEnginesApart(t *testing.T) {
	t.Parallel()
	audit := &bytes.Buffer{}
	o := watchtower.Audit(audit, nil)
	step := func(engine string) watchtower.Event {
		return watchtower.StepStarted{Engine: engine, Step: lifecycle.Step{Container: "web", Action: "stop"}}
	}
	for _, e := range []watchtower.Event{
		step("a"),
		step("b"),
		watchtower.PassEnded{Engine: "b", Report: &watchtower.Report{}},
		watchtower.ContainerSkipped{Engine: "b", Container: lifecycle.Container{Name: "web"}},
		watchtower.ContainerSkipped{Engine: "a", Container: lifecycle.Container{Name: "web"}},
	} {
		o.Observe(t.Context(), e)
	}
	lines := auditLines(t, audit.String())
	assert.Equal(t, []string{"step web stop", "step web stop", "skipped web"}, inShort(lines), "b's pass is over, a's goes on")
	assert.Equal(t, "a", lines[2]["engine"])
}

// moored are towers on engines with a registry of its own in memory, that have one client
// in common.
func moored(t *testing.T, r *registrytest.Registry, engines map[string]watchtower.Engine) map[string]*watchtower.Tower {
	t.Helper()
	client, err := registry.New(registry.WithTransport(registrytest.Transport(r)))
	require.NoError(t, err)
	out := map[string]*watchtower.Tower{}
	for name, e := range engines {
		out[name], err = watchtower.New(watchtower.WithEngine(e), watchtower.WithEngineName(name), watchtower.WithRegistryClient(client),
			watchtower.WithCredentials(credentials.Static(nil)))
		require.NoError(t, err)
	}
	return out
}

// stocked is an engine that runs so many containers, each of an image of the registry.
func stocked(r *registrytest.Registry, n int) *enginetest.Engine {
	e := enginetest.New()
	for i := range n {
		name := fmt.Sprintf("app%d", i)
		r.Push(name, "1", registrytest.Image{Env: []string{"OF=" + name}})
		e.Publish(r.Reference(name, "1"), enginetest.Image{})
		e.Run(name, r.Reference(name, "1"), lifecycle.Spec{})
	}
	return e
}

// deaf is an engine that takes calls and answers none of some kind.
type deaf struct {
	*enginetest.Engine
	ping, image bool
}

func (m deaf) Ping(ctx context.Context) error {
	if m.ping {
		<-ctx.Done()
		return ctx.Err()
	}
	return m.Engine.Ping(ctx)
}

// Containers leaves open what platform their images are for, as older engines do.
func (m deaf) Containers(ctx context.Context) ([]lifecycle.Container, error) {
	list, err := m.Engine.Containers(ctx)
	for i := range list {
		list[i].ImagePlatform = ""
	}
	return list, err
}

func (m deaf) InspectImage(ctx context.Context, ref string) (lifecycle.Image, error) {
	if m.image {
		<-ctx.Done()
		return lifecycle.Image{}, ctx.Err()
	}
	return m.Engine.InspectImage(ctx, ref)
}

// Two engines answer, one answers nothing, and one hangs in the middle of its check: the
// first two have their reports as if they were alone.
func TestAnEngineThatHangsDelaysNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := registrytest.New(registrytest.Profile{})
		defer r.Close()
		towers := moored(t, r, map[string]watchtower.Engine{
			"a": stocked(r, 10), "b": stocked(r, 10),
			"mute": deaf{Engine: stocked(r, 10), ping: true}, "stuck": deaf{Engine: stocked(r, 1), image: true},
		})
		began := time.Now()
		var mu sync.Mutex
		took, timeline := map[string]time.Duration{}, ""
		var passes sync.WaitGroup
		for name, tw := range towers {
			passes.Go(func() {
				report, err := tw.Check(t.Context())
				mu.Lock()
				defer mu.Unlock()
				took[name] = time.Since(began)
				said := fmt.Sprint(err)
				if err == nil {
					said = report.Summary()
				}
				timeline += fmt.Sprintf("%8v %s: %s\n", took[name], name, said)
			})
		}
		passes.Wait()
		t.Logf("\n%sthe registry was asked: %s", timeline, r.Requests().Counts())
		assert.Zero(t, took["a"])
		assert.Zero(t, took["b"])
		assert.Equal(t, 8*time.Second, took["mute"])
		assert.Equal(t, time.Minute, took["stuck"])
	})
}

// The budget of a registry is one: many engines with the same images ask little more than
// one does.
func TestManyEnginesAskARegistryLikeOne(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	for _, n := range []int{1, 3, 10} {
		synctest.Test(t, func(t *testing.T) {
			r := registrytest.New(registrytest.GHCR())
			defer r.Close()
			engines := map[string]watchtower.Engine{}
			for i := range n {
				engines[fmt.Sprint("e", i)] = stocked(r, 10)
			}
			towers := moored(t, r, engines)
			r.SetLatency(50 * time.Millisecond)
			for pass, most := range []int{33, 11} {
				state := []string{"first", "next"}[pass]
				r.Requests()
				var passes sync.WaitGroup
				for _, tw := range towers {
					passes.Go(func() {
						report, err := tw.Check(t.Context())
						assert.NoError(t, err)
						assert.Zero(t, report.Count(watchtower.StatusFailed), "%v", report.Err())
					})
				}
				passes.Wait()
				counts := r.Requests().Counts()
				_, _ = fmt.Fprintf(&table, "%2d engines, 10 images, %s pass: %s\n", n, state, counts)
				assert.LessOrEqual(t, counts.All(), most, "%d engines, %s", n, state)
			}
		})
	}
	t.Log("\n" + table.String())
}

// absent is an engine that comes late.
type absent struct {
	*enginetest.Engine
	here atomic.Bool
}

func (a *absent) Ping(ctx context.Context) error {
	if !a.here.Load() {
		return fmt.Errorf("no engine: %w", errdefs.ErrUnavailable)
	}
	return a.Engine.Ping(ctx)
}

// Run of each goes on by itself: an engine that is not there at the start is told once,
// and watched from when it is; the others have begun.
func TestAnEngineThatIsNotThereKeepsNoOtherFromStarting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := registrytest.New(registrytest.Profile{})
		defer r.Close()
		client, err := registry.New(registry.WithTransport(registrytest.Transport(r)))
		require.NoError(t, err)
		late := &absent{Engine: stocked(r, 1)}
		events, began := &heard{}, time.Now()
		ctx, end := context.WithCancel(t.Context())
		var runs sync.WaitGroup
		for name, e := range map[string]watchtower.Engine{"here": stocked(r, 1), "late": late} {
			tw, err := watchtower.New(watchtower.WithEngine(e), watchtower.WithEngineName(name), watchtower.WithRegistryClient(client),
				watchtower.WithCredentials(credentials.Static(nil)), watchtower.WithPassAtStart(true), watchtower.WithMonitorOnly(true),
				watchtower.WithObserver(events))
			require.NoError(t, err)
			runs.Go(func() { assert.NoError(t, tw.Run(ctx)) })
		}
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
		synctest.Wait()
		late.here.Store(true)
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
		synctest.Wait()
		end()
		runs.Wait()
		at := func(engine string) (failed []time.Duration, ended []time.Duration) {
			for _, e := range events.by[engine] {
				switch e := e.(type) {
				case watchtower.PassFailed:
					if !e.Repeated {
						failed = append(failed, e.At.Sub(began))
					}
				case watchtower.PassEnded:
					ended = append(ended, e.At.Sub(began))
				}
			}
			return failed, ended
		}
		failed, ended := at("here")
		assert.Empty(t, failed)
		assert.Equal(t, []time.Duration{0}, ended)
		failed, ended = at("late")
		assert.Equal(t, []time.Duration{0}, failed, "told once")
		assert.Equal(t, []time.Duration{63 * time.Second}, ended, "at the first try after it came: 1, 3, 7, 15, 31 and 63 seconds after the start")
	})
}
