package dockerengine

import (
	"net/url"
	"strings"

	"github.com/docker/docker/api/types/versions"
)

// Feature is what endpoints are needed for.
type Feature string

// The features. All need those of FeatureCheck, and all but that and FeatureServices
// those of FeatureUpdate.
const (
	FeatureCheck      Feature = "check"
	FeatureRegistries Feature = "registries"
	FeatureUpdate     Feature = "update"
	FeatureLogs       Feature = "logs"
	FeaturePaused     Feature = "paused"
	FeatureFiles      Feature = "files"
	FeatureNetworks   Feature = "networks"
	FeatureSignal     Feature = "signal"
	FeatureStartFirst Feature = "start-first"
	FeatureExec       Feature = "exec"
	FeatureProbe      Feature = "probe"
	FeatureCleanup    Feature = "cleanup"
	FeatureVolumes    Feature = "volumes"
	FeatureServices   Feature = "services"
)

// Costs says what cannot be done where one of the feature's endpoints is denied.
func (f Feature) Costs() string {
	return map[Feature]string{
		FeatureCheck:      "nothing can be seen: no check, no update",
		FeatureRegistries: "the engine's mirrors and insecure registries are not followed",
		FeatureUpdate:     "no update",
		FeatureLogs:       "a failed update is told without what the container wrote",
		FeaturePaused:     "no update of a container that is paused",
		FeatureFiles:      "no update of a container into which Compose copied files",
		FeatureNetworks:   "no update of a container on several networks",
		FeatureSignal:     "no stop signal other than the container's own",
		FeatureStartFirst: "no start-first update of a container that is found by network aliases",
		FeatureExec:       "no command in a container: no exec probe, no hook",
		FeatureProbe:      "no http or tcp probe of a container on the host's network",
		FeatureCleanup:    "replaced images stay",
		FeatureVolumes:    "replaced anonymous volumes stay",
		FeatureServices:   "no update of a swarm's services",
	}[f]
}

// Endpoint is one call of the Docker Engine API, as a proxy that filters has to
// know it.
type Endpoint struct {
	Feature Feature
	Method  string
	// Path is without the version that requests but the ping's have in front of it.
	// {id} stands for one part of a path, a name as often as an ID; {name} for an
	// image's, which may have slashes.
	Path string
	// Why says what it is asked for.
	Why string
	// Below is the API version from which on the call is not made, "1.44"; empty:
	// none.
	Below string

	query url.Values // of a trial
	body  string
}

// Match reports whether a request is the endpoint's. The path may begin with a
// version.
func (e Endpoint) Match(method, path string) bool {
	if method != e.Method {
		return false
	}
	if version, rest, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/"); ok && strings.HasPrefix(version, "v1.") {
		path = "/" + rest
	}
	before, rest, open := strings.Cut(e.Path, "{")
	if !open {
		return path == e.Path
	}
	kind, after, _ := strings.Cut(rest, "}")
	if len(path) <= len(before)+len(after) || !strings.HasPrefix(path, before) || !strings.HasSuffix(path, after) {
		return false
	}
	filled := path[len(before) : len(path)-len(after)]
	return kind == "name" || !strings.Contains(filled, "/")
}

// Needed reports whether an engine of that API version, "1.41", is asked for it.
// Empty stands for a version that is not known.
func (e Endpoint) Needed(apiVersion string) bool {
	return e.Below == "" || apiVersion == "" || versions.LessThan(apiVersion, e.Below)
}

// Endpoints are all calls that an Engine makes, by feature, those first that every
// use needs. The list is held against recorded traffic by a test.
func Endpoints() []Endpoint {
	return []Endpoint{
		{Feature: FeatureCheck, Method: "HEAD", Path: pingPath, Why: "is the engine there, and which API does it speak"},
		{Feature: FeatureCheck, Method: "GET", Path: "/containers/json", Why: "which containers there are", query: url.Values{"limit": {"1"}}},
		{Feature: FeatureCheck, Method: "GET", Path: "/images/json", Why: "what their images are", query: noImages()},
		{Feature: FeatureCheck, Method: "GET", Path: "/containers/{id}/json", Why: "how a stale container is configured"},
		{Feature: FeatureCheck, Method: "GET", Path: "/images/{name}/json", Why: "what of that are its image's defaults"},
		{Feature: FeatureRegistries, Method: "GET", Path: "/info", Why: "mirrors and insecure registries"},
		// A reference in capitals is none: engines refuse it before they look further.
		{Feature: FeatureUpdate, Method: "POST", Path: "/images/create", Why: "pull the new image", query: url.Values{"fromImage": {"NOTHING"}}},
		// Neither is half an object: there is nothing in it to create.
		{Feature: FeatureUpdate, Method: "POST", Path: "/containers/create", Why: "create the new container", body: "{"},
		{Feature: FeatureUpdate, Method: "POST", Path: "/containers/{id}/rename", Why: "keep the swap's journal, which is in names", query: url.Values{"name": {"nothing"}}},
		{Feature: FeatureUpdate, Method: "POST", Path: "/containers/{id}/stop", Why: "stop the old one"},
		{Feature: FeatureUpdate, Method: "POST", Path: "/containers/{id}/start", Why: "start the new one, or the old one again"},
		{Feature: FeatureUpdate, Method: "DELETE", Path: "/containers/{id}", Why: "remove the old one, or a new one that failed"},
		{Feature: FeatureUpdate, Method: "POST", Path: "/images/{name}/tag", Why: "put the tag back after a failed update", query: url.Values{"repo": {"nothing"}}},
		{Feature: FeatureLogs, Method: "GET", Path: "/containers/{id}/logs", Why: "the last lines of a new one that failed", query: url.Values{"stdout": {"1"}}},
		{Feature: FeaturePaused, Method: "POST", Path: "/containers/{id}/pause", Why: "pause the new one as the old one was"},
		{Feature: FeatureFiles, Method: "GET", Path: "/containers/{id}/changes", Why: "what was written into a container of Compose's"},
		{Feature: FeatureFiles, Method: "HEAD", Path: "/containers/{id}/archive", Why: "whether Compose copied it there", query: url.Values{"path": {"/"}}},
		{Feature: FeatureFiles, Method: "GET", Path: "/containers/{id}/archive", Why: "read it", query: url.Values{"path": {"/"}}},
		{Feature: FeatureFiles, Method: "PUT", Path: "/containers/{id}/archive", Why: "write it into the new one", query: url.Values{"path": {"/"}}},
		{Feature: FeatureNetworks, Method: "POST", Path: "/networks/{id}/connect", Why: "the networks beside the first", Below: "1.44", body: noEndpoint},
		{Feature: FeatureSignal, Method: "POST", Path: "/containers/{id}/kill", Why: "send the signal", Below: "1.42"},
		{Feature: FeatureSignal, Method: "POST", Path: "/containers/{id}/wait", Why: "give it the time to work", Below: "1.42"},
		{Feature: FeatureStartFirst, Method: "POST", Path: "/networks/{id}/connect", Why: "give the new one its aliases once it is good", body: noEndpoint},
		{Feature: FeatureStartFirst, Method: "POST", Path: "/networks/{id}/disconnect", Why: "take the endpoint without them away", body: noEndpoint},
		{Feature: FeatureExec, Method: "POST", Path: "/containers/{id}/exec", Why: "prepare the command", body: `{"Cmd":["true"]}`},
		{Feature: FeatureExec, Method: "POST", Path: "/exec/{id}/start", Why: "run it", body: "{}"},
		{Feature: FeatureExec, Method: "GET", Path: "/exec/{id}/json", Why: "how it ended"},
		{Feature: FeatureProbe, Method: "GET", Path: "/version", Why: "whether the engine's network is this one"},
		{Feature: FeatureCleanup, Method: "DELETE", Path: "/images/{name}", Why: "remove the image that was replaced"},
		{Feature: FeatureVolumes, Method: "DELETE", Path: "/volumes/{id}", Why: "remove an anonymous volume that was replaced"},
		{Feature: FeatureServices, Method: "GET", Path: "/info", Why: "whether the engine is a swarm's manager"},
		{Feature: FeatureServices, Method: "GET", Path: "/nodes", Why: "which platforms its nodes are"},
		{Feature: FeatureServices, Method: "GET", Path: "/services", Why: "which services there are", query: url.Values{"filters": {`{"name":{"` + nothing + `":true}}`}}},
		{Feature: FeatureServices, Method: "GET", Path: "/services/{id}", Why: "how a service is configured, and how far its update is"},
		{Feature: FeatureServices, Method: "GET", Path: "/tasks", Why: "what its tasks say", query: url.Values{"filters": {`{"service":{"` + nothing + `":true}}`}}},
		// A version that is no number is refused before anything is looked for.
		{Feature: FeatureServices, Method: "POST", Path: "/services/{id}/update", Why: "give it its new image", body: "{}"},
	}
}

// pingPath is without a version, which it tells.
const pingPath = "/_ping"

// noEndpoint is of no container.
const noEndpoint = `{"Container":"` + nothing + `"}`

// noImages lists none.
func noImages() url.Values {
	return url.Values{"filters": {`{"reference":{"` + nothing + `":true}}`}}
}
