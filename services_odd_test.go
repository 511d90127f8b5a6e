package watchtower_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// The API takes images as they are written, which clients would complete.
func TestAServiceOfANameAloneFollowsItsTagForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := enginetest.NewSwarm()
		s.Publish("team/app", enginetest.Image{})
		s.CreateService(serviceSpec("web", "team/app"))
		tw := ofSwarm(t, s, s)
		for i, next := range []enginetest.Image{{}, {Env: []string{"VERSION=2"}}, {Env: []string{"VERSION=3"}}} {
			published := s.Publish("team/app:latest", next)
			e := entry(t, update(t, tw), "web")
			require.Equal(t, watchtower.StatusUpdated, e.Status, "%s %v", e.Reason, e.Err)
			assert.Equal(t, "team/app:latest@"+published.String(), image(t, s))
			require.Len(t, s.Posted(), i+1)
		}
		assert.Equal(t, watchtower.StatusFresh, entry(t, update(t, tw), "web").Status)
	})
}

func TestServicesWithoutATagToFollow(t *testing.T) {
	t.Parallel()
	const pin = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	hex := strings.TrimPrefix(pin, "sha256:")
	for name, tt := range map[string]struct {
		task   map[string]any
		reason string
	}{
		"a plugin":            {map[string]any{"Runtime": "plugin", "PluginSpec": map[string]any{"Remote": "plug:1"}}, "it runs no containers"},
		"a network's task":    {map[string]any{"NetworkAttachmentSpec": map[string]any{}}, "it runs no containers"},
		"null":                {map[string]any{"ContainerSpec": nil}, "it runs no containers"},
		"a digest alone":      {tasksOf("app@" + pin), "pinned to a digest"},
		"a digest and a port": {tasksOf("host.example:5000/app@" + pin), "pinned to a digest"},
		"half a digest":       {tasksOf("app@sha256"), `"app@sha256" is no image reference`},
		"capital letters":     {tasksOf("App"), `"App" is no image reference`},
		"an image's ID":       {tasksOf(pin), `"` + pin + `" is no image reference`},
		"an ID without sha":   {tasksOf(hex), `"` + hex + `" is no image reference`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := enginetest.NewSwarm()
			s.CreateService(lifecycle.Document{"Name": "web", "TaskTemplate": tt.task})
			e := entry(t, update(t, ofSwarm(t, s, s)), "web")
			assert.Equal(t, watchtower.StatusSkipped, e.Status, "%v", e.Err)
			assert.Equal(t, tt.reason, e.Reason)
			assert.Empty(t, s.Posted())
		})
	}
}

func tasksOf(image string) map[string]any {
	return map[string]any{"ContainerSpec": map[string]any{"Image": image}}
}
