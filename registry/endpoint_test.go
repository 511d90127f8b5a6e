package registry_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry"
)

// authority issues certificates that no system knows.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.certificate, a.key = a.sign(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) sign(t *testing.T, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: "test"}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return certificate, key
}

// issue makes a certificate for this machine, or one of its clients.
func (a *authority) issue(t *testing.T) (certificate, key []byte) {
	t.Helper()
	leaf, private := a.sign(t, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4zero, net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	der, err := x509.MarshalECPrivateKey(private)
	require.NoError(t, err)
	return encodePEM("CERTIFICATE", leaf.Raw), encodePEM("EC PRIVATE KEY", der)
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func (a *authority) pem() []byte { return encodePEM("CERTIFICATE", a.certificate.Raw) }

// serve lets the fake be reached over TLS, with a certificate of the authority, by
// an address that engines do not take for their own machine.
func (a *authority) serve(t *testing.T, handler http.Handler, clients tls.ClientAuthType) *httptest.Server {
	t.Helper()
	certificate, key := a.issue(t)
	pair, err := tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	s := httptest.NewUnstartedServer(handler)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: clients, ClientCAs: pool}
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	s.URL = elsewhere(s.URL)
	return s
}

// elsewhere is another address of this machine: what listens on the loopback is
// reached by it, too.
func elsewhere(url string) string { return strings.Replace(url, "127.0.0.1", "0.0.0.0", 1) }

// secure is a fake behind TLS.
func (a *authority) secure(t *testing.T, auth string, clients tls.ClientAuthType) *fake {
	t.Helper()
	f := &fake{manifests: map[string][]byte{}, auth: auth}
	f.Server = a.serve(t, f, clients)
	return f
}

func (f *fake) host() string { return f.URL[strings.Index(f.URL, "//")+2:] }

// one asks about the one reference the fake has.
func (f *fake) one(t *testing.T, c *registry.Client) registry.Verdict {
	t.Helper()
	f.put("app:1", image("1"))
	return c.Check(t.Context(), []registry.Query{{Reference: f.host() + "/app:1"}})[0]
}

// files writes a directory of certificates, by path.
func files(t *testing.T, content map[string][]byte) registry.Option {
	t.Helper()
	dir := t.TempDir()
	for name, data := range content {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, data, 0o600))
	}
	return registry.WithCertificates(dir)
}

func TestAnAuthorityIsTrustedForItsRegistryAlone(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	f, other := a.secure(t, "", tls.NoClientCert), a.secure(t, "", tls.NoClientCert)
	require.ErrorContains(t, f.one(t, client(t)).Err, "unknown authority")
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	for name, opt := range map[string]registry.Option{
		"directory": files(t, map[string][]byte{f.host() + "/ca.crt": a.pem(), "other.example/ca.crt": a.pem(), f.host() + "/note.txt": nil}),
		"option":    registry.WithTLS(f.host(), &tls.Config{RootCAs: pool}), //nolint:gosec // the default's least version will do
	} {
		c := client(t, opt)
		require.NoError(t, f.one(t, c).Err, name)
		err := other.one(t, c).Err
		require.ErrorContains(t, err, "unknown authority", name)
		assert.True(t, errdefs.IsUnavailable(err))
	}
}

func TestACertificateIsShownToItsRegistryAlone(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	own, key := a.issue(t)
	f := a.secure(t, "bearer", tls.RequireAndVerifyClientCert)
	var shown [][]*x509.Certificate
	realm := a.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = append(shown, r.TLS.PeerCertificates)
		f.ServeHTTP(w, r)
	}), tls.RequestClientCert)
	f.challenge = func(string) []string {
		return []string{`Bearer realm="` + realm.URL + `/token",service="Test, Registry"`}
	}
	require.Error(t, f.one(t, client(t, files(t, map[string][]byte{f.host() + "/ca.crt": a.pem()}))).Err, "one is required")

	c := client(t, files(t, map[string][]byte{
		f.host() + "/ca.crt": a.pem(), f.host() + "/me.cert": own, f.host() + "/me.key": key,
	}))
	require.NoError(t, f.one(t, c).Err)
	require.Len(t, shown, 1, "the token service is known by the authority its registry has")
	assert.Empty(t, shown[0], "but is not shown what is for that one")
}

func TestBadCertificatesAreNamed(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	own, key := a.issue(t)
	_, foreign := a.issue(t)
	f := a.secure(t, "", tls.NoClientCert)
	healthy := newFake(t, "")
	for name, tt := range map[string]struct {
		content map[string][]byte
		text    string
	}{
		"no key":          {map[string][]byte{"me.cert": own}, "/me.cert has no key: want me.key beside it"},
		"no certificate":  {map[string][]byte{"me.key": key}, "/me.key has no certificate: want me.cert beside it"},
		"not its key":     {map[string][]byte{"me.cert": own, "me.key": foreign}, "/me.cert with its key: "},
		"empty authority": {map[string][]byte{"ca.crt": []byte("DER")}, "/ca.crt holds no certificate in PEM form"},
	} {
		content := map[string][]byte{f.host() + "/good.crt": a.pem()}
		for file, data := range tt.content {
			content[f.host()+"/"+file] = data
		}
		c := client(t, files(t, content))
		f.put("app:1", image("1"))
		healthy.put("app:1", image("1"))
		v := c.Check(t.Context(), []registry.Query{
			{Reference: f.host() + "/app:1"}, {Reference: f.host() + "/app:1"}, {Reference: healthy.host() + "/app:1"},
		})
		for _, bad := range v[:2] {
			require.ErrorContains(t, bad.Err, tt.text, name)
			assert.True(t, errdefs.IsInvalidArgument(bad.Err), name)
			assert.NotContains(t, bad.Err.Error(), "PRIVATE")
		}
		require.NoError(t, v[2].Err, "others are asked all the same")
	}
	assert.Empty(t, f.requests())
}

func TestAnInsecureRegistry(t *testing.T) {
	t.Parallel()
	for name, insecure := range map[string]func(host string) string{
		"by name":    func(host string) string { return host },
		"by network": func(string) string { return "0.0.0.0/8" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("TLS with any certificate", func(t *testing.T) {
				t.Parallel()
				f := newAuthority(t).secure(t, "bearer", tls.NoClientCert)
				realm := newAuthority(t).serve(t, f, tls.NoClientCert)
				f.challenge = func(string) []string {
					return []string{`Bearer realm="` + realm.URL + `/token",service="Test, Registry"`}
				}
				c := client(t, registry.WithInsecure(insecure(f.host())))
				require.NoError(t, f.one(t, c).Err, "its token service's port is the same machine's")
			})
			t.Run("no TLS", func(t *testing.T) {
				t.Parallel()
				f := newFake(t, "basic")
				f.URL = elsewhere(f.URL)
				f.user, f.pass = "robot", "canary"
				require.Error(t, f.one(t, client(t)).Err)
				assert.Empty(t, f.requests(), "nobody said that it is insecure")
				c := client(t, registry.WithInsecure(insecure(f.host())), login("robot", "canary"))
				require.NoError(t, f.one(t, c).Err)
				assert.Equal(t, 2, f.requests()["all"])
				require.NoError(t, f.one(t, c).Err)
				assert.Equal(t, 1, f.requests()["all"])
			})
		})
	}
}

func TestAnInsecureTokenService(t *testing.T) {
	t.Parallel()
	f := newFake(t, "bearer")
	realm := newAuthority(t).serve(t, f, tls.NoClientCert)
	f.challenge = func(string) []string {
		return []string{`Bearer realm="` + realm.URL + `/token",service="Test, Registry"`}
	}
	require.ErrorContains(t, f.one(t, client(t)).Err, "unknown authority")
	require.NoError(t, f.one(t, client(t, registry.WithInsecure(strings.TrimPrefix(realm.URL, "https://")))).Err)
}

// A login that went over TLS goes nowhere else, whoever listens there now.
func TestAnInsecureRegistryThatSpokeTLSIsNotAskedInClear(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	f := a.secure(t, "basic", tls.NoClientCert)
	f.user, f.pass = "robot", "canary"
	c := client(t, registry.WithInsecure(f.host()), login("robot", "canary"))
	require.NoError(t, f.one(t, c).Err)
	address := f.Listener.Addr().String()
	f.Close()
	c.CloseIdleConnections()
	listener, err := net.Listen("tcp", address)
	require.NoError(t, err)
	asked := false
	plain := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc( //nolint:gosec // a test's
		func(http.ResponseWriter, *http.Request) { asked = true })}}
	plain.Start()
	t.Cleanup(plain.Close)
	require.ErrorContains(t, f.one(t, c).Err, "server gave HTTP response to HTTPS client")
	assert.False(t, asked)
}

func TestEndpointsHoldFromTheNextCheckOn(t *testing.T) {
	t.Parallel()
	f := newFake(t, "bearer")
	f.URL = elsewhere(f.URL)
	c := client(t)
	require.Error(t, f.one(t, c).Err)
	for _, requests := range []int{3, 1} { // with a token, and with the same one
		require.NoError(t, c.SetEndpoints(registry.Endpoints{Insecure: []string{f.host(), "::1/128", "127.0.0.0/8"}}))
		require.NoError(t, f.one(t, c).Err)
		assert.Equal(t, requests, f.requests()["all"])
	}
	require.NoError(t, c.SetEndpoints(registry.Endpoints{}))
	require.Error(t, f.one(t, c).Err)

	err := c.SetEndpoints(registry.Endpoints{Insecure: []string{"no host", f.host()}})
	assert.True(t, errdefs.IsInvalidArgument(err), "%v", err)
	require.NoError(t, f.one(t, c).Err, "what is well-formed holds all the same")
}

func TestBadEndpointsAreNamed(t *testing.T) {
	t.Parallel()
	for text, opt := range map[string]registry.Option{
		`WithMirrors: "mirror.example": want an http:// or https:// URL`: registry.WithMirrors("mirror.example"),
		`WithMirrors: "…@mirror.example"`:                                registry.WithMirrors("https://user:canary@mirror.example"),
		`WithMirrors: "https://mirror.example/"`:                         registry.WithMirrors("https://mirror.example/?token=canary"),
		`WithMirrors: "ftp://mirror.example"`:                            registry.WithMirrors("ftp://mirror.example"),
		`WithMirrors: ""`:                                                registry.WithMirrors(""),
		`WithInsecure: "*": want a registry`:                             registry.WithInsecure("*"),
		`WithInsecure: "http://host:5000"`:                               registry.WithInsecure("http://host:5000"),
		`WithInsecure: "10.0.0.0/33"`:                                    registry.WithInsecure("10.0.0.0/33"),
		`WithInsecure: "docker.io": want a registry other`:               registry.WithInsecure("docker.io"),
		`WithPlainHTTP: "http://host:5000"`:                              registry.WithPlainHTTP("http://host:5000"),
		`WithTLS: ""`:                                                    registry.WithTLS("", &tls.Config{MinVersion: tls.VersionTLS12}),
		`WithTLS: nil`:                                                   registry.WithTLS("host:5000", nil),
		`WithCertificates: ""`:                                           registry.WithCertificates(""),
		`WithHostConnections: 0`:                                         registry.WithHostConnections(0),
		`WithHostConcurrency: 0`:                                         registry.WithHostConcurrency(0),
	} {
		_, err := registry.New(opt)
		require.ErrorContains(t, err, "registry: "+text)
		assert.True(t, errdefs.IsInvalidArgument(err))
		assert.NotContains(t, err.Error(), "canary")
	}
	_, err := registry.New(registry.WithTransport(http.DefaultTransport), registry.WithCertificates("/etc/docker/certs.d"))
	require.ErrorContains(t, err, "registry: WithTransport: beside WithTLS or WithCertificates")
}
