package dockerengine

import (
	"errors"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// ofPodman gives an error the class that its words have. Podman's service
// answers Docker's API with status 500 for refusals that Docker has a status for.
// The words are Podman's own: Docker says none of them, and what is not a status
// 500 keeps its class.
func ofPodman(err error) error {
	if !errdefs.IsInternal(err) {
		return err
	}
	for _, c := range []struct {
		class error
		words []string
	}{
		{errdefs.ErrConflict, []string{"container state improper", "that name is already in use", "please force removal"}},
		{errdefs.ErrInvalidArgument, []string{"names must match [a-zA-Z0-9]"}},
		{errdefs.ErrNotFound, []string{"layer not known"}},
	} {
		for _, word := range c.words {
			if strings.Contains(err.Error(), word) {
				return errclass.With(c.class, errors.New(err.Error()))
			}
		}
	}
	return err
}

// How often, and how far apart, Podman is asked again about a container that ended
// while it looked: it notices within milliseconds.
const (
	podmanTries = 10
	podmanPause = 50 * time.Millisecond
)

// endedMeanwhile knows Podman's answer for a container whose process was there when
// it began to look at it and had gone when it read its control group.
func endedMeanwhile(err error) bool {
	return err != nil && errdefs.IsInternal(err) && strings.Contains(err.Error(), "/cgroup: no such process")
}

// state is the engine's word for a container's state, but for those that only
// Podman has, which stand for one of Docker's.
func state(word string) lifecycle.State {
	switch word {
	case "configured", "initialized":
		return lifecycle.StateCreated
	case "stopping":
		return lifecycle.StateRunning
	case "stopped": // it has ended, and has not been cleaned up yet
		return lifecycle.StateExited
	default:
		return lifecycle.State(word)
	}
}

// product is the engine's name. Podman tells a platform in its place.
func product(v types.Version) string {
	for _, c := range v.Components {
		if c.Name == "Podman Engine" {
			return c.Name
		}
	}
	if v.Platform.Name == "" {
		return "Docker Engine"
	}
	return v.Platform.Name
}
