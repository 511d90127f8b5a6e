package filter_test

import (
	"fmt"

	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
)

func ExampleNames() {
	f, err := filter.Names("web", "db-.*")
	if err != nil {
		panic(err)
	}
	fmt.Println(f.Match(lifecycle.Container{Name: "db-1"}))
	fmt.Println(filter.Reason(f, lifecycle.Container{Name: "cache"}))
	// Output:
	// true
	// false its name is none of web, db-.*
}

func ExampleExceptNames() {
	f, err := filter.ExceptNames("db")
	if err != nil {
		panic(err)
	}
	fmt.Println(filter.Reason(f, lifecycle.Container{Name: "db"}))
	// Output: false its name is one of db
}

func ExampleImages() {
	f, err := filter.Images("nginx")
	if err != nil {
		panic(err)
	}
	fmt.Println(f.Match(lifecycle.Container{Image: "docker.io/library/nginx:1.27"}))
	// Output: true
}

func ExampleExceptImages() {
	f, err := filter.ExceptImages("postgres", "ghcr.io/acme/.*")
	if err != nil {
		panic(err)
	}
	fmt.Println(filter.Reason(f, lifecycle.Container{Image: "postgres:17"}))
	// Output: false its image is one of postgres, ghcr.io/acme/.*
}

func ExampleLabels() {
	f, err := filter.Labels("team=web", "watched=")
	if err != nil {
		panic(err)
	}
	fmt.Println(f.Match(lifecycle.Container{Labels: map[string]string{"watched": "whatever it is"}}))
	// Output: true
}

func ExampleExceptLabels() {
	f, err := filter.ExceptLabels("team=db")
	if err != nil {
		panic(err)
	}
	fmt.Println(filter.Reason(f, lifecycle.Container{Labels: map[string]string{"team": "db"}}))
	// Output: false it has one of the labels team=db
}

func ExampleAll() {
	f := filter.All(filter.Enabled(true), filter.Not(filter.Scope("staging")))
	fmt.Println(filter.Reason(f, lifecycle.Container{Name: "web"}))
	// Output: false it has no enable label
}

func ExampleAny() {
	f := filter.Any(filter.Scope("a"), filter.Scope("b"))
	fmt.Println(f.Match(lifecycle.Container{Labels: map[string]string{filter.ScopeLabel: "b"}}))
	// Output: true
}

func ExampleNot() {
	f := filter.Not(filter.Scope("staging"))
	fmt.Println(f.Match(lifecycle.Container{}))
	// Output: true
}

func ExampleEnabled() {
	f := filter.Enabled(false)
	fmt.Println(filter.Reason(f, lifecycle.Container{Labels: map[string]string{filter.EnableLabel: "false"}}))
	// Output: false its enable label is false
}

func ExampleScope() {
	f := filter.Scope(filter.NoScope)
	fmt.Println(f.Match(lifecycle.Container{}))
	// Output: true
}
