package cosign_test

import (
	"crypto"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/gate/cosign"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

const simpleType = "application/vnd.dev.cosign.simplesigning.v1+json"

// yard is a simulated registry with an index of one image, and what lies beside
// them.
type yard struct {
	*registrytest.Registry

	t            *testing.T
	index, image digest.Digest
}

func newYard(t *testing.T, p registrytest.Profile) *yard {
	t.Helper()
	r := registrytest.New(p)
	t.Cleanup(r.Close)
	y := &yard{Registry: r, t: t}
	content := registrytest.Index{Images: []registrytest.Image{{Env: []string{"VERSION=1"}}}}
	y.index, y.image = r.Push("app", "1", content), content.Images[0].Digest()
	return y
}

// judge judges what the tag points at.
func (y *yard) judge(pub []byte) (gate.Decision, error) {
	y.t.Helper()
	client, err := registry.New(registry.WithTransport(registrytest.Transport(y.Registry)))
	require.NoError(y.t, err)
	g, err := cosign.SignedBy(client, [][]byte{pub})
	require.NoError(y.t, err)
	return g.Judge(y.t.Context(), gate.Candidate{Reference: y.Reference("app", "1"), Digest: y.index.String(), Manifest: y.image.String()})
}

// simple is the layer that cosign makes of a simple signing document.
func (y *yard) simple(signer crypto.Signer, about digest.Digest) string {
	payload := fmt.Appendf(nil, `{"critical":{"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"}}`, about)
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"annotations":{"dev.cosignproject.cosign/signature":%q}}`,
		simpleType, y.PushBlob("app", payload), encode(sign(y.t, signer, payload)))
}

// manifest is that of an artifact with these layers; a referrer if it has a subject.
func manifest(artifactType string, subject digest.Digest, layers ...string) registrytest.Manifest {
	about := ""
	if subject != "" {
		about = fmt.Sprintf(`"subject":{"digest":%q},`, subject)
	}
	return registrytest.Manifest{MediaType: registrytest.TypeManifest, Body: fmt.Appendf(nil,
		`{"schemaVersion":2,"artifactType":%q,%s"annotations":{%q:%q},"config":{"mediaType":"application/vnd.oci.empty.v1+json"},"layers":[%s]}`,
		artifactType, about, predicateType, signPredicate, strings.Join(layers, ","))}
}

func tagOf(d digest.Digest) string { return strings.Replace(d.String(), ":", "-", 1) }

// tag puts signatures under the tag that cosign makes of the digest.
func (y *yard) tag(about digest.Digest, layers ...string) {
	y.Push("app", tagOf(about)+".sig", manifest("", "", layers...))
}

// bundle attaches a bundle as a referrer.
func (y *yard) bundle(signer crypto.Signer, subject, about digest.Digest) digest.Digest {
	text := signedBundle(y.t, signer, about)
	layer := fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, bundleType, y.PushBlob("app", text), len(text))
	m := manifest(bundleType, subject, layer)
	y.Push("app", "bundle-"+digest.FromBytes(text).Encoded(), m)
	return m.Digest()
}

// lists is a list of referrers that are said to be bundles.
func lists(digests ...digest.Digest) string {
	var entries []string
	for _, d := range digests {
		entries = append(entries, fmt.Sprintf(`{"artifactType":%q,"digest":%q}`, bundleType, d))
	}
	return `{"manifests":[` + strings.Join(entries, ",") + `]}`
}

const notTrusted = "signed, but not by a key that is trusted, or for another image"

func TestBundlesInARegistry(t *testing.T) {
	t.Parallel()
	key, pub := newKey(t)
	stranger, _ := newKey(t)
	tests := []struct {
		name    string
		build   func(y *yard)
		verdict gate.Verdict
		reason  string
	}{
		{"the index", func(y *yard) { y.bundle(key, y.index, y.index) }, gate.Accept, ""},
		{"the image", func(y *yard) { y.bundle(key, y.image, y.image) }, gate.Accept, ""},
		{"by a stranger", func(y *yard) { y.bundle(stranger, y.index, y.index) }, gate.Reject, notTrusted},
		{"another image's", func(y *yard) { y.bundle(key, y.index, digest.FromString("other")) }, gate.Reject, notTrusted},
		{"the tag has moved on to what is not signed", func(y *yard) {
			y.bundle(key, y.index, y.index)
			y.index = y.Push("app", "1", registrytest.Image{Env: []string{"VERSION=evil"}})
			y.image = y.index
		}, gate.Hold, "not signed"},
		{"the tag has moved back to what was signed", func(y *yard) {
			old := y.index
			y.bundle(key, old, old)
			y.Push("app", "1", registrytest.Image{Env: []string{"VERSION=2"}})
			y.Tag("app", "1", old)
		}, gate.Accept, ""},
	}
	for _, p := range []registrytest.Profile{{Name: "lists"}, {Name: "no lists", NoReferrers: true}} {
		for _, tt := range tests {
			t.Run(p.Name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				y := newYard(t, p)
				tt.build(y)
				if p.NoReferrers { // then cosign keeps a list under a tag, with a type that is none
					y.keepLists()
				}
				d, err := y.judge(pub)
				require.NoError(t, err)
				assert.Equal(t, gate.Decision{Verdict: tt.verdict, Reason: tt.reason}, d)
			})
		}
	}
}

// keepLists puts all bundles into a list under the tags of both digests.
func (y *yard) keepLists() {
	y.t.Helper()
	client, err := registry.New(registry.WithTransport(registrytest.Transport(y.Registry)))
	require.NoError(y.t, err)
	tags, err := client.Tags(y.t.Context(), y.Reference("app", "1"))
	require.NoError(y.t, err)
	byTag := map[digest.Digest][]digest.Digest{}
	for _, tag := range tags {
		if strings.HasPrefix(tag, "bundle-") {
			m, err := client.Manifest(y.t.Context(), y.Reference("app", tag))
			require.NoError(y.t, err)
			byTag[m.Subject.Digest] = append(byTag[m.Subject.Digest], m.Digest)
		}
	}
	for subject, digests := range byTag {
		y.Push("app", tagOf(subject), registrytest.Manifest{
			MediaType: registrytest.TypeIndex, Body: []byte(strings.ReplaceAll(lists(digests...), bundleType, emptyType)),
		})
	}
}

// What a registry cannot say of referrers is no reason to leave signatures unread
// that are there all the same.
func TestRegistriesThatCannotListReferrers(t *testing.T) {
	t.Parallel()
	key, pub := newKey(t)
	reply := func(text string) registrytest.Fault { return registrytest.Reply(http.StatusOK, text) }
	garbage := `{"manifests":[{"artifactType":"` + bundleType + `","digest":%q}]}`
	tests := []struct {
		name  string
		fault registrytest.Fault
		err   string // of an image that is not signed; empty: it is known not to be
	}{
		{"401", registrytest.Status(http.StatusUnauthorized), "401"},
		{"403", registrytest.Status(http.StatusForbidden), "403"},
		{"404", registrytest.Status(http.StatusNotFound), ""},
		{"405", registrytest.Status(http.StatusMethodNotAllowed), ""},
		{"406", registrytest.Status(http.StatusNotAcceptable), "406"},
		{"410", registrytest.Status(http.StatusGone), ""},
		{"500", registrytest.Status(http.StatusInternalServerError), "500"},
		{"501", registrytest.Status(http.StatusNotImplemented), ""},
		{"a page of a proxy's", reply("<html>hello"), "its list of referrers is not JSON"},
		{"a list of nothing", reply("null"), ""},
		{"a digest that is none", reply(fmt.Sprintf(garbage, "garbage")), ""},
		{"no digest", reply(fmt.Sprintf(garbage, "")), ""},
		{"a path for a digest", reply(fmt.Sprintf(garbage, "../../other/manifests/x")), ""},
		{"what is not there", reply(lists(digest.FromString("gone"))), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, signed := range []string{"", "index", "image"} {
				y := newYard(t, registrytest.Profile{})
				y.SetFault(tt.fault, registrytest.KindOther)
				switch signed {
				case "index":
					y.tag(y.index, y.simple(key, y.index))
				case "image":
					y.tag(y.image, y.simple(key, y.image))
				}
				d, err := y.judge(pub)
				switch {
				case signed != "":
					require.NoError(t, err, signed)
					assert.Equal(t, gate.Accept, d.Verdict, signed)
				case tt.err != "":
					require.ErrorContains(t, err, tt.err)
					require.ErrorContains(t, err, "cosign: "+y.Host+"/app@"+y.index.String())
				default:
					require.NoError(t, err)
					assert.Equal(t, gate.Decision{Verdict: gate.Hold, Reason: "not signed"}, d)
				}
			}
		})
	}
}

// Whatever else lies there, a good signature is found.
func TestASignatureAmongOthers(t *testing.T) {
	t.Parallel()
	key, pub := newKey(t)
	stranger, _ := newKey(t)
	const more = "more than 32 signatures, and none of the first by a key that is trusted"
	foreign := func(y *yard, n int) (layers []string) {
		for range n {
			layers = append(layers, y.simple(stranger, y.index))
		}
		return layers
	}
	tests := []struct {
		name  string
		build func(y *yard)
		want  gate.Decision
	}{
		{"after one that is not there", func(y *yard) {
			y.SetFault(registrytest.Reply(http.StatusOK, lists(digest.FromString("gone"), y.bundle(key, "", y.index))), registrytest.KindOther)
		}, gate.Decision{Verdict: gate.Accept}},
		{"after one that is no digest", func(y *yard) {
			y.SetFault(registrytest.Reply(http.StatusOK, lists("garbage", y.bundle(key, "", y.index))), registrytest.KindOther)
		}, gate.Decision{Verdict: gate.Accept}},
		{"after one that is something else", func(y *yard) {
			other := registrytest.Manifest{MediaType: registrytest.TypeManifest, Body: []byte("<html>")}
			y.Push("app", "other", other)
			y.SetFault(registrytest.Reply(http.StatusOK, lists(other.Digest(), y.bundle(key, "", y.index))), registrytest.KindOther)
		}, gate.Decision{Verdict: gate.Accept}},
		{"beside a tag that is something else", func(y *yard) {
			y.Push("app", tagOf(y.index)+".sig", registrytest.Manifest{MediaType: registrytest.TypeManifest, Body: []byte("<html>")})
			y.bundle(key, y.index, y.index)
		}, gate.Decision{Verdict: gate.Accept}},
		{"after one whose document is none", func(y *yard) {
			layer := fmt.Sprintf(`{"mediaType":%q,"digest":"md5:aa","annotations":{"dev.cosignproject.cosign/signature":"AAAA"}}`, simpleType)
			y.tag(y.index, layer, y.simple(key, y.index))
		}, gate.Decision{Verdict: gate.Accept}},
		{"one whose document is none, alone", func(y *yard) {
			y.tag(y.index, fmt.Sprintf(`{"mediaType":%q,"digest":"md5:aa","annotations":{"dev.cosignproject.cosign/signature":"AAAA"}}`, simpleType))
		}, gate.Decision{Verdict: gate.Reject, Reason: notTrusted}},
		{"the last of 32", func(y *yard) { y.tag(y.index, append(foreign(y, 31), y.simple(key, y.index))...) }, gate.Decision{Verdict: gate.Accept}},
		{"after 32 of others", func(y *yard) { y.tag(y.index, append(foreign(y, 32), y.simple(key, y.index))...) }, gate.Decision{Verdict: gate.Hold, Reason: more}},
		{"32 of others, and no more", func(y *yard) { y.tag(y.index, foreign(y, 32)...) }, gate.Decision{Verdict: gate.Reject, Reason: notTrusted}},
		{"after 40 under the tag, among the referrers", func(y *yard) {
			y.tag(y.index, foreign(y, 40)...)
			y.bundle(key, y.index, y.index)
		}, gate.Decision{Verdict: gate.Accept}},
		{"after 32 referrers", func(y *yard) {
			var all []digest.Digest
			for range 32 {
				all = append(all, y.bundle(stranger, "", y.index))
			}
			y.SetFault(registrytest.Reply(http.StatusOK, lists(append(all, y.bundle(key, "", y.index))...)), registrytest.KindOther)
		}, gate.Decision{Verdict: gate.Hold, Reason: more}},
		{"on the second page", func(y *yard) {
			first, second := lists(y.bundle(stranger, "", y.index)), lists(y.bundle(key, "", y.index))
			y.SetFault(func(w http.ResponseWriter, req *http.Request, _ http.HandlerFunc) {
				if req.URL.Query().Get("page") == "2" {
					_, _ = fmt.Fprint(w, second)
					return
				}
				w.Header().Set("Link", fmt.Sprintf(`<%s?page=2>; rel="next"`, req.URL.Path))
				_, _ = fmt.Fprint(w, first)
			}, registrytest.KindOther)
		}, gate.Decision{Verdict: gate.Accept}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			y := newYard(t, registrytest.Profile{})
			tt.build(y)
			d, err := y.judge(pub)
			require.NoError(t, err)
			assert.Equal(t, tt.want, d)
		})
	}
}

// A registry can name a digest and serve something else: that is no signature, and
// no answer either.
func TestARegistryThatServesSomethingElse(t *testing.T) {
	t.Parallel()
	_, pub := newKey(t)
	key, _ := newKey(t)
	y := newYard(t, registrytest.Profile{})
	y.tag(y.index, y.simple(key, y.index))
	y.SetFault(registrytest.Reply(http.StatusOK, "something else"), registrytest.KindBlob)
	_, err := y.judge(pub)
	require.ErrorContains(t, err, "is something else")
	assert.NotContains(t, err.Error(), "latest")
}
