package httpapi_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/httpapi"
)

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	v := newWorld(t, httpapi.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))).attach()
	for name, tt := range map[string]struct {
		target string
		header string
		want   int
	}{
		"a bearer":                        {"/v1/status", "Bearer " + token, 200},
		"a bearer, however it is written": {"/v1/status", "bEARER  " + token, 200},
		"the token alone":                 {"/v1/status", token, 200},
		"nothing":                         {"/v1/status", "", 401},
		"nothing behind it":               {"/v1/status", "Bearer ", 401},
		"a beginning of it":               {"/v1/status", "Bearer canary", 401},
		"more than it":                    {"/v1/status", "Bearer " + token + "x", 401},
		"another scheme":                  {"/v1/status", "Basic " + token, 401},
		"a token in the URL":              {"/v1/status?access_token=" + token, "", 401},
		"that for events":                 {"/v1/status", "Bearer " + eventsToken, 401},
		"the webhook's":                   {"/v1/status", "Bearer " + secret, 401},
		"events without":                  {"/v1/events", "", 401},
		"events with a wrong one":         {"/v1/events?access_token=x", "", 401},
		"events, the main one in a URL":   {"/v1/events?access_token=" + token, "", 401},
		"metrics without":                 {"/v1/metrics", "", 401},
		"a probe":                         {"/livez", "", 200},
		"the document":                    {"/v1/openapi.json", "", 200},
		"nothing there":                   {"/v1/nothing", "", 404},
		"another case":                    {"/V1/Status", "Bearer " + token, 404},
	} {
		t.Run(name, func(t *testing.T) {
			a := v.call(http.MethodGet, tt.target, "", "Authorization", tt.header)
			assert.Equal(t, tt.want, a.code, a.body)
			if a.code == http.StatusUnauthorized {
				assert.Equal(t, `Bearer realm="watchtower"`, a.header.Get("WWW-Authenticate"))
			}
			assert.NotContains(t, a.body, "canary")
		})
	}
	assert.Equal(t, 12, strings.Count(log.String(), "a caller without the token"), log.String())
	assert.NotContains(t, log.String(), "canary")
}

// A variable from a file often ends in a new line, which no header can.
func TestWhiteSpaceAroundASecretIsNotOfIt(t *testing.T) {
	t.Parallel()
	v := newWorld(t, httpapi.WithToken(credentials.NewSecret(" spaced\n")), httpapi.WithWebhookSecret(credentials.NewSecret("key\n"))).attach()
	assert.Equal(t, http.StatusOK, v.call(http.MethodGet, "/v1/status", "", "Authorization", "Bearer spaced").code)
	mac := hmac.New(sha256.New, []byte("key"))
	_, _ = mac.Write([]byte(harborPush))
	signed := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	assert.Equal(t, http.StatusAccepted, v.call(http.MethodPost, "/v1/webhook", harborPush, "X-Hub-Signature-256", signed, "Authorization", "").code)
	require.NoError(t, v.api.Shutdown(t.Context()))
	_, err := httpapi.New(httpapi.WithToken(credentials.NewSecret(" \n")))
	require.ErrorContains(t, err, "WithToken: want a secret that is not empty")
}

func TestNothingIsServedThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	none, err := httpapi.New()
	require.NoError(t, err)
	for _, path := range []string{"/", "/livez", "/v1/update", "/v1/metrics", "/v1/events", "/v1/openapi.json", "/v1/webhook"} {
		v := &world{t: t, api: none}
		assert.Equal(t, http.StatusNotFound, v.call(http.MethodGet, path, "").code, path)
	}
	for _, e := range httpapi.Endpoints() {
		_, err := httpapi.New(httpapi.WithEndpoints(e))
		switch e {
		case httpapi.Health, httpapi.Swagger:
			require.NoError(t, err, e)
		default:
			require.ErrorContains(t, err, "httpapi: "+string(e)+": want With", "without a token")
		}
	}
}

func TestBadOptionsAreAllTold(t *testing.T) {
	t.Parallel()
	_, err := httpapi.New(
		httpapi.WithEndpoints("updates"), httpapi.WithToken(credentials.Secret{}), httpapi.WithRateLimit(-1), httpapi.WithCheckTimeout(-1),
		httpapi.WithOrigins("status.example"), httpapi.WithLogger(nil), nil,
	)
	require.Error(t, err)
	for _, want := range []string{
		`httpapi: WithEndpoints: "updates": want some of [health update check containers images history status config events metrics swagger webhook page]`,
		"httpapi: WithToken: want a secret that is not empty", "httpapi: WithRateLimit: -1: want 0 or more",
		"httpapi: WithCheckTimeout: -1ns: want 0 or more", `httpapi: WithOrigins: "status.example": want a scheme and a host`,
		"httpapi: WithLogger: nil: want a logger",
	} {
		assert.ErrorContains(t, err, want)
	}
}

func TestNoTowerIsAsIfNoneWereAttached(t *testing.T) {
	t.Parallel()
	v := newWorld(t).attach()
	require.NoError(t, v.api.Attach(nil))
	assert.Equal(t, http.StatusServiceUnavailable, v.call(http.MethodPost, "/v1/update", "").code)
	assert.Equal(t, http.StatusServiceUnavailable, v.call(http.MethodGet, "/startupz", "").code)
}

// Whoever has no token does not choose how much is logged.
func TestTheLogOfARefusedCallerIsShort(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	v := newWorld(t, httpapi.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))).attach()
	v.call(http.MethodGet, "/v1/updates/"+strings.Repeat("x", 10_000), "", "Authorization", "Bearer x")
	assert.Contains(t, log.String(), "path=/v1/updates/{id}\n")
}
