package credentials_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/watchtower-go/watchtower/credentials"
)

func ExampleStatic() {
	store := credentials.Static(map[string]credentials.Credential{
		"registry.example/team": {Username: "robot", Password: credentials.NewSecret("secret")},
	})
	c, err := store.Credential(context.Background(), "registry.example/team/app")
	fmt.Println(c.Username, c.Password, err)
	// Output: robot *** <nil>
}

func ExampleChain() {
	mine := credentials.StoreFunc(func(context.Context, string) (credentials.Credential, error) {
		return credentials.Credential{Username: "robot", Source: "a vault"}, nil
	})
	store := credentials.Chain(credentials.Static(nil), mine)
	c, _ := store.Credential(context.Background(), "registry.example")
	fmt.Println(c.Username, "from", c.Source)
	// Output: robot from a vault
}

func ExampleFile() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "config.json")
	if err := os.WriteFile(path, []byte(`{"auths":{"registry.example":{"auth":"cm9ib3Q6c2VjcmV0"}}}`), 0o600); err != nil {
		panic(err)
	}
	store, err := credentials.File(path)
	if err != nil {
		panic(err)
	}
	c, err := store.Credential(context.Background(), "registry.example")
	fmt.Println(c.Username, c.Password, err)
	// Output: robot *** <nil>
}

func ExampleFromEnv() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Setenv("DOCKER_CONFIG", dir); err != nil { // where config.json will be
		panic(err)
	}
	defer func() { _ = os.Unsetenv("DOCKER_CONFIG") }()
	store, err := credentials.FromEnv(credentials.WithReport(func(err error) { fmt.Println("still in use:", err) }))
	if err != nil {
		panic(err)
	}
	// A docker login while the program runs:
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"auths":{"registry.example":{"auth":"cm9ib3Q6c2VjcmV0"}}}`), 0o600); err != nil {
		panic(err)
	}
	c, err := store.Credential(context.Background(), "registry.example/team/app")
	fmt.Println(c.Username, c.Password, err)
	// Output: robot *** <nil>
}

func ExampleHelper() {
	store := credentials.Helper("nowhere", 5*time.Second)
	_, err := store.Credential(context.Background(), "registry.example")
	fmt.Println(err)
	// Output: credentials: get registry.example from docker-credential-nowhere: not found on PATH
}

func ExampleRepoFromEnv() {
	for name, value := range map[string]string{"REPO_USER": "robot", "REPO_PASS": "secret", "REPO_HOST": "registry.example"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
		defer func() { _ = os.Unsetenv(name) }()
	}
	store, err := credentials.RepoFromEnv()
	if err != nil {
		panic(err)
	}
	for _, host := range []string{"registry.example/team/app", "other.example/app"} {
		c, err := store.Credential(context.Background(), host)
		fmt.Printf("%q %v\n", c.Username, err)
	}
	// Output:
	// "robot" <nil>
	// "" <nil>
}

func ExampleNewSecret() {
	s := credentials.NewSecret("secret")
	fmt.Println(s, len(s.Reveal()))
	// Output: *** 6
}
