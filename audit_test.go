package watchtower_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// auditLines are what an audit wrote.
func auditLines(t *testing.T, text string) (out []object) {
	t.Helper()
	for line := range strings.Lines(text) {
		var o object
		require.NoError(t, json.Unmarshal([]byte(line), &o), line)
		out = append(out, o)
	}
	return out
}

// inShort is each line's event, container and action.
func inShort(lines []object) (out []string) {
	for _, l := range lines {
		var words []string
		for _, key := range []string{"event", "container", "action"} {
			if word, ok := l[key].(string); ok {
				words = append(words, word)
			}
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

func TestAnAuditHasALineForEachStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		e.Publish("app:1", released("1"))
		old := e.Run("web", "app:1", labelled(lifecycle.LabelPostUpdate, "echo a secret"))
		e.Publish("app:1", released("2"))
		var out bytes.Buffer
		tw := memory(t, e, watchtower.WithObserver(watchtower.Audit(&out, nil)), watchtower.WithLabelHooks(watchtower.HookUser{}),
			watchtower.WithCleanup(true))
		_, err := tw.Check(t.Context())
		require.NoError(t, err)
		assert.Empty(t, out.String(), "a look does nothing")
		began := time.Now()
		update(t, tw)
		got := auditLines(t, out.String())
		assert.Equal(t, []string{
			"pull", "step web create", "step web rename", "step web stop", "step web start", "step web verify",
			"step web remove", "updated web", "hook web", "image removed",
		}, inShort(got))
		last := began
		for _, l := range got {
			at, err := time.Parse(time.RFC3339Nano, l["time"].(string))
			require.NoError(t, err)
			assert.False(t, at.Before(last), "in order")
			last = at
		}
		end := got[7]
		delete(end, "time")
		now := running(t, e, "web")
		image := func(version string) object {
			return object{"version": version, "source": "https://example.com/app", "created": "2026-01-01T12:00:00Z"}
		}
		assert.Equal(t, object{
			"event": "updated", "container": "web", "id": old.ID, "image": "app:1", "image_id": old.ImageID, "new_id": now.ID,
			"new_image_id": now.ImageID, "digest": end["digest"], "from": image("1"), "to": image("2"), "took_ms": 3000.0,
		}, end, "it had to stay up for so long")
		assert.NotContains(t, out.String(), "output")
		out.Reset()
		update(t, tw)
		assert.Empty(t, out.String(), "nor does a pass that finds nothing to do")
	})
}

func TestAnAuditTellsHowAnUpdateFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		e.Publish("app:1", version(1))
		e.Run("web", "app:1", lifecycle.Spec{})
		broken := version(2)
		broken.StartError = "no such file"
		e.Publish("app:1", broken)
		var out bytes.Buffer
		update(t, memory(t, e, watchtower.WithObserver(watchtower.Audit(&out, nil))))
		got := auditLines(t, out.String())
		end := got[len(got)-1]
		assert.Contains(t, inShort(got), "step web roll back")
		assert.Equal(t, "rolled back", end["event"])
		assert.Equal(t, "invalid argument", end["error_class"], "what the engine said")
		assert.Contains(t, end["error"], "no such file")
	})
}

func TestWhatAnAuditMakesOfEvents(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 4, 4, 5, 0, time.FixedZone("", 3600))
	web := watchtower.Container{Name: "web", ID: "1", Image: "app:1", ImageID: "i"}
	step := watchtower.StepStarted{At: at, Image: "app:1", Step: lifecycle.Step{Container: "web", Action: "stop", Detail: "<why>"}}
	skipped := watchtower.ContainerSkipped{At: at.Add(time.Second), Container: web, Reason: "it moved"}
	ended := watchtower.UpdateEnded{At: at.Add(2 * time.Second), Entry: watchtower.Entry{Container: web, Status: watchtower.StatusFailed}}
	const wrote = `{"time":"2026-01-02T03:04:05Z","event":"step","container":"web","image":"app:1","action":"stop","detail":"<why>"}` + "\n"
	const about = `"container":"web","id":"1","image":"app:1","image_id":"i"`
	for name, tt := range map[string]struct {
		events []watchtower.Event
		want   string
	}{
		"a step": {[]watchtower.Event{step}, wrote},
		"what is left alone, and what was found in a swap": {
			[]watchtower.Event{skipped, step, skipped, skipped},
			wrote + `{"time":"2026-01-02T03:04:06Z","event":"skipped",` + about + `,"reason":"it moved","took_ms":1000}` + "\n",
		},
		"who followed and stayed has no end": {
			[]watchtower.Event{step, watchtower.PassEnded{}, ended},
			wrote + `{"time":"2026-01-02T03:04:07Z","event":"failed",` + about + `}` + "\n",
		},
		"a recovery": {
			[]watchtower.Event{watchtower.ServiceRecovered{At: at, Recovery: lifecycle.Recovery{Name: "web", Outcome: "unfinished", Err: errors.New("busy")}}},
			`{"time":"2026-01-02T03:04:05Z","event":"recovered","container":"web","action":"unfinished","error":"busy"}` + "\n",
		},
		"an update of itself": {
			[]watchtower.Event{watchtower.SelfUpdateStarted{At: at, Entry: watchtower.Entry{Container: web}, Helper: "h"}},
			`{"time":"2026-01-02T03:04:05Z","event":"self-update started",` + about + `,"detail":"h"}` + "\n",
		},
		"what was removed, and what was kept": {
			[]watchtower.Event{
				watchtower.ImageRemoved{At: at, ImageID: "i", Reference: "app:1"},
				watchtower.ImageRemoved{At: at, ImageID: "i", Kept: "in use"},
				watchtower.LeftoverFound{At: at, Container: web, Removed: true},
				watchtower.LeftoverFound{At: at, Container: web},
			},
			`{"time":"2026-01-02T03:04:05Z","event":"image removed","image":"app:1","image_id":"i"}` + "\n" +
				`{"time":"2026-01-02T03:04:05Z","event":"leftover removed",` + about + `}` + "\n",
		},
		"a hook, without what it wrote": {
			[]watchtower.Event{watchtower.HookEnded{At: at, Container: web, Result: lifecycle.HookResult{Point: lifecycle.PostUpdate, Output: "secret", ExitCode: 1}}},
			`{"time":"2026-01-02T03:04:05Z","event":"hook",` + about + `,"hook":{"point":"post-update","exit_code":1,"duration_ms":0}}` + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			o := watchtower.Audit(&out, nil)
			for _, e := range tt.events {
				o.Observe(t.Context(), e)
			}
			assert.Equal(t, tt.want, out.String())
		})
	}
}

// slow takes a second for each line, and fails where it is told to.
type slow struct {
	written atomic.Int64
	fails   func(n int64) bool
}

func (s *slow) Write(p []byte) (int, error) {
	time.Sleep(time.Second) //nolint:forbidigo // in a bubble
	if s.fails(s.written.Add(1)) {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestAnAuditMissesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 200
		e := enginetest.New()
		e.Publish("app:1", version(1))
		for i := range n {
			e.Run(fmt.Sprint("web-", i), "app:1", lifecycle.Spec{})
		}
		e.Publish("app:1", version(2))
		w := &slow{fails: func(n int64) bool { return n == 3 || n == 4 || n == 6 }}
		var warned []string
		tw := memory(t, e, watchtower.WithObserver(watchtower.Audit(w, func(err error) { warned = append(warned, err.Error()) })))
		update(t, tw)
		assert.Less(t, w.written.Load(), int64(1+7*n), "the pass has not waited for it")
		time.Sleep(time.Hour) //nolint:forbidigo // until it has caught up
		synctest.Wait()
		assert.EqualValues(t, 1+7*n, w.written.Load(), "a pull, six steps and an end for each")
		assert.Equal(t, []string{"watchtower: audit: disk full", "watchtower: audit: disk full"}, warned, "once until one succeeds")
	})
}

// full has no room but for so much.
type full struct {
	bytes.Buffer
	room int
}

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	f.room -= n
	_, _ = f.Buffer.Write(p[:n])
	if n < len(p) {
		return n, errors.New("no space left")
	}
	return n, nil
}

// What there is of a line that did not fit is a line of its own: the next one is whole.
func TestALineOfAnAuditThatIsTornSpoilsNoOther(t *testing.T) {
	t.Parallel()
	const line = `{"time":"0001-01-01T00:00:00Z","event":"step","container":"web","action":"stop"}` + "\n"
	out := &full{room: 20}
	audit := watchtower.Audit(out, nil)
	step := watchtower.StepStarted{Step: lifecycle.Step{Container: "web", Action: "stop"}}
	audit.Observe(t.Context(), step)
	audit.Observe(t.Context(), step) // of which nothing fits
	out.room = 1000
	audit.Observe(t.Context(), step)
	audit.Observe(t.Context(), step)
	assert.Equal(t, line[:20]+"\n"+line+line, out.String())
}
