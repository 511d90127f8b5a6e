package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
)

// trouble has two engines that answer and one that does not: "mute" answers no ping, and
// "stuck" a ping and nothing else.
func trouble(t *testing.T, bad string) *fleet {
	t.Helper()
	return newFleet(t, []string{"nas", bad, "vps"}, map[string]func(v *world) watchtower.Option{"mute": pingHangs, "stuck": listHangs}).attached()
}

// took is what a caller gets, and after how long.
func (v *world) took(method, target string) (answer, time.Duration) {
	v.t.Helper()
	began := time.Now()
	a := v.call(method, target, "")
	return a, time.Since(began)
}

// Those who answer are told of, the one that does not is named, and after the first time
// it keeps nobody waiting.
func TestAnEngineThatHangsIsToldOfBesideTheOthers(t *testing.T) {
	t.Parallel()
	for bad, bound := range map[string]time.Duration{"mute": 8 * time.Second, "stuck": 20 * time.Second} {
		t.Run(bad, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := trouble(t, bad)
				for i, within := range []time.Duration{bound, time.Second, time.Second} {
					for path, list := range map[string]string{"/v1/containers": "containers", "/v1/images": "images"} {
						if i == 0 && list == "images" {
							continue // the first who asks waits, whatever for
						}
						a, took := v.took(http.MethodGet, path)
						require.Equal(t, http.StatusOK, a.code, a.body)
						assert.LessOrEqual(t, took, within)
						out := a.object(t)
						assert.Equal(t, []string{"nas", "nas", "nas", "vps", "vps", "vps"}, names(out[list], "engine"))
						require.Len(t, errorsOf(out), 1)
						assert.Contains(t, errorsOf(out)[bad], fmt.Sprintf("no answer within %v", bound))
					}
					time.Sleep(time.Minute) //nolint:forbidigo // in a bubble: what the engines said is not fresh any more
				}
				a, took := v.took(http.MethodGet, "/v1/containers?engine=nas")
				assert.Equal(t, http.StatusOK, a.code)
				assert.Zero(t, took, "it is not asked")
				a = v.call(http.MethodGet, "/v1/containers?engine="+bad, "")
				assert.Equal(t, http.StatusServiceUnavailable, a.code, "none answers that is meant")
				assert.Equal(t, "30", a.header.Get("Retry-After"))
				require.NoError(t, v.api.Shutdown(t.Context()))
				time.Sleep(time.Minute) //nolint:forbidigo // in a bubble: until nobody asks any more
			})
		})
	}
}

// It comes back by itself.
func TestAnEngineThatAnswersAgainIsAsBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := nasAndVPS(t)
		v.of["vps"].breakDown()
		out := v.call(http.MethodGet, "/v1/containers", "").object(t)
		assert.Equal(t, []string{"nas", "nas", "nas"}, names(out["containers"], "engine"))
		assert.Contains(t, errorsOf(out)["vps"], "no such socket")
		v.of["vps"].down = nil
		time.Sleep(2 * time.Second) //nolint:forbidigo // in a bubble: what the engine said is not fresh any more
		out = v.call(http.MethodGet, "/v1/containers", "").object(t)
		assert.InDelta(t, 6, out["count"], 0)
		assert.NotContains(t, out, "errors")
		v.of["vps"].breakDown()
		v.breakDown()
		time.Sleep(2 * time.Second) //nolint:forbidigo // in a bubble
		a := v.call(http.MethodGet, "/v1/containers", "")
		assert.Equal(t, http.StatusServiceUnavailable, a.code)
		assert.Regexp(t, "^nas: .*no such socket.*; vps: .*no such socket", a.object(t)["error"])
	})
}

// Whoever restarts what is not ready would end the work of all for the sake of one, and
// a probe waits a second.
func TestOneOfSeveralIsEnoughToBeReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := trouble(t, "mute")
		for range 100 {
			a, took := v.took(http.MethodGet, "/readyz")
			assert.Equal(t, http.StatusOK, a.code)
			assert.Zero(t, took)
		}
		a, took := v.took(http.MethodGet, "/v1/status")
		require.Equal(t, http.StatusOK, a.code)
		assert.LessOrEqual(t, took, 8*time.Second)
		out := a.object(t)
		assert.Equal(t, false, out["healthy"])
		assert.Regexp(t, "^mute: .*no answer within 8s", out["problem"])
		for name, well := range map[string]bool{"nas": true, "mute": false, "vps": true} {
			assert.Equal(t, object{"healthy": well, "reachable": well}, only(byEngine(out)[name], "healthy", "reachable"), name)
		}
		out = v.call(http.MethodGet, "/v1/status?engine=vps", "").object(t)
		assert.Equal(t, true, out["healthy"])
		assert.Len(t, out["engines"], 1)
		for _, on := range v.of {
			on.breakDown()
		}
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble
		a, took = v.took(http.MethodGet, "/readyz")
		assert.Equal(t, http.StatusServiceUnavailable, a.code, "none is")
		assert.LessOrEqual(t, took, 8*time.Second)
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble: until nobody asks any more
	})
}

// Each engine has its own update, and what one cannot do is no matter of the others'.
func TestAnUpdateIsMadeOnEachEngine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := trouble(t, "mute")
		a, took := v.took(http.MethodPost, "/v1/update")
		require.Equal(t, http.StatusOK, a.code, a.body)
		assert.Less(t, took, 10*time.Second)
		out := a.object(t)
		assert.InDelta(t, 4, out["summary"].(object)["updated"], 0)
		assert.NotContains(t, out, "report")
		parts := byEngine(out)
		for _, name := range []string{"nas", "vps"} {
			assert.Equal(t, "done", parts[name]["state"])
			assert.InDelta(t, 2, parts[name]["summary"].(object)["updated"], 0)
			assert.Equal(t, name, parts[name]["report"].(object)["engine"])
			assert.Equal(t, "2", v.of[name].running("web"))
		}
		assert.Equal(t, "failed", parts["mute"]["state"])
		assert.Contains(t, parts["mute"]["error"], "no answer within 8s")
		out = v.call(http.MethodGet, "/v1/updates/"+out["id"].(string), "").object(t)
		assert.Equal(t, "done", out["state"])
		assert.Len(t, out["engines"], 3)
		a = v.call(http.MethodPost, "/v1/update?engine=mute", "")
		assert.Equal(t, http.StatusServiceUnavailable, a.code, "it is on none")
	})
}

// An update of all is refused where another is being made, and made elsewhere.
func TestAnEngineThatIsBusyRefusesForItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newFleet(t, []string{"nas", "vps"}, map[string]func(v *world) watchtower.Option{"nas": (*world).holding}).attached()
		first := make(chan answer, 1)
		go func() { first <- v.call(http.MethodPost, "/v1/update?engine=nas", "") }()
		<-v.held
		a, took := v.took(http.MethodPost, "/v1/update?async=1&engine=nas")
		assert.Equal(t, http.StatusTooManyRequests, a.code, "on all that are meant")
		assert.Zero(t, took)
		a = v.call(http.MethodPost, "/v1/update", "")
		require.Equal(t, http.StatusOK, a.code, a.body)
		parts := byEngine(a.object(t))
		assert.Equal(t, "done", parts["vps"]["state"])
		assert.Equal(t, "watchtower: update: another pass is being made", parts["nas"]["error"])

		v.of["vps"].publish("web", "3")
		a, took = v.took(http.MethodPost, "/v1/update?container=web&timeout=30s")
		require.Equal(t, http.StatusOK, a.code, a.body)
		assert.Equal(t, 30*time.Second, took)
		parts = byEngine(a.object(t))
		assert.Equal(t, "done", parts["vps"]["state"])
		assert.Equal(t, "withdrawn", parts["nas"]["state"], "its turn did not come")
		assert.Contains(t, parts["nas"]["error"], "nothing was done")
		assert.Equal(t, "3", v.of["vps"].running("web"))

		a = v.call(http.MethodPost, "/v1/update?container=web&async=1", "")
		require.Equal(t, http.StatusAccepted, a.code, a.body)
		synctest.Wait()
		out := v.call(http.MethodGet, a.header.Get("Location"), "").object(t)
		assert.Equal(t, "running", out["state"], "on one it is over")
		assert.Equal(t, "waiting", byEngine(out)["nas"]["state"])
		assert.NotContains(t, out, "ended")
		close(v.hold)
		assert.Equal(t, "done", v.await(a.header.Get("Location")).State)
		assert.Equal(t, http.StatusOK, (<-first).code)
		require.NoError(t, v.api.Shutdown(t.Context()))
	})
}

// Where none does what was asked, the answer is the gravest of theirs: to come again when a
// pass is over would not help where an engine has gone.
func TestWhereNoneDoesItTheGravestCounts(t *testing.T) {
	t.Parallel()
	for _, order := range [][]string{{"busy", "dead"}, {"dead", "busy"}} {
		synctest.Test(t, func(t *testing.T) {
			v := newFleet(t, order, map[string]func(v *world) watchtower.Option{"busy": (*world).holding}).attached()
			go v.call(http.MethodPost, "/v1/update?engine=busy", "")
			<-v.of["busy"].held
			v.of["dead"].breakDown()
			a := v.call(http.MethodPost, "/v1/update", "")
			assert.Equal(t, http.StatusServiceUnavailable, a.code, a.body)
			assert.Contains(t, a.body, "busy: watchtower: update: another pass is being made")
			assert.Contains(t, a.body, "dead: watchtower: update: no such socket")
			close(v.of["busy"].hold)
			require.NoError(t, v.api.Shutdown(t.Context()))
		})
	}
}

// What waits for an engine takes no room from what others are asked.
func TestWhatWaitsForOneEngineKeepsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newFleet(t, []string{"nas", "vps"}, map[string]func(v *world) watchtower.Option{"nas": (*world).holding}).attached()
		go v.call(http.MethodPost, "/v1/update?engine=nas", "")
		<-v.held
		for range 8 {
			go v.call(http.MethodPost, "/v1/check?engine=nas&timeout=1h", "")
		}
		for range 31 {
			require.Equal(t, http.StatusAccepted, v.call(http.MethodPost, "/v1/update?async=1&container=db&engine=nas", "").code)
		}
		synctest.Wait()
		for _, path := range []string{"/v1/check", "/v1/update?container=db"} {
			a, took := v.took(http.MethodPost, path)
			require.Equal(t, http.StatusOK, a.code, a.body)
			assert.Zero(t, took)
			assert.Contains(t, a.body, "httpapi: too many")
			assert.Equal(t, http.StatusTooManyRequests, v.call(http.MethodPost, path+map[bool]string{true: "?", false: "&"}[path == "/v1/check"]+"engine=nas", "").code)
		}
		close(v.hold)
		require.NoError(t, v.api.Shutdown(t.Context()))
	})
}

// Nor do pushes that wait for one.
func TestPushesThatWaitForOneEngineKeepNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newFleet(t, []string{"nas", "vps"}, map[string]func(v *world) watchtower.Option{"nas": (*world).holding}).attached()
		push := func(body string) answer {
			return v.call(http.MethodPost, "/v1/webhook", body, "Authorization", "Bearer "+secret)
		}
		go v.call(http.MethodPost, "/v1/update?engine=nas", "")
		<-v.held
		require.Equal(t, http.StatusAccepted, push(many(1000)).code)
		assert.Equal(t, http.StatusTooManyRequests, push(hubPush).code, "there is no room on any")
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble: vps has looked at them
		a := push(hubPush)
		assert.Equal(t, http.StatusAccepted, a.code)
		assert.Equal(t, map[string]string{"nas": "httpapi: too many updates wait for their turn"}, errorsOf(a.object(t)))
		close(v.hold)
		require.NoError(t, v.api.Shutdown(t.Context()))
	})
}

// A check that is not over on one engine is told of on the others.
func TestACheckTellsWhatIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newFleet(t, []string{"nas", "vps"}, map[string]func(v *world) watchtower.Option{"nas": (*world).holding}).attached()
		go v.call(http.MethodPost, "/v1/update?engine=nas", "")
		<-v.held
		a, took := v.took(http.MethodPost, "/v1/check?timeout=5")
		require.Equal(t, http.StatusOK, a.code, a.body)
		assert.Equal(t, 5*time.Second, took)
		out := a.object(t)
		assert.Equal(t, []string{"vps", "vps", "vps"}, names(out["containers"], "engine"))
		assert.Equal(t, map[string]string{"nas": "httpapi: the check is not over yet"}, errorsOf(out))
		assert.Equal(t, http.StatusGatewayTimeout, v.call(http.MethodPost, "/v1/check?timeout=5&engine=nas", "").code)
		close(v.hold)
		require.NoError(t, v.api.Shutdown(t.Context()))
	})
}

// A caller who goes away is not waited for, and keeps nobody.
func TestACallerOfSeveralMayGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := trouble(t, "mute")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, path := range []string{"/readyz", "/v1/status", "/v1/containers", "/v1/check", "/v1/update"} {
			began := time.Now()
			v.callAs(ctx, http.MethodGet, path, "")
			assert.LessOrEqual(t, time.Since(began), time.Second, path)
		}
		require.NoError(t, v.api.Shutdown(t.Context()))
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble: until nobody asks any more
	})
}
