package registrytest_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

func ExampleNew() {
	hub := registrytest.New(registrytest.DockerHub())
	defer hub.Close()
	hub.Push("library/nginx", "1", registrytest.Image{})

	client, err := registry.New(registry.WithTransport(registrytest.Transport(hub)))
	if err != nil {
		panic(err)
	}
	for range 2 {
		v := client.Check(context.Background(), []registry.Query{{Reference: "nginx:1"}})[0]
		fmt.Println(v.Digest == registrytest.Image{}.Digest(), v.Err)
		fmt.Println(hub.Requests().Counts())
	}
	// Output:
	// true <nil>
	// 1 token, 2 head
	// true <nil>
	// 1 head
}

func ExampleStart() {
	r := registrytest.Start(registrytest.Profile{})
	defer r.Close()
	r.Push("app", "1", registrytest.Index{
		Images:      []registrytest.Image{{Platform: "linux/amd64"}, {Platform: "linux/arm64"}},
		Attestation: `{"builder":"me"}`,
	})
	// Any program can be told of r.Reference("app", "1").
	resp, err := http.Head(r.URL + "/v2/app/manifests/1")
	if err != nil {
		panic(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.Status, resp.Header.Get("Content-Type"))
	// Output: 200 OK application/vnd.oci.image.index.v1+json
}

func ExampleStartTLS() {
	r := registrytest.StartTLS(registrytest.Profile{})
	defer r.Close()
	// r.Certificate() is what a client that does not use Transport has to trust.
	client := http.Client{Transport: registrytest.Transport(r)}
	resp, err := client.Get(r.URL + "/v2/")
	if err != nil {
		panic(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.Status, r.Certificate().IsCA)
	// Output: 200 OK true
}

func ExampleRegistry_SetFault() {
	r := registrytest.New(registrytest.Profile{Host: "registry.example"})
	defer r.Close()
	r.SetFault(registrytest.TooMany(time.Hour), registrytest.KindHead)
	client := http.Client{Transport: registrytest.Transport(r)}
	resp, err := client.Head("https://registry.example/v2/app/manifests/1")
	if err != nil {
		panic(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.Status, resp.Header.Get("Retry-After"))
	fmt.Print(r.Requests())
	// Output:
	// 429 Too Many Requests 3600
	// head  HEAD  registry.example/v2/app/manifests/1  429  refused
}

func ExampleTransport() {
	hub, ghcr := registrytest.New(registrytest.DockerHub()), registrytest.New(registrytest.GHCR())
	defer hub.Close()
	defer ghcr.Close()
	client := http.Client{Transport: registrytest.Transport(hub, ghcr)}
	for _, target := range []string{hub.URL, ghcr.URL, "https://quay.io"} {
		resp, err := client.Get(target + "/v2/")
		if err != nil {
			fmt.Println(err)
			continue
		}
		_ = resp.Body.Close()
		fmt.Println(target, resp.Status)
	}
	// Output:
	// https://registry-1.docker.io 401 Unauthorized
	// https://ghcr.io 401 Unauthorized
	// Get "https://quay.io/v2/": registrytest: no registry is quay.io:443
}

// Each fault is good for the kinds of requests it is set for, until it is taken back.
func ExampleFault() {
	r := registrytest.New(registrytest.Profile{Host: "registry.example"})
	defer r.Close()
	r.Push("app", "1", registrytest.Image{})
	client := http.Client{Transport: registrytest.Transport(r), Timeout: time.Second}
	for _, f := range []struct {
		name  string
		fault registrytest.Fault
	}{
		{"status", registrytest.Status(http.StatusBadGateway)},
		{"reply", registrytest.Reply(http.StatusOK, "<html>log in first</html>")},
		{"reset", registrytest.Reset()},
		{"redirect loop", registrytest.RedirectLoop()},
		{"none", nil},
	} {
		r.SetFault(f.fault, registrytest.KindManifest)
		resp, err := client.Get("https://registry.example/v2/app/manifests/1")
		if err != nil {
			fmt.Println(f.name, "| no answer")
			continue
		}
		_ = resp.Body.Close()
		fmt.Println(f.name, "|", resp.Status, resp.Header.Get("Docker-Content-Digest") != "")
	}
	// Output:
	// status | 502 Bad Gateway false
	// reply | 200 OK false
	// reset | no answer
	// redirect loop | no answer
	// none | 200 OK true
}
