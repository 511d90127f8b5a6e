package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/httpapi"
)

func TestWhichEndpointsTheSettingsMean(t *testing.T) {
	t.Parallel()
	tokens := []string{"--http-api-token=t", "--http-api-events-token=e"}
	for name, tt := range map[string]struct {
		args []string
		want []httpapi.Endpoint
	}{
		"nothing":             {nil, nil},
		"the original's":      {[]string{"--http-api-update", "--http-api-metrics"}, []httpapi.Endpoint{httpapi.Metrics, httpapi.Status, httpapi.Update}},
		"the fork's list":     {[]string{"--http-api-endpoints=health,history Check"}, []httpapi.Endpoint{httpapi.Check, httpapi.Health, httpapi.History}},
		"the status page":     {[]string{"--http-api-endpoints=page"}, []httpapi.Endpoint{httpapi.Page}},
		"both":                {[]string{"--http-api-endpoints=images", "--http-api-containers"}, []httpapi.Endpoint{httpapi.Containers, httpapi.Images}},
		"switched off":        {[]string{"--http-api-update=false"}, nil},
		"all, and no secret":  {[]string{"--http-api-endpoints=all"}, without(httpapi.Endpoints(), httpapi.Webhook)},
		"all with the secret": {[]string{"--http-api-endpoints=all", "--http-api-webhook-secret=s"}, httpapi.Endpoints()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := parse(t, nil, append(tt.args, tokens...)...)
			require.NoError(t, err)
			var got []httpapi.Endpoint
			for e := range s.api.asked() {
				got = append(got, e)
			}
			assert.ElementsMatch(t, tt.want, got)
			api, err := newAPI(s, slog.New(slog.DiscardHandler), nil)
			require.NoError(t, err, "what settings let through the API takes")
			assert.Equal(t, len(without(tt.want, httpapi.Metrics)) > 0, api != nil)
		})
	}
}

func without(all []httpapi.Endpoint, one httpapi.Endpoint) []httpapi.Endpoint {
	return slices.DeleteFunc(slices.Clone(all), func(e httpapi.Endpoint) bool { return e == one })
}

func TestWhenPassesAreMade(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, tt := range map[string]struct {
		args []string
		next time.Time
		text string
	}{
		"on the schedule":            {nil, now.Add(24 * time.Hour), "24h0m0s"},
		"when asked":                 {[]string{"--http-api-update"}, time.Time{}, "none: a pass is made when one is asked for over HTTP"},
		"both":                       {[]string{"--http-api-update", "--http-api-periodic-polls"}, now.Add(24 * time.Hour), "24h0m0s"},
		"with an API that asks none": {[]string{"--http-api-endpoints=check"}, now.Add(24 * time.Hour), "24h0m0s"},
		"when asked, in a list":      {[]string{"--http-api-endpoints=update", "--jitter=1h"}, time.Time{}, "none: a pass is made when one is asked for over HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := parse(t, nil, append(tt.args, "--http-api-token=t")...)
			require.NoError(t, err)
			schedule, err := scheduleOf(s)
			require.NoError(t, err)
			assert.Equal(t, tt.next, schedule.Next(now))
			_, text := s.when()
			assert.Equal(t, tt.text, text)
		})
	}
}

func TestAScheduleThatIsNotFollowedIsTold(t *testing.T) {
	t.Parallel()
	const told = `level=warn msg="not followed: passes are made when they are asked for over HTTP, and on a schedule with WATCHTOWER_HTTP_API_PERIODIC_POLLS" setting=--schedule`
	for name, tt := range map[string]struct {
		args []string
		want bool
	}{
		"with the API":               {[]string{"--http-api-update"}, true},
		"with an API that asks none": {[]string{"--http-api-endpoints=check"}, false},
		"with both":                  {[]string{"--http-api-update", "--http-api-periodic-polls"}, false},
		"in a single pass":           {[]string{"--http-api-update", "--run-once"}, false},
		"in a check":                 {[]string{"--http-api-update", "check"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var kept session
			var errs syncBuffer
			f := &fake{report: &watchtower.Report{}}
			args := append([]string{"--http-api-token=canary", "--schedule=@daily"}, tt.args...)
			require.Equal(t, exitOK, run(args, io.Discard, &errs, nil, f.with(&kept)), errs.String())
			assert.Equal(t, tt.want, strings.Contains(errs.String(), told), errs.String())
		})
	}
}

func TestProxiesAreAddressesAndNetworks(t *testing.T) {
	t.Parallel()
	got, err := networks([]string{"10.0.0.0/8", "192.0.2.1", "::ffff:192.0.2.2", "2001:db8::1"})
	require.NoError(t, err)
	assert.Equal(t, "[10.0.0.0/8 192.0.2.1/32 192.0.2.2/32 2001:db8::1/128]", fmt.Sprint(got))
}

// Every secret that can be given is shown as given, and nothing of it.
func TestTheAPIShowsNoSecret(t *testing.T) {
	t.Parallel()
	secrets := 0
	for _, row := range table(&settings{}) {
		if !row.secret() && row.kind != kindLogin || row.env == "" {
			continue
		}
		secrets++
		for _, text := range []string{"canary", "https://canary:canary@host.example/canary?canary=canary"} {
			s, _ := parse(t, map[string]string{row.env: text}) // which for some is no value, and is shown all the same
			shown, err := json.Marshal(shownSettings(s))
			require.NoError(t, err)
			assert.NotContains(t, string(shown), "canary", row.env)
			assert.Contains(t, string(shown), fmt.Sprintf(`{"name":%q,"value":"***","from":%q}`, row.name(), row.env))
		}
	}
	assert.GreaterOrEqual(t, secrets, 13)
	s, err := parse(t, map[string]string{
		"WATCHTOWER_NOTIFICATION_SLACK_ICON_URL": "https://host.example/icon?key=canary",
		"WATCHTOWER_NOTIFICATION_TEMPLATE":       "https://one.example/?canary and http://me:canary@two.example/",
	})
	require.NoError(t, err)
	shown, err := json.Marshal(shownSettings(s))
	require.NoError(t, err)
	assert.NotContains(t, string(shown), "canary", "nor what a URL has of one")
}
