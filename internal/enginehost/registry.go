package enginehost

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// Registry is a docker-registry on a free port of the loopback, behind a proxy
// that keeps a list of the requests.
type Registry struct {
	// Addr is "127.0.0.1:port", the host part of references.
	Addr string

	user, password string
	tokens         *tokenServer
	mu             sync.Mutex
	requests       []string
	broken         func(w http.ResponseWriter, r *http.Request) bool
	blobs          sync.Map // those it has, by repository and digest
}

// RegistryOption sets one thing of a registry.
type RegistryOption func(*Registry, *registryConfig)

type registryConfig struct {
	auth string
	dir  string
}

// WithBasicAuth makes the registry ask for this login, as HTTP basic.
func WithBasicAuth(t testing.TB, user, password string) RegistryOption {
	t.Helper()
	return func(r *Registry, c *registryConfig) {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		require.NoError(t, err)
		path := filepath.Join(c.dir, "htpasswd")
		require.NoError(t, os.WriteFile(path, []byte(user+":"+string(hash)+"\n"), 0o600))
		c.auth = fmt.Sprintf("auth: {htpasswd: {realm: test, path: %q}}\n", path)
		r.user, r.password = user, password
	}
}

// WithTokenAuth makes the registry ask for a bearer token, which a token
// service of its own gives for this login and to nobody else.
func WithTokenAuth(t testing.TB, user, password string) RegistryOption {
	t.Helper()
	return func(r *Registry, c *registryConfig) {
		r.user, r.password = user, password
		r.tokens = newTokenServer(t, user, password)
		bundle := filepath.Join(c.dir, "bundle.pem")
		require.NoError(t, os.WriteFile(bundle, r.tokens.certificatePEM, 0o600))
		c.auth = fmt.Sprintf("auth: {token: {realm: %q, service: registry, issuer: tests, rootcertbundle: %q}}\n",
			r.tokens.URL+"/token", bundle)
	}
}

// StartRegistry starts a registry; it ends with the test. Without Debian's
// docker-registry it skips the test, and fails it where an engine is required.
func StartRegistry(t testing.TB, opts ...RegistryOption) *Registry {
	t.Helper()
	path, err := exec.LookPath("docker-registry")
	if err != nil {
		unproven(t, err.Error())
	}
	dir := t.TempDir()
	r, c := &Registry{}, &registryConfig{dir: dir}
	for _, opt := range opts {
		opt(r, c)
	}
	// A port that was free a moment ago may be another's by now, even that of the
	// proxy below, which would then ask itself for ever; a path is nobody else's.
	short, err := os.MkdirTemp("", "registry") //nolint:usetesting // which names it after the test: too long for a socket
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	socket := filepath.Join(short, "http.sock")
	config := filepath.Join(dir, "config.yml")
	require.NoError(t, os.WriteFile(config, []byte(fmt.Sprintf(
		"version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {net: unix, addr: %q, secret: tests}\n%s",
		filepath.Join(dir, "data"), socket, c.auth)), 0o600))
	ctx, cancel := context.WithCancel(context.Background())
	logPath := filepath.Join(dir, "log")
	log, err := os.Create(logPath)
	require.NoError(t, err)
	cmd := exec.CommandContext(ctx, path, "serve", config)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	require.NoError(t, log.Close())
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })

	backend := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "registry"})
	proxy.Transport = backend
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.requests = append(r.requests, req.Method+" "+req.URL.Path)
		broken := r.broken
		r.mu.Unlock()
		if broken == nil || !broken(w, req) {
			proxy.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(func() { server.Close(); backend.CloseIdleConnections() })
	r.Addr = server.Listener.Addr().String()
	for deadline := time.Now().Add(startWithin); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
			return r
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(logPath)
			require.Fail(t, "docker-registry did not come up", string(text))
		}
	}
}

// Requests returns the requests since the last call, such as
// "HEAD /v2/app/manifests/1".
func (r *Registry) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.requests
	r.requests = nil
	return out
}

// Break lets the function answer in the registry's place when it returns true;
// nil mends it.
func (r *Registry) Break(broken func(w http.ResponseWriter, req *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = broken
}

// Login changes what the token service takes.
func (r *Registry) Login(user, password string) { r.tokens.login(user, password) }

const (
	typeManifest = "application/vnd.docker.distribution.manifest.v2+json"
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeConfig   = "application/vnd.docker.container.image.v1+json"
	typeLayer    = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

// Push puts the image into the registry under "repository:tag" and returns its
// reference with the registry's host, and the manifest's digest.
func (r *Registry) Push(t testing.TB, name string, img Image) (ref, digest string) {
	t.Helper()
	repo, tag, ok := strings.Cut(name, ":")
	require.True(t, ok, "push needs repository:tag")
	manifest := r.putImage(t, repo, img)
	digest = r.putManifest(t, repo, tag, typeManifest, manifest)
	return r.Addr + "/" + name, digest
}

// PushIndex puts an index of one image per platform ("linux/arm64";
// "unknown/unknown" is how an attestation calls itself) under "repository:tag"
// and returns its reference and its digest.
func (r *Registry) PushIndex(t testing.TB, name string, images map[string]Image) (ref, digest string) {
	t.Helper()
	repo, tag, _ := strings.Cut(name, ":")
	var manifests []Object
	for _, platform := range slices.Sorted(maps.Keys(images)) {
		img := images[platform]
		os, arch, _ := strings.Cut(platform, "/")
		img.Architecture = arch
		manifest := r.putImage(t, repo, img)
		manifests = append(manifests, Object{
			"mediaType": typeManifest, "size": len(manifest), "digest": r.putManifest(t, repo, digestOf(manifest), typeManifest, manifest),
			"platform": Object{"os": os, "architecture": arch},
		})
	}
	index := encode(t, Object{"schemaVersion": 2, "mediaType": typeIndex, "manifests": manifests})
	return r.Addr + "/" + name, r.putManifest(t, repo, tag, typeIndex, index)
}

func (r *Registry) putImage(t testing.TB, repo string, img Image) []byte {
	t.Helper()
	manifest, blobs := img.Content(t)
	for _, blob := range blobs {
		r.putBlob(t, repo, blob)
	}
	return manifest
}

func (r *Registry) putBlob(t testing.TB, repo string, blob []byte) string {
	t.Helper()
	digest := digestOf(blob)
	if _, has := r.blobs.Load(repo + "@" + digest); has {
		return digest
	}
	location := r.send(t, repo, http.MethodPost, "http://"+r.Addr+"/v2/"+repo+"/blobs/uploads/", "", nil, http.StatusAccepted)
	target, err := url.Parse(location)
	require.NoError(t, err)
	target.Scheme, target.Host = "http", r.Addr
	query := target.Query()
	query.Set("digest", digest)
	target.RawQuery = query.Encode()
	r.send(t, repo, http.MethodPut, target.String(), "application/octet-stream", blob, http.StatusCreated)
	r.blobs.Store(repo+"@"+digest, true)
	return digest
}

func (r *Registry) putManifest(t testing.TB, repo, tag, mediaType string, manifest []byte) string {
	t.Helper()
	r.send(t, repo, http.MethodPut, "http://"+r.Addr+"/v2/"+repo+"/manifests/"+tag, mediaType, manifest, http.StatusCreated)
	return digestOf(manifest)
}

// send must be answered with the status; it returns where the answer points.
func (r *Registry) send(t testing.TB, repo, method, target, mediaType string, body []byte, status int) (location string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, target, bytes.NewReader(body))
	require.NoError(t, err)
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	switch {
	case r.tokens != nil:
		req.Header.Set("Authorization", "Bearer "+r.tokens.token(t, repo, "pull", "push"))
	case r.user != "":
		req.SetBasicAuth(r.user, r.password)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	require.Equal(t, status, resp.StatusCode, "%s %s", method, target)
	return resp.Header.Get("Location")
}
