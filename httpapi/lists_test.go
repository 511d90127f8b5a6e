package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/httpapi"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// object is an answer as a program without types reads it.
type object = map[string]any

func (a answer) object(t *testing.T) object {
	t.Helper()
	out := object{}
	a.read(t, &out)
	return out
}

func names(list any, key string) []string {
	out := []string{}
	for _, one := range list.([]any) {
		out = append(out, one.(object)[key].(string))
	}
	return out
}

func TestACheckTellsOfEachContainerAndTouchesNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach(watchtower.WithFilter(filter.Not(filter.Func(func(c lifecycle.Container) bool { return c.Name == "cache" }))))
		v.Calls()
		a := v.call(http.MethodPost, "/v1/check", "")
		require.Equal(t, http.StatusOK, a.code, a.body)
		for _, c := range v.Calls() {
			assert.False(t, c.Changes, "%v", c)
		}
		out := a.object(t)
		assert.Equal(t, []string{"db", "web"}, names(out["containers"], "name"), "what is filtered is not shown")
		assert.InDelta(t, 2, out["count"], 0)
		db, web := out["containers"].([]any)[0].(object), out["containers"].([]any)[1].(object)
		assert.Equal(t, true, web["update_available"])
		assert.Equal(t, false, db["update_available"])
		assert.Equal(t, "1.0.0 -> 2.0.0", web["change"])
		assert.Equal(t, object{"version": "2.0.0"}, web["to"])
		assert.NotEqual(t, web["digest"], web["latest_digest"])
		assert.Equal(t, db["digest"], db["latest_digest"])
		for _, field := range []string{"image", "image_id", "latest_image_id", "timestamp"} {
			assert.NotEmpty(t, web[field], field)
		}

		v.Publish("web:1", enginetest.Image{StartError: "no such file"})
		v.call(http.MethodPost, "/v1/update?container=web", "")
		web = v.call(http.MethodPost, "/v1/check?container=web", "").object(t)["containers"].([]any)[0].(object)
		assert.Equal(t, "skipped", web["status"])
		assert.Contains(t, web["reason"], "this digest failed on")
		assert.Equal(t, true, web["update_available"], "though it is not tried again")
		web = v.call(http.MethodGet, "/v1/containers/details?name=web", "").object(t)["containers"].([]any)[0].(object)
		assert.Equal(t, object{"stale": true, "out_of_date": true}, only(web, "stale", "out_of_date"))

		a = v.call(http.MethodGet, "/v1/check?image=db", "")
		assert.Equal(t, []string{"db"}, names(a.object(t)["containers"], "name"))
	})
}

func TestContainersAndImages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t)
		v.Run("second", "web:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{
			watchtower.MonitorOnlyLabel: "true", filter.EnableLabel: "true", filter.ScopeLabel: "a", "secret": "canary",
		}}})
		v.attach(watchtower.WithFilter(filter.Not(filter.Func(func(c lifecycle.Container) bool { return c.Name == "cache" }))))
		out := v.call(http.MethodGet, "/v1/containers", "").object(t)
		assert.Equal(t, []string{"db", "second", "web"}, names(out["containers"], "name"))
		db := out["containers"].([]any)[0].(object)
		assert.Equal(t, "db:1", db["image"])
		assert.Regexp(t, "^sha256:", db["image_id"])
		assert.Regexp(t, "^sha256:", db["digest"])
		assert.NotContains(t, db, "status", "there was no pass")

		v.call(http.MethodPost, "/v1/update?container=web", "")
		time.Sleep(2 * time.Second) //nolint:forbidigo // in a bubble: what the engine said is not fresh any more
		a := v.call(http.MethodGet, "/v1/containers/details?all=true", "")
		assert.NotContains(t, a.body, "canary", "no label but those of a policy")
		out = a.object(t)
		assert.Equal(t, []string{"cache", "db", "second", "web"}, names(out["containers"], "name"))
		cache, second, web := out["containers"].([]any)[0].(object), out["containers"].([]any)[2].(object), out["containers"].([]any)[3].(object)
		assert.NotEmpty(t, cache["skipped"])
		assert.Equal(t, "updated", web["status"])
		assert.Equal(t, "1.0.0 -> 2.0.0", web["change"])
		assert.NotEmpty(t, web["checked"])
		assert.Equal(t, object{
			"running": true, "watchtower": false, "monitor_only": true, "no_pull": false, "enabled": true, "stale": false, "scope": "a",
		}, only(second, "running", "watchtower", "monitor_only", "no_pull", "enabled", "stale", "scope"))

		assert.Equal(t, []string{"web"}, names(v.call(http.MethodGet, "/v1/containers?name=web", "").object(t)["containers"], "name"))
		assert.Equal(t, []string{"web"}, names(v.call(http.MethodGet, "/v1/containers?name=/web", "").object(t)["containers"], "name"), "as the original program wrote names")
		assert.Equal(t, []string{"db"}, names(v.call(http.MethodGet, "/v1/containers?image=db:1", "").object(t)["containers"], "name"))
		assert.Equal(t, http.StatusBadRequest, v.call(http.MethodGet, "/v1/containers?all=x", "").code)

		out = v.call(http.MethodGet, "/v1/images", "").object(t)
		assert.InDelta(t, 2, out["count"], 0)
		assert.Equal(t, []string{"db:1", "web:1"}, names(out["images"], "name"))
		assert.Equal(t, []any{"second", "web"}, out["images"].([]any)[1].(object)["containers"])
		id := out["images"].([]any)[1].(object)["image_id"].(string)
		out = v.call(http.MethodGet, "/v1/images?name=web:1&id="+id, "").object(t)
		assert.InDelta(t, 1, out["count"], 0)
	})
}

func only(o object, keys ...string) object {
	out := object{}
	for key, value := range o {
		if slices.Contains(keys, key) {
			out[key] = value
		}
	}
	return out
}

// However many ask at a time, the engine is asked once.
func TestTheEngineIsAskedOnceForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach()
		v.Calls()
		for range 100 {
			go v.call(http.MethodGet, "/v1/containers", "")
			go v.call(http.MethodGet, "/readyz", "")
		}
		synctest.Wait()
		assert.Len(t, v.Calls(), 4, "a ping and two lists, and a ping for health")
	})
}

func TestHistory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach()
		begin := time.Now().UTC()
		ask := func(query string) []any {
			a := v.call(http.MethodGet, "/v1/history"+query, "")
			require.Equal(t, http.StatusOK, a.code, a.body)
			out := a.object(t)
			assert.Len(t, out["entries"], int(out["count"].(float64)))
			return out["entries"].([]any)
		}
		assert.Empty(t, ask(""))
		v.call(http.MethodPost, "/v1/check", "")
		time.Sleep(time.Hour) //nolint:forbidigo // in a bubble
		v.call(http.MethodPost, "/v1/update?container=web", "")
		time.Sleep(time.Hour) //nolint:forbidigo // in a bubble
		v.breakDown()
		v.call(http.MethodPost, "/v1/update", "")
		all := ask("")
		require.Len(t, all, 3)
		check, update, failed := all[0].(object), all[1].(object), all[2].(object)
		assert.Equal(t, "check", check["kind"])
		assert.Equal(t, object{"scanned": 3., "updated": 0., "failed": 0., "restarted": 0., "skipped": 0., "stale": 2.},
			only(check, "scanned", "updated", "failed", "restarted", "skipped", "stale"))
		assert.InDelta(t, 1, update["updated"], 0)
		assert.Equal(t, true, update["partial"])
		assert.NotContains(t, update, "report")
		assert.Contains(t, failed["error"], "no such socket")

		// Run tells of each attempt while the engine does not answer.
		v.api.Observe(t.Context(), watchtower.PassFailed{At: time.Now(), Kind: watchtower.PassUpdate, Err: v.down, Repeated: true})
		assert.Len(t, ask(""), 3, "that is told once")

		assert.Len(t, ask("?limit=1"), 1)
		assert.Equal(t, failed["id"], ask("?limit=1")[0].(object)["id"], "the most recent")
		assert.Len(t, ask("?limit=0"), 3)
		assert.Len(t, ask("?kind=check"), 1)
		assert.Len(t, ask("?since="+begin.Add(time.Minute).Format(time.RFC3339)), 2)
		assert.Len(t, ask("?until="+begin.Add(time.Minute).Format(time.RFC3339)), 1)
		report := ask("?reports=true&kind=update")[0].(object)["report"]
		text, err := json.Marshal(report)
		require.NoError(t, err)
		var back watchtower.Report
		require.NoError(t, json.Unmarshal(text, &back))
		assert.Equal(t, watchtower.StatusUpdated, back.Entries[0].Status)

		for query, want := range map[string]string{
			"?since=":           `httpapi: since: "": want a time (2026-01-31T15:04:05Z)`,
			"?until=yesterday":  `httpapi: until: "yesterday": want a time (2026-01-31T15:04:05Z)`,
			"?limit=-1":         `httpapi: limit: "-1": want a whole number, 0 or more`,
			"?kind=scan":        `httpapi: kind: "scan": want check or update`,
			"?reports=x":        `httpapi: reports: "x": want true or false`,
			"?from=2026-01-01Z": `httpapi: parameter "from": want since, until, limit, kind, reports`,
			"?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z": `httpapi: since: "2026-01-02T00:00:00Z": want a time before until`,
		} {
			a := v.call(http.MethodGet, "/v1/history"+query, "")
			assert.Equal(t, http.StatusBadRequest, a.code)
			assert.Equal(t, want, a.object(t)["error"])
		}
	})
}

// The history is bounded in passes and in bytes: old reports go before their passes.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	entries := make([]watchtower.Entry, 50)
	for i := range entries {
		entries[i].Container.Name, entries[i].Reason = "web", string(make([]byte, 200))
	}
	begin := time.Now()
	for i := range 600 {
		r := &watchtower.Report{Kind: watchtower.PassUpdate, Started: begin.Add(time.Duration(i)), Entries: entries}
		v.api.Observe(t.Context(), watchtower.PassEnded{Kind: r.Kind, Report: r})
	}
	v.attach()
	a := v.call(http.MethodGet, "/v1/history?reports=true", "")
	all := a.object(t)["entries"].([]any)
	assert.Len(t, all, 500)
	assert.Less(t, len(a.body), 9<<20)
	assert.NotContains(t, all[0], "report")
	assert.Contains(t, all[499], "report")
}

func TestStatusAndProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t)
		code := func(path string) int { return v.call(http.MethodGet, path, "", "Authorization", "").code }
		assert.Equal(t, []int{200, 503, 503}, []int{code("/livez"), code("/readyz"), code("/startupz")})
		assert.Equal(t, http.StatusServiceUnavailable, v.call(http.MethodGet, "/v1/status", "").code)
		v.attach()
		assert.Equal(t, []int{200, 200, 200}, []int{code("/livez"), code("/readyz"), code("/startupz")})
		out := v.call(http.MethodGet, "/v1/status", "").object(t)
		assert.Equal(t, true, out["healthy"])
		assert.NotContains(t, out, "last_pass")
		assert.InDelta(t, 0, out["summary"].(object)["scanned"], 0)
		v.call(http.MethodPost, "/v1/update", "")
		time.Sleep(time.Hour) //nolint:forbidigo // in a bubble
		v.breakDown()
		assert.Equal(t, []int{200, 503, 200}, []int{code("/livez"), code("/readyz"), code("/startupz")})
		a := v.call(http.MethodGet, "/readyz", "", "Authorization", "")
		assert.Equal(t, "not ready", a.body, "nothing that anybody should not know")
		out = v.call(http.MethodGet, "/v1/status", "").object(t)
		assert.Equal(t, false, out["healthy"])
		assert.Contains(t, out["problem"], "no such socket")
		assert.InDelta(t, 2, out["summary"].(object)["updated"], 0)
		assert.Equal(t, "update", out["last_pass"].(object)["kind"])
	})
}

func TestConfigAndMetricsAreAsGiven(t *testing.T) {
	t.Parallel()
	v := newWorld(t).attach()
	assert.Equal(t, object{"monitor_only": false, "token": "***"}, v.call(http.MethodGet, "/v1/config", "").object(t)["config"])
	assert.Equal(t, "watchtower_scans_total 1\n", v.call(http.MethodGet, "/v1/metrics", "").body)
	_, err := httpapi.New(append(everything(), httpapi.WithMetrics(nil))...)
	require.EqualError(t, err, "httpapi: metrics: want WithMetrics along with it")
}

// stuck is an engine that takes a list's request and answers nothing.
type stuck struct{ *world }

func (stuck) Containers(ctx context.Context) ([]lifecycle.Container, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Whoever asks is told before the server's bound cuts the answer off.
func TestAnEngineThatIsStuckIsToldInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t)
		v.attach(watchtower.WithEngine(stuck{v}))
		begin := time.Now()
		a := v.call(http.MethodGet, "/v1/containers", "")
		assert.Equal(t, http.StatusServiceUnavailable, a.code, a.body)
		assert.Contains(t, a.body, "no answer within 20s")
		assert.Less(t, time.Since(begin), httpapi.NewServer(v.api, nil).WriteTimeout)
	})
}

// Where passes are only ever asked for some, what was replaced is forgotten all the same.
func TestWhatWasReplacedIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach()
		for _, version := range []string{"2", "3", "4", "5"} {
			v.publish("web", version)
			a := v.call(http.MethodPost, "/v1/update?container=web", "")
			require.Equal(t, http.StatusOK, a.code, a.body)
			require.Equal(t, version, v.running("web"))
		}
		assert.Equal(t, 1, v.api.JudgedForTest())
	})
}
