package httpapi

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/watchtower-go/watchtower/registry"
)

// payload is what registries send of a push, each its own part of it.
type payload struct {
	// Docker Hub's, and with Quay's address.
	PushData *struct {
		Tag string `json:"tag"`
	} `json:"push_data"`
	Repository json.RawMessage `json:"repository"`
	DockerURL  string          `json:"docker_url"`

	// GitHub's, of an event "package" or "registry_package".
	Action          string         `json:"action"`
	Package         *githubPackage `json:"package"`
	RegistryPackage *githubPackage `json:"registry_package"`

	// Harbor's, in its own format or as a CloudEvent.
	Type      string       `json:"type"`
	EventData *harborEvent `json:"event_data"`
	Data      *harborEvent `json:"data"`

	// The distribution registry's notifications.
	Events []struct {
		Action string `json:"action"`
		Target struct {
			Repository string `json:"repository"`
			URL        string `json:"url"`
		} `json:"target"`
		Request struct {
			Host string `json:"host"`
		} `json:"request"`
	} `json:"events"`
}

type githubPackage struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Type      string `json:"package_type"`
	Version   struct {
		URL string `json:"package_url"`
	} `json:"package_version"`
}

type harborEvent struct {
	Resources []struct {
		URL string `json:"resource_url"`
	} `json:"resources"`
}

// repository is one on a registry, by whatever name its host goes.
type repository struct{ host, path string }

func (r repository) String() string { return r.host + "/" + r.path }

// pushed reads which repositories a webhook is about. It knows the sender by what it
// says, and does not need to be told. None: something else than a push. Its errors say
// what is missing.
func pushed(body []byte) ([]repository, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, invalid("the body is no JSON that a registry sends")
	}
	pack := p.Package
	if pack == nil {
		pack = p.RegistryPackage
	}
	event := p.EventData
	if event == nil {
		event = p.Data
	}
	switch {
	case p.PushData != nil:
		return p.hub()
	case p.DockerURL != "":
		return repositories(p.DockerURL)
	case pack != nil:
		return p.github(pack)
	case event != nil && len(event.Resources) > 0:
		if t := strings.ToLower(p.Type); t != "push_artifact" && t != "harbor.artifact.pushed" {
			return nil, nil
		}
		var urls []string
		for _, r := range event.Resources {
			urls = append(urls, r.URL)
		}
		return repositories(urls...)
	case p.Events != nil:
		return p.distribution()
	default:
		return nil, invalid("unknown payload: want Docker Hub's, GitHub's package event, Harbor's, Quay's or a distribution notification")
	}
}

func (p *payload) hub() ([]repository, error) {
	var r struct {
		Name string `json:"repo_name"`
	}
	if err := json.Unmarshal(p.Repository, &r); err != nil || r.Name == "" {
		return nil, invalid("push_data without repository.repo_name")
	}
	return repositories(r.Name)
}

func (p *payload) github(pack *githubPackage) ([]repository, error) {
	switch strings.ToLower(pack.Type) {
	case "", "container", "docker":
	default:
		return nil, nil
	}
	if p.Action != "published" && p.Action != "updated" {
		return nil, nil
	}
	if pack.Version.URL != "" {
		return repositories(strings.ToLower(pack.Version.URL))
	}
	if pack.Name == "" || pack.Namespace == "" {
		return nil, invalid("package without package_version.package_url, or name and namespace")
	}
	return repositories(strings.ToLower("ghcr.io/" + pack.Namespace + "/" + pack.Name))
}

// distribution takes both names of the host that a notification has.
func (p *payload) distribution() ([]repository, error) {
	var out []repository
	for _, e := range p.Events {
		if e.Action != "push" {
			continue
		}
		at, _ := url.Parse(cmp.Or(e.Target.URL, "/"))
		if e.Target.Repository == "" || at == nil || at.Host == "" && e.Request.Host == "" {
			return nil, invalid("a push without target.repository, or without target.url and request.host")
		}
		for _, host := range []string{at.Host, e.Request.Host} {
			if host == "" {
				continue
			}
			of, err := repositories(host + "/" + e.Target.Repository)
			if err != nil {
				return nil, err
			}
			out = append(out, of...)
		}
	}
	return out, nil
}

// repositories are those of image references.
func repositories(texts ...string) ([]repository, error) {
	var out []repository
	for _, text := range texts {
		ref, err := registry.Parse(strings.TrimSuffix(text, ":"))
		if err != nil {
			return nil, invalid("%q: want an image's reference", text)
		}
		out = append(out, repository{ref.Host, ref.Repository})
	}
	return out, nil
}
