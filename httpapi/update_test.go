package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/httpapi"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

type updated struct {
	ID, State, Location string
	Summary             struct{ Scanned, Updated, Failed, Restarted, Skipped int }
	Timing              *struct {
		DurationMS *int64 `json:"duration_ms"`
		Duration   string
	}
	Report *struct {
		Containers []struct{ Name, Status string }
	}
	Error      string
	Timestamp  time.Time
	APIVersion string `json:"api_version"`
}

func TestAnUpdateIsMadeByGetAndByPost(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		synctest.Test(t, func(t *testing.T) {
			v := newWorld(t).attach()
			a := v.call(method, "/v1/update", "")
			require.Equal(t, http.StatusOK, a.code, a.body)
			var u updated
			a.read(t, &u)
			assert.Equal(t, 3, u.Summary.Scanned)
			assert.Equal(t, 2, u.Summary.Updated)
			assert.Equal(t, "v1", u.APIVersion)
			assert.Equal(t, time.UTC, u.Timestamp.Location())
			require.NotNil(t, u.Timing.DurationMS)
			assert.Len(t, u.Report.Containers, 3)
			assert.Equal(t, "2", v.running("web"))
			assert.Contains(t, a.header.Get("Content-Type"), "application/json")
		})
	}
}

func TestAnUpdateOfSomeNarrows(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		target, body string
		header       []string
		web, cache   string
	}{
		"an image":                 {"/v1/update?image=web", "", nil, "2", "1"},
		"an image with its tag":    {"/v1/update?image=web:1", "", nil, "2", "1"},
		"images in a list":         {"/v1/update?image=web,cache", "", nil, "2", "2"},
		"images, several":          {"/v1/update?image=web&image=cache", "", nil, "2", "2"},
		"a container":              {"/v1/update?container=cache", "", nil, "1", "2"},
		"a pattern":                {"/v1/update?container=c.*", "", nil, "1", "2"},
		"a pattern with a comma":   {"/v1/update?container=w[eb]{1,2}", "", nil, "2", "1"},
		"a list with such a one":   {"/v1/update?container=db,w[eb]{2,},[cahe]{5,5}", "", nil, "2", "2"},
		"both are to be met":       {"/v1/update?container=web&image=cache", "", nil, "1", "1"},
		"a form":                   {"/v1/update", "container=web", []string{"Content-Type", "application/x-www-form-urlencoded"}, "2", "1"},
		"a body of something else": {"/v1/update?container=web", `{"x":1}`, nil, "2", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newWorld(t).attach()
				a := v.call(http.MethodPost, tt.target, tt.body, tt.header...)
				require.Equal(t, http.StatusOK, a.code, a.body)
				assert.Equal(t, tt.web, v.running("web"))
				assert.Equal(t, tt.cache, v.running("cache"))
			})
		})
	}
}

// A filter that was misspelt, or is empty since a variable was, must not be an update
// of everything.
func TestWhatIsNotAcceptedUpdatesNothing(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"containre=web":      `httpapi: parameter "containre": want image, container, timeout, async`,
		"image=":             "httpapi: image: empty: leave it out for all",
		"container=,":        "httpapi: container: empty: leave it out for all",
		"container=web(":     `httpapi: container: filter: name: "web(": want a name or a regular expression: error parsing regexp: missing closing ): ` + "`web(`",
		"container=web,db(":  `httpapi: container: filter: name: "db(": want a name or a regular expression: error parsing regexp: missing closing ): ` + "`db(`",
		"container=web{1,db": `httpapi: container: "web{1,db": want each brace closed`,
		"async=perhaps":      `httpapi: async: "perhaps": want true or false`,
		"timeout=-1s":        `httpapi: timeout: "-1s": want seconds (30) or a duration (1m30s), more than 0`,
		"timeout=0":          `httpapi: timeout: "0": want seconds (30) or a duration (1m30s), more than 0`,
		"image=%zz":          "httpapi: the query cannot be read",
		"image=web;async=1":  "httpapi: the query cannot be read",
	} {
		synctest.Test(t, func(t *testing.T) {
			v := newWorld(t).attach()
			a := v.call(http.MethodPost, "/v1/update?"+query, "")
			assert.Equal(t, http.StatusBadRequest, a.code, query)
			var f struct{ Error string }
			a.read(t, &f)
			assert.Equal(t, want, f.Error)
			assert.Equal(t, "1", v.running("web"))
		})
	}
}

func TestABusyTower(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attachHeld()
		first, targeted := make(chan answer, 1), make(chan answer, 1)
		go func() { first <- v.call(http.MethodPost, "/v1/update", "") }()
		<-v.held

		for _, query := range []string{"", "?async=true"} {
			a := v.call(http.MethodPost, "/v1/update"+query, "")
			assert.Equal(t, http.StatusTooManyRequests, a.code, "one for all does not wait")
			assert.Equal(t, "30", a.header.Get("Retry-After"))
			assert.Contains(t, a.body, `"error":"watchtower: update: another pass is being made"`)
			assert.Contains(t, a.body, `"api_version":"v1"`)
		}

		go func() { targeted <- v.call(http.MethodPost, "/v1/update?container=db", "") }()
		synctest.Wait()
		a := v.call(http.MethodPost, "/v1/update?container=db&timeout=2s", "")
		assert.Equal(t, http.StatusServiceUnavailable, a.code, "its turn did not come")
		assert.Equal(t, "30", a.header.Get("Retry-After"))
		assert.Contains(t, a.body, "nothing was done")
		assert.Equal(t, `"httpapi: withdrawn: its turn did not come in time, nothing was done"`, v.lastError(), "and waits no longer")
		select {
		case <-targeted:
			assert.Fail(t, "one for some waits")
		default:
		}
		close(v.hold)
		assert.Equal(t, http.StatusOK, (<-first).code)
		a = <-targeted
		require.Equal(t, http.StatusOK, a.code, a.body)
		var u updated
		a.read(t, &u)
		assert.Equal(t, 1, u.Summary.Scanned)
	})
}

// mender is an updater that has something to finish of an earlier process first.
type mender struct {
	lifecycle.Updater

	began, goOn chan struct{}
}

func (m *mender) Recover(context.Context, lifecycle.RecoverOptions) ([]lifecycle.Recovery, error) {
	m.began <- struct{}{}
	<-m.goOn
	return nil, nil
}

func TestATowerThatFinishesWhatAnEarlierProcessLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t)
		m := &mender{lifecycle.Recreate(v.Engine, lifecycle.WithStableTime(time.Millisecond)), make(chan struct{}), make(chan struct{})}
		v.attach(watchtower.WithUpdater(m))
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- v.tower.Run(ctx) }()
		<-m.began
		a := v.call(http.MethodPost, "/v1/update?timeout=2", "")
		assert.Equal(t, http.StatusServiceUnavailable, a.code, "its turn did not come")
		assert.Contains(t, a.body, "nothing was done")
		synctest.Wait()
		a = v.call(http.MethodPost, "/v1/update?async=1", "")
		require.Equal(t, http.StatusAccepted, a.code, a.body)
		var u updated
		a.read(t, &u)
		assert.Equal(t, "waiting", u.State)
		assert.Equal(t, http.StatusTooManyRequests, v.call(http.MethodPost, "/v1/update", "").code, "that one does it")
		close(m.goOn)
		assert.Equal(t, 2, v.await(u.Location).Summary.Updated)
		end()
		require.NoError(t, <-ended)
	})
}

func TestAnUpdateGoesOnWithoutItsCaller(t *testing.T) {
	t.Parallel()
	t.Run("who has gone", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			v := newWorld(t).attachHeld()
			ctx, leave := context.WithCancel(t.Context())
			gone := make(chan answer)
			go func() { gone <- v.callAs(ctx, http.MethodPost, "/v1/update?container=web", "") }()
			<-v.held
			leave()
			<-gone
			close(v.hold)
			synctest.Wait()
			time.Sleep(time.Minute) //nolint:forbidigo // in a bubble: until all that was begun has ended
			assert.Equal(t, "2", v.running("web"))
		})
	})
	t.Run("who has waited enough", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			v := newWorld(t).attachHeld()
			a := v.call(http.MethodPost, "/v1/update?container=web&timeout=3", "")
			require.Equal(t, http.StatusAccepted, a.code, a.body)
			var u updated
			a.read(t, &u)
			assert.Equal(t, "running", u.State)
			assert.Equal(t, u.Location, a.header.Get("Location"))
			close(v.hold)
			require.Equal(t, "done", v.await(u.Location).State)
			assert.Equal(t, "2", v.running("web"))
		})
	})
	t.Run("who does not wait", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			v := newWorld(t).attachHeld()
			a := v.call(http.MethodPost, "/v1/update?async=true", "")
			require.Equal(t, http.StatusAccepted, a.code, a.body)
			var u updated
			a.read(t, &u)
			assert.Equal(t, "running", u.State)
			<-v.held
			a = v.call(http.MethodPost, "/v1/update?async=1&container=db", "")
			require.Equal(t, http.StatusAccepted, a.code, a.body)
			var waiting updated
			a.read(t, &waiting)
			assert.Equal(t, "waiting", waiting.State)
			close(v.hold)
			done := v.await(u.Location)
			assert.Equal(t, 2, done.Summary.Updated)
			require.NotNil(t, done.Report)
			assert.Equal(t, 1, v.await(waiting.Location).Summary.Scanned)
		})
	})
}

// lastError is that of the last pass that could not be made, as JSON.
func (v *world) lastError() string {
	v.t.Helper()
	synctest.Wait()
	var out struct {
		Entries []struct{ Error json.RawMessage }
	}
	v.call(http.MethodGet, "/v1/history?limit=1", "").read(v.t, &out)
	require.Len(v.t, out.Entries, 1)
	return string(out.Entries[0].Error)
}

// await looks until an update is over.
func (v *world) await(location string) updated {
	v.t.Helper()
	for {
		a := v.call(http.MethodGet, location, "")
		require.Equal(v.t, http.StatusOK, a.code, a.body)
		var u updated
		a.read(v.t, &u)
		if u.State != "waiting" && u.State != "running" {
			return u
		}
		time.Sleep(time.Second) //nolint:forbidigo // in a bubble
	}
}

func TestShutdownFinishesOrUndoesWhatIsInHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attachHeld()
		inHand, waits := make(chan answer, 1), make(chan answer, 1)
		go func() { inHand <- v.call(http.MethodPost, "/v1/update?container=web", "") }()
		<-v.held
		go func() { waits <- v.call(http.MethodPost, "/v1/update?container=cache", "") }()
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, v.api.Shutdown(short), context.DeadlineExceeded, "a swap is in hand")
		assert.Equal(t, http.StatusServiceUnavailable, (<-waits).code)
		close(v.hold)
		require.NoError(t, v.api.Shutdown(t.Context()))
		<-inHand
		snap, err := v.Inspect(t.Context(), "web")
		require.NoError(t, err)
		assert.True(t, snap.State.Up(), "it serves, whichever it is")
		assert.Equal(t, "1", v.running("cache"))
		a := v.call(http.MethodPost, "/v1/update", "")
		assert.Equal(t, http.StatusServiceUnavailable, a.code)
		assert.Contains(t, a.body, "ending")
	})
}

func TestUpdatesThatWaitAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attachHeld()
		codes := map[int]int{}
		for range 40 {
			codes[v.call(http.MethodPost, "/v1/update?async=1&container=web", "").code]++
		}
		assert.Equal(t, map[int]int{http.StatusAccepted: 32, http.StatusTooManyRequests: 8}, codes)
		close(v.hold)
		require.NoError(t, v.api.Shutdown(t.Context()))
	})
}

func TestWhatIsKeptOfUpdatesIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach()
		var asked []string
		for range 120 {
			a := v.call(http.MethodPost, "/v1/update?async=1&container=db", "")
			require.Equal(t, http.StatusAccepted, a.code, a.body)
			asked = append(asked, a.header.Get("Location"))
			assert.Equal(t, "done", v.await(asked[len(asked)-1]).State)
		}
		reports := 0
		for i, location := range asked {
			a := v.call(http.MethodGet, location, "")
			if i < 20 {
				assert.Equal(t, http.StatusNotFound, a.code)
				continue
			}
			require.Equal(t, http.StatusOK, a.code)
			var u updated
			a.read(t, &u)
			assert.Equal(t, 1, u.Summary.Scanned, "what it came to is known longer")
			if u.Report != nil {
				reports++
			}
		}
		assert.Equal(t, 10, reports)
	})
}

func TestNobodyWaitsLongerThanTheSettingsSay(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]time.Duration{"": 5 * time.Second, "&timeout=1h": 5 * time.Second, "&timeout=2": 2 * time.Second, "&timeout=1.5s": 1500 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			v := newWorld(t, httpapi.WithUpdateTimeout(5*time.Second)).attachHeld()
			begin := time.Now()
			assert.Equal(t, http.StatusAccepted, v.call(http.MethodPost, "/v1/update?container=web"+query, "").code)
			assert.Equal(t, want, time.Since(begin), query)
			close(v.hold)
			require.NoError(t, v.api.Shutdown(t.Context()))
		})
	}
}

// Who looks for failures sees those that were rolled back.
func TestWhatWasRolledBackCountsAsFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach()
		v.Publish("web:1", enginetest.Image{StartError: "no such file"})
		a := v.call(http.MethodPost, "/v1/update?container=web", "")
		require.Equal(t, http.StatusOK, a.code, a.body)
		summary := a.object(t)["summary"].(object)
		assert.Equal(t, object{"scanned": 1., "updated": 0., "failed": 1., "rolled_back": 1.}, only(summary, "scanned", "updated", "failed", "rolled_back"))
	})
}
