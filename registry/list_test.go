package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// inPages serves a list, an entry a page.
func inPages(entries ...string) registrytest.Fault {
	return func(w http.ResponseWriter, req *http.Request, _ http.HandlerFunc) {
		if _, ok := req.URL.Query()["artifactType"]; ok && req.URL.Query().Get("artifactType") == "" {
			w.WriteHeader(http.StatusInternalServerError) // no type is no empty type
			return
		}
		var at int
		_, _ = fmt.Sscan(req.URL.Query().Get("at"), &at)
		if at+1 < len(entries) {
			w.Header().Set("Link", fmt.Sprintf(`<%s?at=%d>; rel="next"`, req.URL.Path, at+1))
		}
		_, _ = fmt.Fprintf(w, `{"manifests":[%s]}`, entries[at])
	}
}

func TestReferrersAreReadToTheLastPage(t *testing.T) {
	t.Parallel()
	r := simulate(t, registrytest.Profile{})
	image := r.Push("app", "1", registrytest.Image{})
	c, reference := client(t, reach(r)), r.Host+"/app@"+image.String()
	entry := func(artifactType string) string {
		return fmt.Sprintf(`{"artifactType":%q,"digest":%q}`, artifactType, digest.FromString(artifactType))
	}
	r.SetFault(inPages(entry("x"), "", entry("y"), entry("")), registrytest.KindOther)

	list, err := c.Referrers(t.Context(), reference, "y")
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, digest.FromString("y"), list[0].Digest)

	list, err = c.Referrers(t.Context(), reference, "")
	require.NoError(t, err)
	assert.Len(t, list, 3, "of all types")
}

func TestReferrersThatDoNotEnd(t *testing.T) {
	t.Parallel()
	image := digest.FromString("image")
	next := fmt.Sprintf(`</v2/app/referrers/%s?last=x>; rel="next"`, image)
	tests := []struct{ name, body, want string }{
		{"page after page", `{"manifests":[{"artifactType":"x"}]}`, "a list of referrers that does not end: 100 so far"},
		{"of many", `{"manifests":[` + strings.TrimSuffix(strings.Repeat("{},", 60_000), ",") + `]}`, "a list of referrers that does not end: 120000 so far"},
		{"of much", `{"manifests":[{"artifactType":"` + strings.Repeat("x", 4<<20-100) + `"}]}`, "a list of referrers that does not end: 5 so far"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := simulate(t, registrytest.Profile{})
			r.Push("app", "1", registrytest.Image{})
			r.SetFault(registrytest.Reply(http.StatusOK, tt.body, "Link", next), registrytest.KindOther)
			list, err := client(t, reach(r)).Referrers(t.Context(), r.Host+"/app@"+image.String(), "x")
			require.ErrorContains(t, err, tt.want)
			assert.Empty(t, list)
		})
	}
}

func TestHowRegistriesSayThatTheyKeepNoReferrers(t *testing.T) {
	t.Parallel()
	for status, none := range map[int]bool{
		http.StatusNotFound: true, http.StatusBadRequest: true, http.StatusMethodNotAllowed: true, http.StatusGone: true,
		http.StatusNotImplemented: true,
		http.StatusForbidden:      false, http.StatusNotAcceptable: false, http.StatusInternalServerError: false,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			r := simulate(t, registrytest.Profile{})
			image := r.Push("app", "1", registrytest.Image{})
			r.Push("app", "sha256-"+image.Encoded(), registrytest.Manifest{
				MediaType: registrytest.TypeIndex, Body: fmt.Appendf(nil, `{"manifests":[{"artifactType":"x","digest":%q}]}`, image),
			})
			r.SetFault(registrytest.Status(status), registrytest.KindOther)
			list, err := client(t, reach(r)).Referrers(t.Context(), r.Host+"/app@"+image.String(), "x")
			if none {
				require.NoError(t, err)
				assert.Len(t, list, 1, "those that clients keep under a tag")
				return
			}
			require.ErrorContains(t, err, fmt.Sprint(status))
		})
	}
}

func TestABlobsErrorsNameTheBlob(t *testing.T) {
	t.Parallel()
	r := simulate(t, registrytest.Profile{})
	r.Push("app", "1", registrytest.Image{})
	gone := digest.FromString("gone")
	for _, reference := range []string{r.Host + "/app", r.Reference("app", "1")} {
		_, err := client(t, reach(r)).Blob(t.Context(), reference, gone)
		var e *registry.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, r.Host+"/app@"+gone.String(), e.Reference)
	}
}
