package dockerengine_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// noEngineVariables clears what the test's own environment may hold.
func noEngineVariables(t *testing.T) {
	t.Helper()
	for _, name := range []string{"DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION", "XDG_RUNTIME_DIR"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
}

func TestBadSettingsNameThemselves(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"DOCKER_HOST", "gopher://x", "unix:///path"},
		{"DOCKER_HOST", "/var/run/docker.sock", "unix:///path"},
		{"DOCKER_HOST", "tcp://", "unix:///path"},
		{"DOCKER_HOST", "tcp://host/?q=1", "unix:///path"},
		{"DOCKER_HOST", "ssh://-oProxyCommand=x", "no name begins with -"},
		{"DOCKER_HOST", "ssh://-oProxyCommand=x@host", "no name begins with -"},
		{"DOCKER_HOST", "ssh://:22", "no host name"},
		{"DOCKER_HOST", "ssh://host/run/docker.sock", "nothing may follow the host"},
		{"DOCKER_HOST", "ssh://user:canary@host", "a password has no place in it"},
		{"DOCKER_HOST", "tcp://user:canary@host:1", "unix:///path"},
		{"DOCKER_HOST", "tcp://host/?token=canary", "unix:///path"},
		{"DOCKER_HOST", "tcp://user:canary@ho st", "unix:///path"},
		{"DOCKER_HOST", "user:canary@host:2375", "unix:///path"},
		{"DOCKER_HOST", "ssh://user:canary@ho st", "unix:///path"},
		{"DOCKER_API_VERSION", "two", "an API version such as 1.41"},
		{"DOCKER_API_VERSION", "1.41.2", "an API version such as 1.41"},
	} {
		t.Run(tt.name+"="+tt.value, func(t *testing.T) {
			noEngineVariables(t)
			t.Setenv(tt.name, tt.value)
			_, err := dockerengine.FromEnv()
			require.ErrorContains(t, err, tt.want)
			assert.Contains(t, err.Error(), tt.name)
			assert.True(t, errdefs.IsInvalidArgument(err))
			assert.NotContains(t, err.Error(), "canary")
		})
	}
	t.Run("no certificates", func(t *testing.T) {
		noEngineVariables(t)
		t.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
		t.Setenv("DOCKER_CERT_PATH", "/nowhere")
		_, err := dockerengine.FromEnv()
		require.ErrorContains(t, err, `DOCKER_CERT_PATH: "/nowhere": want a directory with ca.pem`)
		t.Setenv("DOCKER_HOST", "unix:///nowhere")
		_, err = dockerengine.FromEnv()
		require.NoError(t, err, "they are for tcp://")
	})
}

func TestTheEngineNobodyNamed(t *testing.T) {
	host := enginehost.Engine(t)
	socket := strings.TrimPrefix(host.Address, "unix://")
	noEngineVariables(t)
	runtime := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", runtime)
	e, err := dockerengine.FromEnv()
	require.NoError(t, err)
	err = e.Ping(t.Context())
	require.ErrorContains(t, err, "no engine found; tried unix:///var/run/docker.sock (")
	assert.Contains(t, err.Error(), "unix://"+runtime+"/docker.sock (no such socket)")
	assert.Contains(t, err.Error(), "set DOCKER_HOST")
	assert.True(t, errdefs.IsUnavailable(err))

	require.NoError(t, os.Symlink(socket, filepath.Join(runtime, "docker.sock")))
	require.NoError(t, e.Ping(t.Context()), "a rootless one that came up later")
}

func TestAnAPIVersionIsHonoured(t *testing.T) {
	claim := enginehost.Engine(t).Claim(t, "1.24", "1.41")
	noEngineVariables(t)
	t.Setenv("DOCKER_HOST", claim.Address)
	for _, version := range []string{"1.40", "v1.40", `"1.40"`} {
		t.Setenv("DOCKER_API_VERSION", version)
		e, err := dockerengine.FromEnv()
		require.NoError(t, err)
		info, err := e.Describe(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "1.40", info.APIVersion)
		_, err = e.Create(t.Context(), lifecycle.CreateOptions{Name: "honoured"})
		require.Error(t, err, "of no image")
		assert.Equal(t, []string{"GET /v1.40/version", "POST /v1.40/containers/create"}, claim.Requests())

		claim.Speak("1.41", "1.41")
		_, err = e.Containers(t.Context())
		require.ErrorContains(t, err, "client version 1.40 is too old")
		assert.True(t, errdefs.IsInvalidArgument(err))
		assert.Equal(t, []string{"GET /v1.40/containers/json refused"}, claim.Requests(), "what was asked for is not given up")
		claim.Speak("1.24", "1.41")
	}
	e, err := dockerengine.New(dockerengine.WithHost(claim.Address), dockerengine.WithAPIVersion("1.99"))
	require.NoError(t, err)
	_, err = e.Containers(t.Context())
	require.ErrorContains(t, err, "too new")
}

// forward hands connections on to the engine's socket.
func forward(t *testing.T, l net.Listener, host *enginehost.Host) {
	t.Helper()
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = in.Close() }()
				out, err := net.Dial("unix", strings.TrimPrefix(host.Address, "unix://"))
				if err != nil {
					return
				}
				defer func() { _ = out.Close() }()
				go func() { _, _ = io.Copy(out, in) }()
				_, _ = io.Copy(in, out)
			}()
		}
	}()
}

func TestTCP(t *testing.T) {
	host := enginehost.Engine(t)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	forward(t, plain, host)
	e, err := dockerengine.New(dockerengine.WithHost("tcp://" + plain.Addr().String()))
	require.NoError(t, err)
	_, err = e.Containers(t.Context())
	require.NoError(t, err)

	dir, config := certificates(t)
	secure, err := tls.Listen("tcp", "127.0.0.1:0", config)
	require.NoError(t, err)
	forward(t, secure, host)
	noEngineVariables(t)
	t.Setenv("DOCKER_HOST", "tcp://"+secure.Addr().String())
	t.Setenv("DOCKER_TLS_VERIFY", "1")
	t.Setenv("DOCKER_CERT_PATH", dir)
	e, err = dockerengine.FromEnv()
	require.NoError(t, err)
	_, err = e.Containers(t.Context())
	require.NoError(t, err)

	t.Setenv("DOCKER_HOST", "http://"+plain.Addr().String())
	e, err = dockerengine.FromEnv()
	require.NoError(t, err)
	_, err = e.Containers(t.Context())
	require.NoError(t, err, "without TLS, whatever there is for others")

	other, _ := certificates(t)
	e, err = dockerengine.New(dockerengine.WithHost("tcp://"+secure.Addr().String()), dockerengine.WithTLS(other, true))
	require.NoError(t, err)
	err = e.Ping(t.Context())
	require.ErrorContains(t, err, "certificate")
	assert.True(t, errdefs.IsUnavailable(err))
}

// certificates makes one authority with a certificate for both sides.
func certificates(t *testing.T) (dir string, server *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	dir = t.TempDir()
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	private := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
	for name, data := range map[string][]byte{"ca.pem": cert, "cert.pem": cert, "key.pem": private} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	pair, err := tls.X509KeyPair(cert, private)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(cert))
	return dir, &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12}
}

// fakeSSH is this test binary in ssh's place: it hands the connection on to the
// socket FAKE_SSH names, or fails as ssh does.
func fakeSSH() int {
	want := []string{"-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-l", "robot", "-p", "2222", "--", "host.example", "docker", "system", "dial-stdio"}
	if got := strings.Join(os.Args[1:], " "); got != strings.Join(want, " ") {
		_, _ = fmt.Fprintf(os.Stderr, "unexpected arguments: %s\n", got)
		return 255
	}
	conn, err := net.Dial("unix", os.Getenv("FAKE_SSH"))
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "ssh: connect to host host.example port 2222: Connection refused")
		return 255
	}
	go func() { _, _ = io.Copy(conn, os.Stdin) }()
	_, _ = io.Copy(os.Stdout, conn)
	return 0
}

func TestSSH(t *testing.T) {
	host := enginehost.Engine(t)
	bin := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(bin, "ssh")))
	t.Setenv("PATH", bin)
	t.Setenv("FAKE_SSH", strings.TrimPrefix(host.Address, "unix://"))
	e, err := dockerengine.New(dockerengine.WithHost("ssh://robot@host.example:2222"))
	require.NoError(t, err)
	_, err = e.Containers(t.Context())
	require.NoError(t, err)
	info, err := e.Describe(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "ssh://robot@host.example:2222", info.Address)

	t.Setenv("FAKE_SSH", "/nowhere")
	e, err = dockerengine.New(dockerengine.WithHost("ssh://robot@host.example:2222"))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = e.Ping(ctx)
	require.ErrorContains(t, err, "ssh: connect to host host.example port 2222: Connection refused")
	assert.True(t, errdefs.IsUnavailable(err))

	t.Setenv("PATH", t.TempDir())
	e, err = dockerengine.New(dockerengine.WithHost("ssh://robot@host.example:2222"))
	require.NoError(t, err)
	require.ErrorContains(t, e.Ping(t.Context()), "ssh is not on PATH")
}
