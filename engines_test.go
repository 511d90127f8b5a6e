package watchtower_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
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
		step("a"), step("b"), watchtower.PassEnded{Engine: "b", Report: &watchtower.Report{}},
		watchtower.ContainerSkipped{Engine: "b", Container: lifecycle.Container{Name: "web"}},
		watchtower.ContainerSkipped{Engine: "a", Container: lifecycle.Container{Name: "web"}},
	} {
		o.Observe(t.Context(), e)
	}
	lines := auditLines(t, audit.String())
	assert.Equal(t, []string{"step web stop", "step web stop", "skipped web"}, inShort(lines), "b's pass is over, a's goes on")
	assert.Equal(t, "a", lines[2]["engine"])
}
