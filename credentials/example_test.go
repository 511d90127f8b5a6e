package credentials_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

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
	mine := credentials.StoreFunc(func(_ context.Context, host string) (credentials.Credential, error) {
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
	store, err := credentials.FromEnv()
	if err != nil {
		fmt.Println("the config file is broken:", err)
		return
	}
	c, err := store.Credential(context.Background(), "registry.invalid")
	fmt.Println(c.IsZero(), err)
	// Output: true <nil>
}

func ExampleHelper() {
	_, err := credentials.Helper("nowhere").Credential(context.Background(), "registry.example")
	fmt.Println(err)
	// Output: credentials: docker-credential-nowhere: registry.example: not found on PATH
}

func ExampleRepoFromEnv() {
	store := credentials.RepoFromEnv() // REPO_USER, REPO_PASS, REPO_HOST
	c, err := store.Credential(context.Background(), "registry.invalid")
	fmt.Println(c.IsZero(), err)
	// Output: true <nil>
}

func ExampleNewSecret() {
	s := credentials.NewSecret("secret")
	fmt.Println(s, len(s.Reveal()))
	// Output: *** 6
}
