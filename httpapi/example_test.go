package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/httpapi"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func ExampleNew() {
	engine := enginetest.New()
	engine.Publish("app:1", enginetest.Image{})
	engine.Run("web", "app:1", lifecycle.Spec{})
	engine.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})

	api, err := httpapi.New(
		httpapi.WithEndpoints(httpapi.Update, httpapi.Health),
		httpapi.WithToken(credentials.NewSecret("a long random text")),
	)
	if err != nil {
		panic(err)
	}
	tower, err := watchtower.New(
		watchtower.WithEngine(engine), watchtower.WithChecker(engine.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithStableTime(10*time.Millisecond), watchtower.WithObserver(api),
	)
	if err != nil {
		panic(err)
	}
	if err := api.Attach(tower); err != nil {
		panic(err)
	}
	server := httptest.NewServer(api) // in a program: httpapi.NewServer(api, logger)
	defer server.Close()

	ask := func(method, path, token string) {
		req, err := http.NewRequestWithContext(context.Background(), method, server.URL+path, nil)
		if err != nil {
			panic(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := server.Client().Do(req)
		if err != nil {
			panic(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			panic(err)
		}
		_, summary, _ := strings.Cut(string(body), `"summary":`)
		summary, _, _ = strings.Cut(summary, "}")
		fmt.Println(strings.TrimSpace(fmt.Sprint(method, " ", path, " ", resp.StatusCode, " ", summary)))
	}
	ask(http.MethodPost, "/v1/update?container=web", "a guess")
	ask(http.MethodPost, "/v1/update?container=web", "a long random text")
	ask(http.MethodGet, "/readyz", "")
	ask(http.MethodGet, "/v1/containers", "a long random text") // not switched on
	// Output:
	// POST /v1/update?container=web 401
	// POST /v1/update?container=web 200 {"scanned":1,"updated":1,"failed":0,"restarted":0,"skipped":0,"rolled_back":0,"stale":0,"held":0
	// GET /readyz 200
	// GET /v1/containers 404
}

func ExampleNewServer() {
	api, err := httpapi.New(httpapi.WithEndpoints(httpapi.Health))
	if err != nil {
		panic(err)
	}
	server := httpapi.NewServer(api, nil)
	fmt.Println(server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout, server.IdleTimeout)
	// Output: 5s 10s 30s 30s
}
