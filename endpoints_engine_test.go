package watchtower_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/registry"
)

// Docker Hub is not to be had from here: the mirror is all there is, for the engine
// and for us.
func TestAnEngineThatHasOnlyItsMirror(t *testing.T) {
	host := enginehost.Killable(t) // it is to be configured
	reg := enginehost.StartRegistry(t)
	host.Configure(t, object{"registry-mirrors": []string{"http://" + reg.Addr}})
	reg.Push(t, "library/mirrored:1", enginehost.Image{})
	host.Pull(t, "mirrored:1", "")
	host.Run(t, "mirrored", object{"Image": "mirrored:1"})
	tw := tower(t, host, []string{"mirrored"}, quick())
	r, err := tw.Check(t.Context())
	require.NoError(t, err)
	e := entry(t, r, "mirrored")
	require.Equal(t, watchtower.StatusFresh, e.Status, "%v", e.Err)
	assert.Equal(t, reg.Addr, e.Endpoint)
	reg.Push(t, "library/mirrored:1", enginehost.Image{Env: []string{"VERSION=2"}})
	e = entry(t, update(t, tw), "mirrored")
	require.Equal(t, watchtower.StatusUpdated, e.Status, "%v", e.Err)
	assert.Equal(t, "2", host.Exec(t, "mirrored", "sh", "-c", "echo $VERSION"))
}

// behindTLS is the registry at an address that is not this machine's own, as far as
// engines know, with a certificate that no system knows. It returns the address and
// the certificate.
func behindTLS(t *testing.T, reg *enginehost.Registry) (address string, certificate []byte) {
	t.Helper()
	bridge, err := net.InterfaceByName("docker0")
	require.NoError(t, err)
	addresses, err := bridge.Addrs()
	require.NoError(t, err)
	require.NotEmpty(t, addresses)
	ip := addresses[0].(*net.IPNet).IP
	listener, err := net.Listen("tcp", net.JoinHostPort(ip.String(), "0"))
	require.NoError(t, err)
	key, leaf := selfSigned(t, ip)
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: reg.Addr})
		r.SetXForwarded()
	}}
	server := &httptest.Server{
		Listener: listener, Config: &http.Server{Handler: forward, ErrorLog: log.New(io.Discard, "", 0)}, //nolint:gosec // a test's
		TLS: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}},
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return listener.Addr().String(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})
}

// What the engine pulls the check can see, and by the same means.
func TestARegistryIsTrustedAsTheEngineTrustsIt(t *testing.T) {
	host := enginehost.Killable(t) // it is to be configured
	for name, trust := range map[string]func(t *testing.T, address string, certificate []byte) []watchtower.Option{
		"by its authority": func(t *testing.T, address string, certificate []byte) []watchtower.Option {
			t.Helper()
			return []watchtower.Option{watchtower.WithRegistryOptions(
				registry.WithCertificates(host.Certificate(t, address, "ca.crt", certificate)))}
		},
		"as insecure": func(t *testing.T, address string, _ []byte) []watchtower.Option {
			t.Helper()
			host.Configure(t, object{"insecure-registries": []string{address}})
			return nil
		},
		"as insecure, by its network": func(t *testing.T, address string, _ []byte) []watchtower.Option {
			t.Helper()
			ip, _, _ := strings.Cut(address, ":")
			host.Configure(t, object{"insecure-registries": []string{ip + "/16"}})
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			reg := enginehost.StartRegistry(t)
			address, certificate := behindTLS(t, reg)
			reg.Push(t, "trusted:1", enginehost.Image{})
			ref := address + "/trusted:1"
			opts := append(trust(t, address, certificate), quick())
			host.Pull(t, ref, "")
			host.Run(t, "trusted", object{"Image": ref})
			r, err := tower(t, host, []string{"trusted"}, watchtower.WithChecker(strict(t))).Check(t.Context())
			require.NoError(t, err)
			require.ErrorContains(t, entry(t, r, "trusted").Err, "unknown authority", "without that it is not")
			reg.Push(t, "trusted:1", enginehost.Image{Env: []string{"VERSION=2"}})
			e := entry(t, update(t, tower(t, host, []string{"trusted"}, opts...)), "trusted")
			require.Equal(t, watchtower.StatusUpdated, e.Status, "%v", e.Err)
			assert.Equal(t, address, e.Endpoint)
		})
	}
}

// strict is a checker that nobody has told anything.
func strict(t *testing.T) *registry.Client {
	t.Helper()
	c, err := registry.New()
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// selfSigned is a certificate for the address, and its key.
func selfSigned(t *testing.T, ip net.IP) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{ip}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return key, certificate
}
