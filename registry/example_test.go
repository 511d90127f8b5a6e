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
