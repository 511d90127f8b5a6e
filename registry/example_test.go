package registry_test

import (
	"context"
	"fmt"

	"github.com/watchtower-go/watchtower/registry"
)

func ExampleNew() {
	client, err := registry.New()
	if err != nil {
		panic(err)
	}
	verdicts := client.Check(context.Background(), []registry.Query{{Reference: "no reference"}})
	fmt.Println(verdicts[0].Err)
	// Output: registry: "no reference": invalid reference format
}

func ExampleParse() {
	r, err := registry.Parse("nginx")
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Host, r.Repository, r.Tag)
	// Output: docker.io library/nginx latest
}

func ExampleClient_SetEndpoints() {
	client, err := registry.New(
		registry.WithCertificates("/etc/docker/certs.d"),
		registry.WithInsecure("registry.example:5000"),
	)
	if err != nil {
		panic(err)
	}
	// What an engine tells of itself, a lifecycle.RegistryConfig, goes in the same way.
	fmt.Println(client.SetEndpoints(registry.Endpoints{Mirrors: []string{"https://mirror.example"}}))
	fmt.Println(client.SetEndpoints(registry.Endpoints{Mirrors: []string{"mirror.example"}}))
	// Output:
	// <nil>
	// registry: SetEndpoints: "mirror.example": want an http:// or https:// URL without user, query and fragment
}
