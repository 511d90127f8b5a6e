package registry_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// What lies beside an image is read at each vendor's, with the login there.
func TestReadingWhatLiesBesideAnImage(t *testing.T) {
	t.Parallel()
	const document = `{"signed":true}`
	for _, p := range registrytest.Vendors() {
		t.Run(p.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p.PageSize = 2
				r := simulate(t, p)
				user := "robot"
				if len(p.Usernames) > 0 {
					user = p.Usernames[0]
				}
				r.SetLogin(user, "right")
				r.SetAccess("team/app", registrytest.Private)
				image := r.Push("team/app", "1", registrytest.Image{Env: []string{"A=1"}, Labels: map[string]string{"v": "1"}})
				for i := 2; i <= 5; i++ {
					r.Tag("team/app", fmt.Sprint(i), image)
				}
				blob := r.PushBlob("team/app", []byte(document))
				signature := r.Push("team/app", "sig", registrytest.Manifest{MediaType: registrytest.TypeManifest, Body: fmt.Appendf(nil,
					`{"schemaVersion":2,"artifactType":"test/signature","config":{"digest":%q},"subject":{"digest":%q},`+
						`"layers":[{"mediaType":"test/document","digest":%q,"annotations":{"a":"b"}}]}`, blob, image, blob)})
				c := client(t, reach(r),
					storeOf(credentials.Credential{Username: user, Password: credentials.NewSecret("right"), Source: "test"}, nil))
				reference := r.Reference("team/app", "1")

				tags, err := c.Tags(t.Context(), reference)
				require.NoError(t, err)
				assert.Equal(t, []string{"1", "2", "3", "4", "5", "sig"}, tags)

				list, err := c.Referrers(t.Context(), r.Host+"/team/app@"+image.String(), "test/signature")
				require.NoError(t, err)
				require.Len(t, list, 1)
				assert.Equal(t, signature, list[0].Digest)

				m, err := c.Manifest(t.Context(), r.Host+"/team/app@"+signature.String())
				require.NoError(t, err)
				assert.Equal(t, signature, m.Digest)
				assert.Equal(t, image, m.Subject.Digest)
				require.Len(t, m.Layers, 1)
				assert.Equal(t, map[string]string{"a": "b"}, m.Layers[0].Annotations)

				body, err := c.Blob(t.Context(), reference, m.Layers[0].Digest)
				require.NoError(t, err)
				assert.Equal(t, document, string(body))

				said, err := c.Describe(t.Context(), reference, registry.Image{Config: registrytest.Image{
					Env: []string{"A=1"}, Labels: map[string]string{"v": "1"},
				}.ConfigDigest()})
				require.NoError(t, err)
				assert.Equal(t, map[string]string{"v": "1"}, said.Labels)

				_, err = c.Manifest(t.Context(), r.Reference("team/app", "gone"))
				assert.True(t, errdefs.IsNotFound(err), "%v", err)
				_, err = c.Blob(t.Context(), reference, digest.FromString("gone"))
				assert.True(t, errdefs.IsNotFound(err), "%v", err)
			})
		})
	}
}

func TestListsThatAreNone(t *testing.T) {
	t.Parallel()
	d := digest.FromString("image")
	tags := func(c *registry.Client, repository string) error {
		_, err := c.Tags(t.Context(), repository)
		return err
	}
	tests := []struct {
		name  string
		fault registrytest.Fault
		read  func(c *registry.Client, repository string) error
		want  string
	}{
		{
			"tags for ever", registrytest.Reply(http.StatusOK, `{"tags":["a"]}`, "Link", `</v2/app/tags/list?last=a>; rel="next"`), tags,
			"a list of tags that does not end: 100 so far",
		},
		{"no JSON", registrytest.Reply(http.StatusOK, `<html>`), tags, "its list of tags is not JSON"},
		{"too long", registrytest.Huge(5 << 20), tags, "a list of more than 4194304 bytes"},
		{"not there", registrytest.Status(http.StatusNotFound), tags, "404 Not Found"},
		{"referrers that are no JSON", registrytest.Reply(http.StatusOK, `[]`), func(c *registry.Client, repository string) error {
			_, err := c.Referrers(t.Context(), repository+"@"+d.String(), "x")
			return err
		}, "its list of referrers is not JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := simulate(t, registrytest.Profile{})
			r.Push("app", "1", registrytest.Image{})
			r.SetFault(tt.fault)
			err := tt.read(client(t, reach(r)), r.Host+"/app")
			require.ErrorContains(t, err, tt.want)
		})
	}
	_, err := client(t).Referrers(t.Context(), "app:1", "x")
	assert.True(t, errdefs.IsInvalidArgument(err))
	assert.EqualError(t, err, `registry: Referrers: "app:1": want a reference with a digest`)
	_, err = client(t).Blob(t.Context(), "app:1", "x")
	assert.EqualError(t, err, `registry: Blob: "x": want a digest`)
}

func TestReadingIsTriedAgainAfterARegistryWasDown(t *testing.T) {
	t.Parallel()
	r := simulate(t, registrytest.Profile{})
	r.Push("app", "1", registrytest.Image{})
	r.SetFault(registrytest.Reset())
	c := client(t, reach(r))
	for range 2 {
		_, err := c.Tags(t.Context(), r.Host+"/app")
		assert.True(t, errdefs.IsUnavailable(err), "%v", err)
	}
	r.SetFault(nil)
	tags, err := c.Tags(t.Context(), r.Host+"/app")
	require.NoError(t, err)
	assert.Equal(t, []string{"1"}, tags)
}

func TestARegistryThatKeepsNoListOfReferrers(t *testing.T) {
	t.Parallel()
	r := simulate(t, registrytest.Profile{})
	image := r.Push("app", "1", registrytest.Image{})
	r.SetFault(registrytest.Status(http.StatusNotFound), registrytest.KindOther)
	c := client(t, reach(r))
	of := func() []registry.Descriptor {
		list, err := c.Referrers(t.Context(), r.Host+"/app@"+image.String(), "x")
		require.NoError(t, err)
		return list
	}
	assert.Empty(t, of())
	r.Push("app", "sha256-"+image.Encoded(), registrytest.Manifest{
		MediaType: "application/vnd.oci.image.index.v1+json",
		Body:      fmt.Appendf(nil, `{"manifests":[{"artifactType":"x","digest":%q},{"artifactType":"y","digest":%q}]}`, image, image),
	})
	assert.Len(t, of(), 1, "the one that clients keep under a tag")
}
