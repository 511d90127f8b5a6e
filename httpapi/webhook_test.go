package httpapi_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
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

// What registries send, as their documentation shows it, as far as it says which
// repository is meant.
const (
	hubPush       = `{"callback_url":"https://registry.hub.docker.com/u/x/","push_data":{"pushed_at":1417566161,"pusher":"me","tag":"1"},"repository":{"name":"web","namespace":"me","repo_name":"me/web","repo_url":"https://registry.hub.docker.com/u/me/web/"}}`
	githubPush    = `{"action":"published","package":{"name":"web","namespace":"Me","package_type":"CONTAINER","package_version":{"package_url":"ghcr.io/Me/web:1","container_metadata":{"tag":{"name":"1"}}}},"repository":{"full_name":"Me/web"},"sender":{"login":"me"}}`
	githubNoTag   = `{"action":"updated","registry_package":{"name":"web","namespace":"me","package_type":"docker","package_version":{"package_url":"ghcr.io/me/web:"}}}`
	githubNoURL   = `{"action":"published","package":{"name":"web","namespace":"me","package_type":"container"}}`
	githubNPM     = `{"action":"published","package":{"name":"web","namespace":"me","package_type":"npm"}}`
	githubPing    = `{"zen":"Design for failure.","hook_id":1}`
	harborPush    = `{"type":"PUSH_ARTIFACT","occur_at":1,"operator":"me","event_data":{"resources":[{"digest":"sha256:1","tag":"1","resource_url":"hub.example/me/web:1"}],"repository":{"name":"web","namespace":"me","repo_full_name":"me/web","repo_type":"private"}}}`
	harborCloud   = `{"specversion":"1.0","id":"x","type":"harbor.artifact.pushed","source":"/projects/1/webhook/policies/1","data":{"resources":[{"tag":"1","resource_url":"hub.example/me/web:1"}],"repository":{"name":"web"}}}`
	harborPull    = `{"type":"PULL_ARTIFACT","event_data":{"resources":[{"resource_url":"hub.example/me/web:1"}],"repository":{"name":"web"}}}`
	quayPush      = `{"repository":"me/web","namespace":"me","name":"web","docker_url":"quay.io/me/web","homepage":"https://quay.io/repository/me/web","updated_tags":["1"]}`
	distribution  = `{"events":[{"id":"x","action":"push","target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","repository":"me/web","url":"http://hub.example:5000/v2/me/web/manifests/sha256:1","tag":"1"},"request":{"host":"registry:5000","method":"PUT"}},{"action":"pull","target":{"repository":"me/other","url":"http://hub.example:5000/v2/me/other/manifests/1"}}]}`
	distributPull = `{"events":[{"action":"pull","target":{"repository":"me/web"}}]}`
)

func TestWhatAWebhookIsAbout(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body  string
		event string
		code  int
		repos []string
		err   string
	}{
		"Docker Hub":                       {hubPush, "", 202, []string{"docker.io/me/web"}, ""},
		"Docker Hub, one of its own":       {strings.ReplaceAll(hubPush, "me/web", "web"), "", 202, []string{"docker.io/library/web"}, ""},
		"GitHub":                           {githubPush, "package", 202, []string{"ghcr.io/me/web"}, ""},
		"GitHub, without a tag":            {githubNoTag, "registry_package", 202, []string{"ghcr.io/me/web"}, ""},
		"GitHub, without an address":       {githubNoURL, "package", 202, []string{"ghcr.io/me/web"}, ""},
		"GitHub, another kind of package":  {githubNPM, "package", 200, []string{}, ""},
		"GitHub, a deletion":               {strings.Replace(githubPush, "published", "deleted", 1), "package", 200, []string{}, ""},
		"GitHub, a ping":                   {githubPing, "ping", 200, []string{}, ""},
		"GitHub, of commits":               {`{"ref":"refs/heads/main","commits":[]}`, "push", 400, nil, "httpapi: unknown payload: want Docker Hub's, GitHub's package event, Harbor's, Quay's or a distribution notification"},
		"Harbor":                           {harborPush, "", 202, []string{"hub.example/me/web"}, ""},
		"Harbor, as a CloudEvent":          {harborCloud, "", 202, []string{"hub.example/me/web"}, ""},
		"Harbor, a pull":                   {harborPull, "", 200, []string{}, ""},
		"Quay":                             {quayPush, "", 202, []string{"quay.io/me/web"}, ""},
		"a distribution registry":          {distribution, "", 202, []string{"hub.example:5000/me/web", "registry:5000/me/web"}, ""},
		"a distribution registry, a pull":  {distributPull, "", 200, []string{}, ""},
		"a push without a host":            {strings.ReplaceAll(distributPull, "pull", "push"), "", 400, nil, "httpapi: a push without target.repository, or without target.url and request.host"},
		"a push without a name":            {`{"push_data":{"tag":"1"}}`, "", 400, nil, "httpapi: push_data without repository.repo_name"},
		"a repository that is none":        {`{"docker_url":"quay.io/ME WEB"}`, "", 400, nil, `httpapi: "quay.io/ME WEB": want an image's reference`},
		"a package without a name":         {`{"action":"published","package":{}}`, "package", 400, nil, "httpapi: package without package_version.package_url, or name and namespace"},
		"no JSON":                          {"push!", "", 400, nil, "httpapi: the body is no JSON that a registry sends"},
		"nothing":                          {"", "", 400, nil, "httpapi: the body is no JSON that a registry sends"},
		"JSON of something else":           {`{}`, "", 400, nil, "httpapi: unknown payload: want Docker Hub's, GitHub's package event, Harbor's, Quay's or a distribution notification"},
		"a list":                           {`[]`, "", 400, nil, "httpapi: the body is no JSON that a registry sends"},
		"a known field of another kind":    {`{"events":{"action":"push"}}`, "", 400, nil, "httpapi: the body is no JSON that a registry sends"},
		"JSON that is deeper than a stack": {strings.Repeat("[", 100_000), "", 400, nil, "httpapi: the body is no JSON that a registry sends"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newWorld(t).attach()
				a := v.call(http.MethodPost, "/v1/webhook", tt.body, "Authorization", "Bearer "+secret, "X-GitHub-Event", tt.event)
				require.Equal(t, tt.code, a.code, a.body)
				var out struct {
					Repositories []string
					Error        string
				}
				a.read(t, &out)
				assert.Equal(t, tt.repos, out.Repositories)
				assert.Equal(t, tt.err, out.Error)
				require.NoError(t, v.api.Shutdown(t.Context()))
			})
		})
	}
}

func signature(body, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestWhoMaySendAWebhook(t *testing.T) {
	t.Parallel()
	const signed = "X-Hub-Signature-256"
	for name, tt := range map[string]struct {
		query  string
		header []string
		code   int
	}{
		"a bearer":                          {"", []string{"Authorization", "Bearer " + secret}, 202},
		"the secret as it is":               {"", []string{"Authorization", secret}, 202},
		"in the URL":                        {"?secret=" + secret, nil, 202},
		"GitHub's signature":                {"", []string{signed, signature(hubPush, secret)}, 202},
		"nothing":                           {"", nil, 401},
		"a wrong one":                       {"?secret=x", []string{"Authorization", "Bearer x"}, 401},
		"the API's token":                   {"", []string{"Authorization", "Bearer " + token}, 401},
		"a signature with another key":      {"", []string{signed, signature(hubPush, "x")}, 401},
		"a signature of another body":       {"", []string{signed, signature(hubPush+" ", secret)}, 401},
		"no signature":                      {"", []string{signed, "sha256=xyz"}, 401},
		"an empty signature":                {"", []string{signed, "sha256="}, 401},
		"a wrong one beside the secret":     {"?secret=" + secret, []string{signed, signature(hubPush, "x")}, 401},
		"a signature with a hash by itself": {"", []string{signed, "sha256=" + hex.EncodeToString(sha256.New().Sum(nil))}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				v := newWorld(t, httpapi.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))).attach()
				a := v.call(http.MethodPost, "/v1/webhook"+tt.query, hubPush, append([]string{"Authorization", ""}, tt.header...)...)
				assert.Equal(t, tt.code, a.code, a.body)
				assert.NotContains(t, log.String(), "canary")
				assert.NotEmpty(t, log.String())
				require.NoError(t, v.api.Shutdown(t.Context()))
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // GitHub's other content type
		v := newWorld(t).attach()
		body := url.Values{"payload": {githubPush}}.Encode()
		a := v.call(http.MethodPost, "/v1/webhook", body, "Authorization", "", "Content-Type", "application/x-www-form-urlencoded", signed, signature(body, secret))
		assert.Equal(t, http.StatusAccepted, a.code, a.body)
		require.NoError(t, v.api.Shutdown(t.Context()))
	})
}

// Many pushes within seconds are one update, of what runs that repository and nothing
// else.
func TestAWebhookUpdatesItsRepositoryOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t)
		for _, name := range []string{"ghcr.io/me/web", "me/web"} {
			v.Publish(name+":1", enginetest.Image{Env: []string{"OF=" + name}})
			v.Run(strings.NewReplacer("/", "-", ".", "-").Replace(name), name+":1", lifecycle.Spec{})
			v.publish(name, "2")
		}
		var mu sync.Mutex
		var passes []*watchtower.Report
		v.attach(watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
			if end, ok := e.(watchtower.PassEnded); ok {
				mu.Lock()
				defer mu.Unlock()
				passes = append(passes, end.Report)
			}
		})))
		for range 20 {
			a := v.call(http.MethodPost, "/v1/webhook", githubPush, "Authorization", "Bearer "+secret)
			require.Equal(t, http.StatusAccepted, a.code)
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // in a bubble
		}
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble
		mu.Lock()
		require.Len(t, passes, 1)
		require.Len(t, passes[0].Entries, 1)
		mu.Unlock()
		assert.Equal(t, "2", v.running("ghcr-io-me-web"))
		assert.Equal(t, "1", v.running("me-web"), "of the same name, elsewhere")
		assert.Equal(t, "1", v.running("web"))

		v.call(http.MethodPost, "/v1/webhook", hubPush, "Authorization", "Bearer "+secret)
		require.NoError(t, v.api.Shutdown(t.Context()))
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble
		assert.Equal(t, "1", v.running("me-web"), "what was gathered is not begun at the end")
		a := v.call(http.MethodPost, "/v1/webhook", hubPush, "Authorization", "Bearer "+secret)
		assert.Equal(t, http.StatusServiceUnavailable, a.code)
	})
}

// A push is not lost for who else asks for updates, and many of them are one update.
func TestPushesWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]int{"behind one": 1, "while too many wait": 32} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newWorld(t)
				for _, name := range []string{"me/web", "quay.io/me/web"} {
					v.Publish(name+":1", enginetest.Image{Env: []string{"OF=" + name}})
					v.Run(strings.NewReplacer("/", "-", ".", "-").Replace(name), name+":1", lifecycle.Spec{})
					v.publish(name, "2")
				}
				v.attachHeld()
				for range asked {
					a := v.call(http.MethodPost, "/v1/update?async=1&container=web", "")
					require.Equal(t, http.StatusAccepted, a.code, a.body)
				}
				<-v.held
				for range 30 {
					for _, push := range []string{hubPush, quayPush} {
						a := v.call(http.MethodPost, "/v1/webhook", push, "Authorization", "Bearer "+secret)
						require.Equal(t, http.StatusAccepted, a.code, a.body)
						time.Sleep(time.Minute) //nolint:forbidigo // in a bubble
					}
				}
				for i := asked; i < 31; i++ {
					a := v.call(http.MethodPost, "/v1/update?async=1&container=db", "")
					require.Equal(t, http.StatusAccepted, a.code, "there is room: %s", a.body)
				}
				close(v.hold)
				time.Sleep(time.Minute) //nolint:forbidigo // in a bubble: until there is room
				assert.Equal(t, "2", v.running("me-web"))
				assert.Equal(t, "2", v.running("quay-io-me-web"))
				assert.Equal(t, "1", v.running("cache"))
				require.NoError(t, v.api.Shutdown(t.Context()))
			})
		})
	}
}

// many is a notification of pushes to so many repositories.
func many(n int) string {
	const one = `{"action":"push","target":{"repository":"me/web%d"},"request":{"host":"hub.example"}}`
	events := make([]string, n)
	for i := range events {
		events[i] = fmt.Sprintf(one, i)
	}
	return `{"events":[` + strings.Join(events, ",") + `]}`
}

func TestWhatIsPushedIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newWorld(t).attach()
		push := func(n int) int {
			return v.call(http.MethodPost, "/v1/webhook", many(n), "Authorization", "Bearer "+secret).code
		}
		assert.Equal(t, http.StatusTooManyRequests, push(1001))
		assert.Equal(t, http.StatusAccepted, push(1000))
		assert.Equal(t, http.StatusAccepted, push(1000), "they are the same")
		assert.Equal(t, http.StatusTooManyRequests, v.call(http.MethodPost, "/v1/webhook", hubPush, "Authorization", "Bearer "+secret).code)
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble: until they were looked at
		assert.Equal(t, http.StatusAccepted, push(1000))
		require.NoError(t, v.api.Shutdown(t.Context()))
	})
}

// idle is a tower that makes no passes.
type idle struct{ httpapi.Tower }

func (idle) UpdateWith(_ context.Context, r watchtower.PassRequest) (*watchtower.Report, error) {
	r.Began()
	return &watchtower.Report{}, nil
}

func FuzzWebhook(f *testing.F) {
	for _, body := range []string{hubPush, githubPush, githubNoTag, harborPush, harborCloud, quayPush, distribution, `{}`, ``} {
		f.Add(body)
	}
	api, err := httpapi.New(everything()...)
	require.NoError(f, err)
	require.NoError(f, api.Attach(idle{}))
	f.Fuzz(func(t *testing.T, body string) {
		v := &world{t: t, api: api}
		a := v.call(http.MethodPost, "/v1/webhook", body, "Authorization", "Bearer "+secret)
		assert.Contains(t, []int{200, 202, 400, 429}, a.code)
		assert.True(t, json.Valid([]byte(a.body)))
	})
}
