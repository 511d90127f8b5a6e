package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/httpapi"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// newSwarm has the service web, a container of its name on the same image, and one of the
// service's tasks. The service is stale, its last change paused.
func newSwarm(t *testing.T, opts ...httpapi.Option) *world {
	t.Helper()
	s := enginetest.NewSwarm()
	v := &world{Engine: s.Engine, t: t}
	old := s.Publish("web:1", enginetest.Image{})
	s.CreateService(lifecycle.Document{
		"Name": "web", "TaskTemplate": map[string]any{"ContainerSpec": map[string]any{"Image": "web:1@" + old.String()}},
	})
	s.ChangeService("web", func(s *lifecycle.Service) { s.Rollout = lifecycle.RolloutPaused })
	s.Run("web", "web:1", lifecycle.Spec{})
	s.Run("web.1.x", "web:1", lifecycle.Spec{Config: lifecycle.Document{"Labels": map[string]any{
		lifecycle.LabelTaskID: "x", lifecycle.LabelServiceName: "web",
	}}})
	v.publish("web", "2")
	var err error
	v.api, err = httpapi.New(append(everything(), opts...)...)
	require.NoError(t, err)
	v.build(watchtower.WithEngine(s), watchtower.WithChecker(s.Checker()))
	require.NoError(t, v.api.Attach(v.tower))
	return v
}

// told are the fields that tell services from containers, of each in a list.
func told(t *testing.T, list any) []object {
	t.Helper()
	var out []object
	for _, c := range list.([]any) {
		one := object{}
		for _, field := range []string{"name", "service", "rollout", "task_of"} {
			if value, ok := c.(object)[field]; ok {
				one[field] = value
			}
		}
		out = append(out, one)
	}
	return out
}

func TestServicesAreToldFromContainers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newSwarm(t)
		x := &exercise{v, readDocument(t), map[string]bool{}}
		want := []object{
			{"name": "web"}, {"name": "web", "service": "replicated", "rollout": "paused"}, {"name": "web.1.x", "task_of": "web"},
		}
		for path, of := range map[string]string{
			"/v1/containers?all=true": "", "/v1/containers/details?all=true": "", "/v1/check": "POST",
		} {
			method := http.MethodGet
			if of != "" {
				method = of
			}
			a := v.call(method, path, "")
			bare, _, _ := strings.Cut(path, "?")
			x.note(method, bare, a)
			assert.ElementsMatch(t, want, told(t, a.object(t)["containers"]), path)
		}
		images := v.call(http.MethodGet, "/v1/images", "")
		x.note(http.MethodGet, "/v1/images", images)
		users := map[string]int{}
		for _, i := range images.object(t)["images"].([]any) {
			for _, name := range i.(object)["containers"].([]any) {
				users["container "+name.(string)]++
			}
			if services, ok := i.(object)["services"]; ok {
				assert.Equal(t, []any{"web"}, services)
				users["service"]++
			}
		}
		assert.Equal(t, map[string]int{"container web": 1, "container web.1.x": 1, "service": 1}, users)

		follower := &stream{}
		leave := v.follow(follower)
		a := v.call(http.MethodPost, "/v1/update", "")
		synctest.Wait()
		leave()
		x.note(http.MethodPost, "/v1/update", a)
		assert.ElementsMatch(t, want, told(t, a.object(t)["report"].(object)["containers"]))
		modes := map[string][]any{}
		for line := range strings.Lines(follower.String()) {
			data, ok := strings.CutPrefix(line, "data: ")
			if !ok {
				continue
			}
			var event struct {
				Type string
				Data object
			}
			require.NoError(t, json.Unmarshal([]byte(data), &event))
			if event.Type == "update_ended" || event.Type == "update_found" || event.Data["action"] == "update" {
				modes[event.Type] = append(modes[event.Type], event.Data["service"])
			}
		}
		assert.ElementsMatch(t, []any{nil, "replicated"}, modes["update_found"])
		assert.ElementsMatch(t, []any{nil, "replicated"}, modes["update_ended"])
		assert.Equal(t, []any{"replicated"}, modes["step_started"])
	})
}

func TestEventsNameServicesApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach()
		follower := &stream{}
		leave := v.follow(follower)
		v.api.Observe(t.Context(), watchtower.CheckFailed{At: time.Now(), Reference: "web:1", Services: []string{"web"}, Err: assert.AnError})
		v.api.Observe(t.Context(), watchtower.FailureEnded{At: time.Now(), What: "check failed", Reference: "web:1", Services: []string{"web"}})
		synctest.Wait()
		leave()
		assert.Contains(t, follower.String(), `"data":{"image":"web:1","containers":[],"services":["web"],"error":"`)
		assert.Contains(t, follower.String(), `"image":"web:1","services":["web"]}`)
	})
}

func testServices(t *testing.T, b *browser) {
	t.Helper()
	v := newSwarm(t, httpapi.WithEndpoints(httpapi.Page), httpapi.WithToken(credentials.NewSecret(token)))
	v.call(http.MethodPost, "/v1/check", "")
	p := b.visit(t, v.serve().URL, 1280, 800)
	p.login(token)
	p.until("document.querySelectorAll('#containers li').length === 2")
	marks := "[...document.querySelectorAll('#containers li')].map(n => [...n.querySelectorAll('.mark')].map(m => m.textContent).join(' '))"
	p.until(marks + ".sort().join() === 'service paused update available,update available'")
	p.look("a service")
	p.eval("document.querySelector('#containers li:has(.mark.due + .mark) button').click()")
	p.shows("A service and a container have this name, and both are updated.")
	p.until("[...document.querySelectorAll('#sure-list strong')].map(n => n.textContent).sort().join() === 'web,web (service)'")
	p.eval("document.getElementById('sure-no').click()")
	p.eval("document.getElementById('update').click()")
	p.eval("document.getElementById('sure-yes').click()")
	p.shows("web (service): updated")
	p.shows("web: updated")
	assert.Empty(t, p.complaints())
}
