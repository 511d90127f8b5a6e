package dockerengine

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// Inspect shows one container, with its configuration as the engine wrote it.
func (e *Engine) Inspect(ctx context.Context, ref string) (lifecycle.Snapshot, error) {
	var out lifecycle.Snapshot
	err := e.do(ctx, "inspect", ref, func(s *session) error {
		_, raw, err := s.ContainerInspectWithRaw(ctx, ref, false)
		for try := 1; endedMeanwhile(err) && try < podmanTries && pause(ctx, podmanPause); try++ {
			_, raw, err = s.ContainerInspectWithRaw(ctx, ref, false)
		}
		if err != nil {
			return err
		}
		out, err = parseSnapshot(raw)
		return err
	})
	return out, err
}

// inspected is the part of an inspect that is read here; the rest travels.
type inspected struct {
	ID      string `json:"Id"`
	Name    string
	Created time.Time
	Image   string
	State   struct {
		Status     string
		ExitCode   int
		OOMKilled  bool
		Error      string
		StartedAt  time.Time
		FinishedAt time.Time
		Health     *struct {
			Status string
			Log    []struct{ Output string }
		}
	}
	RestartCount int
	Platform     string
	// ImageManifestDescriptor is there with containerd's image store.
	ImageManifestDescriptor struct {
		Digest   string
		Platform struct{ OS, Architecture, Variant string }
	}
	Config          json.RawMessage
	HostConfig      json.RawMessage
	NetworkSettings struct{ Networks map[string]json.RawMessage }
	Mounts          []struct {
		Type, Name, Source, Destination, Driver string
		RW                                      bool
	}
}

func parseSnapshot(raw []byte) (lifecycle.Snapshot, error) {
	var in inspected
	if err := json.Unmarshal(raw, &in); err != nil {
		return lifecycle.Snapshot{}, err
	}
	out := lifecycle.Snapshot{
		Container: lifecycle.Container{
			ID: in.ID, Name: strings.TrimPrefix(in.Name, "/"), ImageID: in.Image,
			State: state(in.State.Status), Created: in.Created,
		},
		Platform: in.Platform,
		Networks: make(map[string]lifecycle.Document, len(in.NetworkSettings.Networks)),
		Status: lifecycle.Status{
			ExitCode: in.State.ExitCode, OOMKilled: in.State.OOMKilled, Error: in.State.Error,
			StartedAt: in.State.StartedAt, FinishedAt: in.State.FinishedAt, RestartCount: in.RestartCount,
		},
	}
	running := in.ImageManifestDescriptor
	out.ImageManifest, out.ImagePlatform = running.Digest, platform(running.Platform.OS, running.Platform.Architecture, running.Platform.Variant)
	if h := in.State.Health; h != nil && h.Status != "none" {
		out.Status.Health = h.Status
		if n := len(h.Log); n > 0 {
			out.Status.HealthLog = h.Log[n-1].Output
		}
	}
	var err error
	if out.Config, err = document(in.Config); err != nil {
		return out, err
	}
	if out.HostConfig, err = document(in.HostConfig); err != nil {
		return out, err
	}
	for name, endpoint := range in.NetworkSettings.Networks {
		if out.Networks[name], err = document(endpoint); err != nil {
			return out, err
		}
	}
	for _, m := range in.Mounts {
		out.Mounts = append(out.Mounts, lifecycle.Mount{
			Type: m.Type, Name: m.Name, Source: m.Source, Destination: m.Destination, Driver: m.Driver, ReadOnly: !m.RW,
		})
	}
	out.Image = out.Config.Text("Image")
	out.Labels = map[string]string{}
	for key := range out.Config.Object("Labels") {
		out.Labels[key] = out.Config.Object("Labels").Text(key)
	}
	return out, nil
}

// document decodes what may be missing: an engine leaves out whole objects of a
// container whose creation it did not finish.
func document(raw json.RawMessage) (lifecycle.Document, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	return lifecycle.ParseDocument(raw)
}

// InspectImage shows one image, with its defaults as the engine wrote them.
func (e *Engine) InspectImage(ctx context.Context, ref string) (lifecycle.Image, error) {
	return e.InspectImageFor(ctx, ref, "")
}

// InspectImageFor shows what an image has for a platform, from API 1.49 on.
// Before, the engine chooses.
func (e *Engine) InspectImageFor(ctx context.Context, ref, of string) (lifecycle.Image, error) {
	var out lifecycle.Image
	err := e.do(ctx, "inspect image", ref, func(s *session) error {
		query := url.Values{}
		if parts := strings.SplitN(of+"//", "/", 4); of != "" && s.atLeast("1.49") {
			text, err := json.Marshal(map[string]string{"os": parts[0], "architecture": parts[1], "variant": parts[2]})
			if err != nil {
				return err
			}
			query.Set("platform", string(text))
		}
		var in struct {
			ID                        string `json:"Id"`
			RepoTags, RepoDigests     []string
			Os, Architecture, Variant string
			Created                   string
			Config                    json.RawMessage
		}
		if err := e.get(ctx, s, s.version, "/images/"+ref+"/json", query, &in); err != nil {
			return err
		}
		var err error
		out = lifecycle.Image{ID: in.ID, Tags: known(in.RepoTags), Digests: known(in.RepoDigests)}
		out.Platform = platform(in.Os, in.Architecture, in.Variant)
		out.Config, err = document(in.Config)
		out.Created, _ = time.Parse(time.RFC3339, in.Created) // zero, if it does not say
		return err
	})
	return out, err
}

// platform is empty for an image that does not tell: "linux/" is no platform.
func platform(os, arch, variant string) string {
	if os == "" || arch == "" {
		return ""
	}
	if variant != "" {
		return os + "/" + arch + "/" + variant
	}
	return os + "/" + arch
}
