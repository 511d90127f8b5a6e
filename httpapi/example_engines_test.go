package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/httpapi"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// A Tower for each engine, and one API for all of them.
func ExampleHandler_Attach() {
	api, err := httpapi.New(httpapi.WithEndpoints(httpapi.Containers), httpapi.WithToken(credentials.NewSecret("a long random text")))
	if err != nil {
		panic(err)
	}
	var towers []httpapi.Tower
	for _, name := range []string{"nas", "vps"} {
		engine := enginetest.New()
		engine.Publish("app:1", enginetest.Image{})
		engine.Run("web", "app:1", lifecycle.Spec{})
		tower, err := watchtower.New(watchtower.WithEngineName(name), watchtower.WithEngine(engine),
			watchtower.WithCredentials(credentials.Static(nil)), watchtower.WithObserver(api))
		if err != nil {
			panic(err)
		}
		towers = append(towers, tower)
	}
	if err := api.Attach(towers...); err != nil {
		panic(err)
	}

	for _, path := range []string{"/v1/containers", "/v1/containers?engine=vps", "/v1/containers?engine=pi"} {
		request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil)
		request.Header.Set("Authorization", "Bearer a long random text")
		answer := httptest.NewRecorder()
		api.ServeHTTP(answer, request)
		var read struct {
			Containers []struct{ Engine, Name string }
			Error      string
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &read); err != nil {
			panic(err)
		}
		fmt.Println(strings.TrimSpace(fmt.Sprintln(answer.Code, read.Containers, read.Error)))
	}
	// Output:
	// 200 [{nas web} {vps web}]
	// 200 [{vps web}]
	// 400 [] httpapi: engine: "pi": want nas, vps
}
