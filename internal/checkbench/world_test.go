package checkbench_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// work is something to be checked: containers, one reference after the other,
// that run what their registries serve.
type work struct {
	containers, references int
	hosts                  int           // registries; 1 if 0
	latency                time.Duration // of each of their answers
	tls                    bool          // that they speak, not plain HTTP
	dockerd                bool          // a real engine, not one that is only looked at
	runs                   int
	tokens                 int // 1 if 0; so many as the names of that many need
	// trouble is what some of the registries have.
	trouble func(*registrytest.Registry, int)
}

func (w work) String() string {
	text := fmt.Sprintf("%d containers on %d references", w.containers, w.references)
	if w.hosts > 1 {
		text += fmt.Sprintf(" at %d registries", w.hosts)
	}
	text += fmt.Sprintf(", %v", w.latency)
	if w.tls {
		text += ", TLS"
	}
	if w.dockerd {
		text += ", dockerd"
	}
	return text
}

// image is one that a registry serves.
type image struct{ reference, repository, id, digest string }

// world is where a program is run.
type world struct {
	registries []*registrytest.Registry
	engine     *front
	home       string
}

// setUp makes the world, which ends with the test.
func (w work) setUp(t *testing.T) *world {
	t.Helper()
	out := &world{home: t.TempDir()}
	start := registrytest.Start
	if w.tls {
		start = registrytest.StartTLS
	}
	for range max(w.hosts, 1) {
		r := start(registrytest.Profile{Auth: registrytest.Bearer})
		t.Cleanup(r.Close)
		r.SetFault(inOneLine, registrytest.KindHead, registrytest.KindManifest)
		out.registries = append(out.registries, r)
	}
	images := make([]image, w.references)
	for i := range images {
		images[i] = w.push(t, out.registries[i%len(out.registries)], fmt.Sprintf("team/app%d", i))
	}
	if w.dockerd {
		host := enginehost.Engine(t)
		for i := range w.containers {
			ref := images[i%len(images)].reference
			if i < len(images) {
				host.Pull(t, ref, "")
			}
			host.Run(t, fmt.Sprintf("web-%d", i), object{"Image": ref, "HostConfig": object{"NetworkMode": "none"}})
		}
		out.engine = newFront(t, forward(host))
	} else {
		engine := newFake()
		for _, img := range images {
			engine.pulled(img)
		}
		for i := range w.containers {
			name := fmt.Sprintf("web-%d", i)
			engine.running(digest.FromString(name).Encoded(), name, images[i%len(images)])
		}
		out.engine = newFront(t, engine)
	}
	for i, r := range out.registries {
		r.SetLatency(w.latency)
		if w.trouble != nil {
			w.trouble(r, i)
		}
	}
	return out
}

// inOneLine answers as a registry that reads all lines of Accept, not the first
// only: engines write several, in any order.
func inOneLine(w http.ResponseWriter, req *http.Request, answer http.HandlerFunc) {
	req.Header.Set("Accept", strings.Join(req.Header.Values("Accept"), ", "))
	answer(w, req)
}

// push puts an image into a registry, one that runs if the engine is real.
func (w work) push(t *testing.T, r *registrytest.Registry, repository string) image {
	t.Helper()
	env := []string{"OF=" + repository}
	out := image{reference: r.Reference(repository, "1"), repository: r.Host + "/" + repository}
	if !w.dockerd {
		content := registrytest.Image{Env: env}
		out.id, out.digest = content.ConfigDigest().String(), r.Push(repository, "1", content).String()
		return out
	}
	manifest, blobs := enginehost.Image{Env: env}.Content(t)
	for _, blob := range blobs {
		r.PushBlob(repository, blob)
	}
	r.Push(repository, "1", registrytest.Manifest{MediaType: registrytest.TypeDockerManifest, Body: manifest})
	return out
}

// forget makes the world forget what it was asked.
func (w *world) forget() { w.requests(); w.engine.taken() }

// requests are those to all registries since the last time.
func (w *world) requests() registrytest.Requests {
	var out registrytest.Requests
	for _, r := range w.registries {
		out = append(out, r.Requests()...)
	}
	return out
}

// summary is the last line of what a check prints.
func (s sample) summary() string {
	text := strings.TrimSpace(s.stdout)
	return text[strings.LastIndex(text, "\n")+1:]
}
