package lifecycle_test

import (
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
)

func TestParseProbe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                           "",
		"  ":                         "",
		"exec:pg_isready -q":         "exec:pg_isready -q",
		" exec: [ -f /ready ] ":      "exec: [ -f /ready ]",
		`exec:["/app","check"]`:      `exec:["/app","check"]`,
		"http://:8080":               "http://:8080",
		"http://:8080/health?deep=1": "http://:8080/health?deep=1",
		"HTTPS://:8443/":             "HTTPS://:8443/",
		"tcp://:5432":                "tcp://:5432",
	} {
		p, err := lifecycle.ParseProbe(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, p.String())
	}
	for _, text := range []string{
		"exec:", "exec:  ", `exec:["`, `exec:["a",1]`, `exec:[""]`, `exec:["a"] b`, "true", "8080", ":8080", "/health",
		"http://", "http:///health", "http://:0/", "http://:65536/", "http://:web/", "http:8080", "http://:80/#a", "http://:80/\x00",
		"http://localhost:8080/", "https://10.0.0.1:8443/", "http://[]:80/", "http://[::1]:80/", "tcp://db:5432",
		"tcp://:5432/", "tcp://:5432?a=b", "udp://:53", "ftp://:21/",
	} {
		_, err := lifecycle.ParseProbe(text)
		require.ErrorIs(t, err, errdefs.ErrInvalidArgument, text)
		require.ErrorContains(t, err, "want exec:COMMAND, http://:PORT/PATH, https://:PORT/PATH or tcp://:PORT, without a host")
	}
	_, err := lifecycle.ParseProbe("http://user:canary@:80/")
	require.ErrorContains(t, err, `lifecycle: probe "http://***@:80/": want`)
}

func FuzzParseProbe(f *testing.F) {
	for _, text := range []string{"exec:true", `exec:["a","b"]`, "http://:80/a?b", "https://u:p@:1", "tcp://:65535", "tcp://[]:1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := lifecycle.ParseProbe(text)
		if err != nil {
			require.ErrorIs(t, err, errdefs.ErrInvalidArgument)
			return
		}
		again, err := lifecycle.ParseProbe(p.String())
		require.NoError(t, err)
		assert.Equal(t, p, again)
	})
}
