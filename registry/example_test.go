package registry_test

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
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

func ExampleClient_Check() {
	ghcr := registrytest.New(registrytest.GHCR()) // in life: the network, without WithTransport
	defer ghcr.Close()
	ghcr.Push("org/app", "1", registrytest.Image{})

	client, err := registry.New(
		registry.WithTransport(registrytest.Transport(ghcr)),
		registry.WithCredentials(credentials.Static(nil)),
		registry.WithTimeout(5*time.Second), // for each request
		registry.WithConcurrency(64),        // requests at a time to all registries
		registry.WithHostConcurrency(16),    // and to one
	)
	if err != nil {
		panic(err)
	}
	for _, v := range client.Check(context.Background(), []registry.Query{
		{Reference: "ghcr.io/org/app:1"}, {Reference: "ghcr.io/org/app:2"},
	}) {
		fmt.Println(v.Reference, v.Digest != "", errdefs.IsNotFound(v.Err))
	}
	// Output:
	// ghcr.io/org/app:1 true false
	// ghcr.io/org/app:2 false true
}
