package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/httpapi"
	"github.com/watchtower-go/watchtower/lifecycle"
)

func TestEachItemNamesItsEngine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := nasAndVPS(t)
		v.of["vps"].call(http.MethodPost, "/v1/check", "")
		for path, list := range map[string]string{
			"/v1/containers": "containers", "/v1/containers/details": "containers", "/v1/images": "images", "/v1/check": "containers",
		} {
			out := v.call(http.MethodGet, path, "").object(t)
			assert.Equal(t, []string{"nas", "nas", "nas", "vps", "vps", "vps"}, names(out[list], "engine"), path)
			assert.InDelta(t, 6, out["count"], 0, path)
			assert.NotContains(t, out, "errors")
			out = v.call(http.MethodGet, path+"?engine=vps", "").object(t)
			assert.Equal(t, []string{"vps", "vps", "vps"}, names(out[list], "engine"), path)
			for _, both := range []string{"?engine=vps&engine=nas", "?engine=nas,vps"} {
				assert.Len(t, v.call(http.MethodGet, path+both, "").object(t)[list], 6, path)
			}
		}
		out := v.call(http.MethodPost, "/v1/check", "").object(t)
		assert.InDelta(t, 4, out["summary"].(object)["stale"], 0)
		assert.InDelta(t, 2, byEngine(out)["nas"]["summary"].(object)["stale"], 0)
		assert.Contains(t, byEngine(out)["nas"], "plan")
		assert.NotContains(t, out, "plan")
	})
}

func TestAnEngineNobodyKnowsIsNotAllOfThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := nasAndVPS(t)
		for path := range httpapi.RoutesForTest() {
			if !strings.HasPrefix(path, "/v1/") || strings.Contains("/v1/updates/{id} /v1/config /v1/metrics /v1/openapi.json /v1/webhook", path) {
				continue
			}
			for query, want := range map[string]string{
				"?engine=pi": `httpapi: engine: "pi": want nas, vps`, "?engine=nas,pi": `httpapi: engine: "pi": want nas, vps`,
				"?engine=": `httpapi: engine: empty: leave it out for all`,
			} {
				a := v.call(http.MethodGet, path+query, "")
				assert.Equal(t, http.StatusBadRequest, a.code, path)
				assert.Equal(t, want, a.object(t)["error"])
			}
		}
		a := v.call(http.MethodPost, "/v1/update", `{"engine":"nas"}`)
		assert.Equal(t, http.StatusBadRequest, a.code, a.body)
		for _, one := range v.of {
			assert.Equal(t, "1", one.running("web"))
		}
	})
}

// Where there is one engine, and it has no name, there is no word of engines.
func TestOneWithoutANameIsAsIfThereWereNoOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach()
		one := &stream{}
		leave := v.follow(one)
		a := v.call(http.MethodPost, "/v1/update?async=1", "")
		v.await(a.header.Get("Location"))
		bodies := a.body + v.call(http.MethodGet, a.header.Get("Location"), "").body
		for _, path := range []string{"/v1/update", "/v1/check", "/v1/containers", "/v1/containers/details", "/v1/images", "/v1/history?reports=1", "/v1/status"} {
			a := v.call(http.MethodGet, path, "")
			require.Equal(t, http.StatusOK, a.code, path)
			bodies += a.body
			a = v.call(http.MethodGet, strings.Split(path, "?")[0]+"?engine=nas", "")
			assert.Equal(t, http.StatusBadRequest, a.code)
			assert.Contains(t, a.body, `parameter \"engine\": want `)
		}
		leave()
		assert.NotContains(t, bodies+one.String(), `"engine`)
		assert.NotContains(t, bodies, `"errors"`)
		assert.Equal(t, http.StatusOK, v.call(http.MethodPost, "/v1/update", `{"engine":"nas"}`).code, "a body of something else")
	})
}

func TestEnginesWantNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for want, names := range map[string][]string{
			`httpapi: Attach: "nas": want a name for each engine that no other has`:                          {"nas", "vps", "nas"},
			`httpapi: Attach: a Tower without a name: want WithEngineName for each, where there are several`: {"nas", ""},
		} {
			v := newFleet(t, names, nil)
			err := v.api.Attach(v.towers...)
			require.EqualError(t, err, want)
			assert.True(t, errdefs.IsInvalidArgument(err))
			assert.Equal(t, http.StatusServiceUnavailable, v.call(http.MethodGet, "/v1/status", "").code, "none is attached")
		}
		v := newFleet(t, []string{"nas"}, nil).attached()
		out := v.call(http.MethodGet, "/v1/containers?engine=nas", "").object(t)
		assert.Equal(t, []string{"nas", "nas", "nas"}, names(out["containers"], "engine"), "one that has a name is named")
	})
}

// A pass of one engine says nothing of what the other has, and takes no room from its
// history.
func TestHistoriesAreKeptApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := nasAndVPS(t)
		v.call(http.MethodPost, "/v1/check?engine=nas", "")
		time.Sleep(time.Second) //nolint:forbidigo // in a bubble
		v.call(http.MethodPost, "/v1/check?engine=vps", "")
		time.Sleep(2 * time.Second) //nolint:forbidigo // in a bubble: what the engine said is not fresh any more
		for _, c := range v.call(http.MethodGet, "/v1/containers", "").object(t)["containers"].([]any) {
			assert.Contains(t, c, "status", "of both it is known what the last pass said")
		}
		for range 600 {
			r := &watchtower.Report{Engine: "vps", Kind: watchtower.PassCheck, Started: time.Now(), Ended: time.Now()}
			v.api.Observe(t.Context(), watchtower.PassEnded{Engine: "vps", Kind: r.Kind, Report: r})
		}
		ask := func(query string) object { return v.call(http.MethodGet, "/v1/history"+query, "").object(t) }
		assert.InDelta(t, 501, ask("")["count"], 0)
		assert.Equal(t, []string{"nas"}, names(ask("?engine=nas")["entries"], "engine"))
		assert.Equal(t, "nas", ask("")["entries"].([]any)[0].(object)["engine"], "in the order of time")
		assert.Equal(t, []string{"vps"}, names(ask("?limit=1")["entries"], "engine"))
		time.Sleep(time.Second) //nolint:forbidigo // in a bubble
		v.call(http.MethodPost, "/v1/check?engine=nas", "")
		assert.Equal(t, []string{"nas"}, names(ask("?limit=1")["entries"], "engine"), "whichever engine it was")
		assert.True(t, strings.HasSuffix(names(ask("?engine=nas")["entries"], "id")[0], "-nas"), "an ID is of one engine")
		out := v.call(http.MethodGet, "/v1/status", "").object(t)
		assert.Equal(t, "nas", byEngine(out)["nas"]["last_pass"].(object)["engine"])
	})
}

func TestEventsNameTheirEngine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newFleet(t, []string{"nas", "vps"}, nil)
		a := v.call(http.MethodGet, "/v1/events?engine=nas", "")
		assert.Equal(t, http.StatusServiceUnavailable, a.code, "nobody knows yet what there is")
		early := &stream{}
		defer v.follow(early)()
		v.attached()
		all, one := &stream{}, &stream{}
		defer v.follow(all)()
		defer v.followAt("&engine=nas", one)()
		for _, name := range []string{"nas", "vps"} {
			v.call(http.MethodPost, "/v1/check?engine="+name, "")
		}
		synctest.Wait()
		for s, want := range map[*stream]map[string]int{early: {"nas": 4, "vps": 4}, all: {"nas": 4, "vps": 4}, one: {"nas": 4}} {
			assert.Equal(t, want, s.engines(t))
		}
		missed := &stream{}
		defer v.followAt("&engine=vps", missed, "Last-Event-ID", one.ids()[0])()
		assert.Equal(t, map[string]int{"vps": 4}, missed.engines(t))
	})
}

// engines are how many events came of each.
func (s *stream) engines(t *testing.T) map[string]int {
	t.Helper()
	out := map[string]int{}
	for line := range strings.Lines(s.String()) {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var event struct{ Engine string }
			require.NoError(t, json.Unmarshal([]byte(data), &event))
			out[event.Engine]++
		}
	}
	return out
}

// What was pushed is looked for wherever it may run.
func TestAPushIsForEveryEngineThatHasIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newFleet(t, []string{"nas", "vps", "pi"}, nil).attached()
		for _, name := range []string{"nas", "pi"} {
			on := v.of[name]
			on.publish("hub.example/me/web0", "1")
			on.Run("shop", "hub.example/me/web0:1", lifecycle.Spec{})
			on.publish("hub.example/me/web0", "2")
		}
		a := v.call(http.MethodPost, "/v1/webhook", many(1), "Authorization", "Bearer "+secret)
		require.Equal(t, http.StatusAccepted, a.code, a.body)
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble
		assert.Equal(t, "2", v.of["nas"].running("shop"))
		assert.Equal(t, "2", v.of["pi"].running("shop"))
		for _, on := range v.of {
			assert.Equal(t, "1", on.running("web"))
		}
		require.NoError(t, v.api.Shutdown(t.Context()))
	})
}
