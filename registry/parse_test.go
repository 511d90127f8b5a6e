package registry

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const d = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	tests := []struct {
		text, want string
		endpoint   string
		pinned     bool
	}{
		{"nginx", "docker.io/library/nginx:latest", "registry-1.docker.io", false},
		{"nginx:1.27", "docker.io/library/nginx:1.27", "registry-1.docker.io", false},
		{"index.docker.io/org/app", "docker.io/org/app:latest", "registry-1.docker.io", false},
		{"ghcr.io/org/sub/app:1", "ghcr.io/org/sub/app:1", "ghcr.io", false},
		{"host:5000/app", "host:5000/app:latest", "host:5000", false},
		{"127.0.0.1:5000/app:1", "127.0.0.1:5000/app:1", "127.0.0.1:5000", false},
		{"app@" + d, "docker.io/library/app@" + d, "registry-1.docker.io", true},
		{"app:1@" + d, "docker.io/library/app:1@" + d, "registry-1.docker.io", true},
	}
	for _, tt := range tests {
		r, err := Parse(tt.text)
		require.NoError(t, err, tt.text)
		assert.Equal(t, tt.want, r.String())
		assert.Equal(t, tt.endpoint, r.endpoint())
		assert.Equal(t, tt.pinned, r.Pinned())
	}
	for _, text := range []string{"", d, d[7:], "lower/CASE", "a b", "app:", "http://host/app"} {
		_, err := Parse(text)
		assert.True(t, errdefs.IsInvalidArgument(err), "%q: %v", text, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("ghcr.io/org/app:1.2")
	f.Add("app@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(r.String())
		if err != nil || again != r {
			t.Errorf("%q reads as %+v, again as %+v (%v)", text, r, again, err)
		}
	})
}

func TestParseChallenges(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		headers []string
		want    []challenge
	}{
		{"bearer", []string{`Bearer realm="https://a/T?x=1,2",service="S, x",scope="repository:a:pull,push"`}, []challenge{
			{"bearer", map[string]string{"realm": "https://a/T?x=1,2", "service": "S, x", "scope": "repository:a:pull,push"}},
		}},
		{"two in one header", []string{`Basic realm="a\"b", Bearer realm=x , service = y`}, []challenge{
			{"basic", map[string]string{"realm": `a"b`}}, {"bearer", map[string]string{"realm": "x", "service": "y"}},
		}},
		{"two headers", []string{`Negotiate`, `BASIC Realm="x"`}, []challenge{
			{"negotiate", map[string]string{}}, {"basic", map[string]string{"realm": "x"}},
		}},
		{"an unfinished quote ends it", []string{`Basic realm="x", Bearer realm="y`}, []challenge{
			{"basic", map[string]string{"realm": "x"}}, {"bearer", map[string]string{}},
		}},
		{"nothing", []string{"", ",,", "\"", "="}, nil},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, parseChallenges(http.Header{"Www-Authenticate": tt.headers}), tt.name)
	}
}

func FuzzParseChallenges(f *testing.F) {
	f.Add(`Bearer realm="https://a/t",service="s"`)
	f.Add(`Basic realm="a", Negotiate abc==`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range parseChallenges(http.Header{"Www-Authenticate": {text}}) {
			if c.scheme == "" || c.scheme != strings.ToLower(c.scheme) {
				t.Errorf("%q gives the scheme %q", text, c.scheme)
			}
		}
	})
}

func TestRetryAfterReadsBothForms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"30": now.Add(30 * time.Second), " 5 ": now.Add(5 * time.Second), "0": {}, "-3": {}, "soon": {}, "": {},
		"Fri, 02 Jan 2026 03:05:05 GMT": now.Add(time.Minute), "Fri, 02 Jan 2026 03:00:00 GMT": {},
		"999999999": now.Add(maxRetryAfter), "99999999999999999999": {},
	} {
		assert.Equal(t, want, retryAfter(text, now), "%q", text)
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("30")
	f.Fuzz(func(t *testing.T, text string) {
		now := time.Now()
		if at := retryAfter(text, now); !at.IsZero() && (at.Before(now) || at.After(now.Add(maxRetryAfter))) {
			t.Errorf("%q gives %v", text, at.Sub(now))
		}
	})
}

func FuzzParseToken(f *testing.F) {
	f.Add([]byte(`{"token":"a","expires_in":60}`))
	f.Add([]byte(`{"access_token":"a","expires_in":1e300}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		value, lives, err := parseToken(body)
		if err == nil && (value.IsZero() || lives <= 0 || lives > 25*time.Hour) {
			t.Errorf("%q lives %v", body, lives)
		}
		if err != nil && !json.Valid(body) && strings.Contains(err.Error(), string(body)) && len(body) > 3 {
			t.Errorf("the error repeats the body: %v", err)
		}
	})
}

func FuzzParseManifest(f *testing.F) {
	const d = `"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`
	f.Add([]byte(`{"config":{`+d+`}}`), "linux/amd64")
	f.Add([]byte(`{"manifests":[{"digest":"sha256:x","platform":null}]}`), "linux/amd64")
	f.Add([]byte(`{"manifests":[{`+d+`}]}`), "")
	f.Add([]byte(`{"manifests":[{`+d+`,"platform":{"os":"linux","architecture":"arm","variant":"v6"}},
		{`+d+`,"platform":{"os":"unknown","architecture":"unknown"}}]}`), "linux/arm/v7")
	f.Fuzz(func(t *testing.T, body []byte, platform string) {
		m, err := parseManifest(body)
		if err != nil {
			return
		}
		chosen, ok := choose(m.Manifests, platform)
		served := slices.ContainsFunc(m.Manifests, func(e descriptor) bool { return e.Digest == chosen })
		if ok != served || ok && chosen.Validate() != nil {
			t.Errorf("%q chooses %q for %q", body, chosen, platform)
		}
		if c, err := find("", body, platform); err != nil || c.served && c.image.Manifest != chosen && m.Manifests != nil {
			t.Errorf("%q finds %v (%v) for %q", body, c, err, platform)
		}
	})
}

func TestAShortTokenKeepsMostOfItsLife(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]time.Duration{
		`{"token":"a","expires_in":300}`: 295 * time.Second,
		`{"token":"a","expires_in":2}`:   1800 * time.Millisecond,
		`{"token":"a"}`:                  55 * time.Second,
	} {
		_, lives, err := parseToken([]byte(body))
		require.NoError(t, err)
		assert.Equal(t, want, lives, body)
	}
}
