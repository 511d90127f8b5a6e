package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// As the engine has it: a name is insecure if one of its addresses is.
func TestWhoIsInAnInsecureNetwork(t *testing.T) {
	t.Parallel()
	tests := []struct {
		host     string
		insecure bool
		doubtful bool
		lookups  int
	}{
		{"10.1.2.3:5000", true, false, 0},
		{"11.1.2.3", false, false, 0},
		{"[fd00::1]:5000", true, false, 0},
		{"[fd01::1]:5000", false, false, 0},
		{"listed.example:5000", true, false, 0},
		{"listed.example", false, false, 1},
		{"inside.example:5000", true, false, 1},
		{"outside.example", false, false, 1},
		{"nobody-knows.example", false, true, 1},
	}
	addresses := map[string][]netip.Addr{
		"inside.example":  {netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::ffff:10.0.0.1")},
		"outside.example": {netip.MustParseAddr("192.0.2.1")},
		"listed.example":  {netip.MustParseAddr("192.0.2.1")},
	}
	lookups := 0
	lookup := func(_ context.Context, _, host string) ([]netip.Addr, error) {
		lookups++
		if found, ok := addresses[host]; ok {
			return found, nil
		}
		return nil, errors.New("no such host")
	}
	r, err := parseEndpoints("", Endpoints{Insecure: []string{"127.0.0.0/8", "::1/128", "10.1.2.3/8", "fd00::/16", "listed.example:5000"}})
	require.NoError(t, err)
	for _, tt := range tests {
		lookups = 0
		insecure, doubtful := r.insecure(t.Context(), lookup, tt.host)
		assert.Equal(t, tt.insecure, insecure, tt.host)
		assert.Equal(t, tt.doubtful, doubtful, tt.host)
		assert.Equal(t, tt.lookups, lookups, tt.host)
	}
	alone, err := parseEndpoints("", Endpoints{Insecure: []string{"127.0.0.0/8", "::1/128"}})
	require.NoError(t, err)
	lookups = 0
	alone.insecure(t.Context(), lookup, "inside.example")
	assert.Zero(t, lookups, "for what every engine lists no name is looked up")
}

// Nothing that an engine calls insecure, not even everything, is Docker Hub.
func TestDockerHubIsNeverInsecure(t *testing.T) {
	t.Parallel()
	c, err := New(WithInsecure("0.0.0.0/0", "::/0"))
	require.NoError(t, err)
	c.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
	}
	hub, other := c.host(Reference{Host: Hub}), c.host(Reference{Host: "other.example"})
	hub.locate(t.Context())
	other.locate(t.Context())
	assert.Equal(t, []string{"https://registry-1.docker.io"}, hub.bases)
	assert.False(t, hub.insecure)
	assert.Equal(t, []string{"https://other.example", "http://other.example"}, other.bases)
}

// Where TLS is asked for, the loopback is asked over nothing else.
func TestTheLoopbackIsAskedAsItIsToldTo(t *testing.T) {
	t.Parallel()
	const host = "127.0.0.1:5000"
	for want, opt := range map[string]Option{
		"[http://127.0.0.1:5000 https://127.0.0.1:5000]": nil,
		"[http://127.0.0.1:5000]":                        WithPlainHTTP(host),
		"[https://127.0.0.1:5000]":                       WithTLS(host, &tls.Config{MinVersion: tls.VersionTLS12}),
	} {
		c, err := New(opt)
		require.NoError(t, err)
		h := c.host(Reference{Host: host})
		h.locate(t.Context())
		assert.Equal(t, want, fmt.Sprint(h.bases))
	}
}

func TestCertificatesAreReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newCarrier(1, dir, nil)
		none, err := c.of("host:5000")
		require.NoError(t, err)
		assert.True(t, none.empty)

		write := func(text string) {
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "host:5000"), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "host:5000", "ca.crt"), []byte(text), 0o600))
		}
		write("not a certificate")
		_, err = c.of("host:5000")
		require.NoError(t, err, "not before a minute has passed")
		time.Sleep(certificatesFor) //nolint:forbidigo // the bubble's time
		_, err = c.of("host:5000")
		require.Error(t, err)

		write(testAuthority)
		first, err := c.of("host:5000")
		require.NoError(t, err, "what was bad is looked at again at once")
		assert.False(t, first.empty)
		time.Sleep(certificatesFor) //nolint:forbidigo // the bubble's time
		same, err := c.of("host:5000")
		require.NoError(t, err)
		assert.Same(t, first.own, same.own, "nothing changed, so its connections stay")
		write(testAuthority + testAuthority)
		time.Sleep(certificatesFor) //nolint:forbidigo // the bubble's time
		next, err := c.of("host:5000")
		require.NoError(t, err)
		assert.NotSame(t, first.own, next.own)
	})
}

func TestADirectoryOfCertificatesIsNotLeft(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"registry.example:5000": true, "[::1]:5000": true, "..": false, ".": false, "": false, "a/b": false, "/etc": false,
	} {
		_, ok := directoryOf("/certs", host)
		assert.Equal(t, want, ok, host)
	}
	_, ok := directoryOf("", "registry.example")
	assert.False(t, ok)
}

// testAuthority is of no further use.
const testAuthority = `-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUKyAs5joXVW76K/TjkBscP8+K5MswCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjUwMDA4MzVaGA8yMTI2MTEwMTAwMDgz
NVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKft
hNbTSCcYr/1mHNl68/vp/tGwIwVWGRTuTZLXMDFNcZGSYPRlnZyB+axUuceDz5rs
EYffGiIi1gEX0XKoYf2jUzBRMB0GA1UdDgQWBBS1R4WxZiBSdd/JsE83B4ZkS4Sd
dzAfBgNVHSMEGDAWgBS1R4WxZiBSdd/JsE83B4ZkS4SddzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIQDNKvQeUEjAU/Xcn0kkJ5FFn8E9T/c2zTqb
VeBbiooB4AIgHmlQNtjdaQ2AJuFOMPypXgZgrwH3oGwy995TA5Rp3xU=
-----END CERTIFICATE-----
`
