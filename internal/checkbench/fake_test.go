package checkbench_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

type object = map[string]any

var versioned = regexp.MustCompile(`^/v[0-9.]+/`)

// fake is a Docker engine on which containers run already, more than a machine
// can start for a test. It answers reads, and nothing else.
type fake struct {
	containers, images []object          // as the lists show them
	inspected          map[string]object // by path
}

func newFake() *fake { return &fake{inspected: map[string]object{}} }

// pulled puts an image on the engine.
func (f *fake) pulled(img image) {
	shown := object{
		"Id": img.id, "RepoTags": []string{img.reference}, "RepoDigests": []string{img.repository + "@" + img.digest},
		"Created": 1, "Size": 1, "VirtualSize": 1, "Containers": -1, "Labels": object{}, "ParentId": "", "SharedSize": -1,
	}
	f.images = append(f.images, shown)
	seen := object{
		"Id": img.id, "RepoTags": shown["RepoTags"], "RepoDigests": shown["RepoDigests"], "Os": "linux", "Architecture": "amd64",
		"Created": "2020-01-01T00:00:00Z", "Config": object{}, "RootFS": object{"Type": "layers"},
	}
	for _, name := range []string{img.id, img.reference, img.repository + "@" + img.digest} {
		f.inspected["/images/"+name+"/json"] = seen
	}
}

// running puts a container on it.
func (f *fake) running(id, name string, img image) {
	f.containers = append(f.containers, object{
		"Id": id, "Names": []string{"/" + name}, "Image": img.reference, "ImageID": img.id, "State": "running", "Status": "Up",
		"Created": 1, "Command": "sleep", "Labels": object{}, "Ports": []object{}, "Mounts": []object{},
		"HostConfig": object{"NetworkMode": "none"}, "NetworkSettings": object{"Networks": object{"none": object{}}},
	})
	seen := object{
		"Id": id, "Name": "/" + name, "Image": img.id, "Created": "2020-01-01T00:00:00Z", "Path": "sleep", "Args": []string{},
		"Config":          object{"Image": img.reference, "Hostname": id[:12], "Labels": object{}, "Env": []string{}},
		"HostConfig":      object{"NetworkMode": "none", "RestartPolicy": object{"Name": "no"}},
		"State":           object{"Status": "running", "Running": true, "StartedAt": "2020-01-01T00:00:00Z"},
		"NetworkSettings": object{"Networks": object{"none": object{}}}, "Mounts": []object{},
	}
	for _, name := range []string{id, name} {
		f.inspected["/containers/"+name+"/json"] = seen
	}
}

// ServeHTTP answers as Docker 20.10 does.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", "1.41")
	w.Header().Set("Ostype", "linux")
	w.Header().Set("Content-Type", "application/json")
	path := versioned.ReplaceAllString(r.URL.Path, "/")
	var answer any
	switch one, known := f.inspected[path]; {
	case path == "/_ping":
		_, _ = w.Write([]byte("OK"))
		return
	case r.Method != http.MethodGet:
		w.WriteHeader(http.StatusNotFound)
		answer = object{"message": "this engine is only looked at"}
	case path == "/version":
		answer = object{"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Os": "linux", "Arch": "amd64"}
	case path == "/info":
		answer = object{
			"ServerVersion": "20.10.24", "OSType": "linux", "Architecture": "x86_64", "Swarm": object{"LocalNodeState": "inactive"},
			"RegistryConfig": object{"InsecureRegistryCIDRs": []string{"127.0.0.0/8"}, "IndexConfigs": object{}, "Mirrors": []string{}},
		}
	case path == "/containers/json":
		answer = f.containers
	case path == "/images/json":
		answer = f.images
	case known:
		answer = one
	default:
		w.WriteHeader(http.StatusNotFound)
		answer = object{"message": "no such thing: " + strings.TrimPrefix(path, "/")}
	}
	_ = json.NewEncoder(w).Encode(answer)
}
