package dockerengine

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-connections/tlsconfig"
)

// Option sets one thing of an Engine. A nil Option is skipped.
type Option func(*settings) error

type settings struct {
	host       string
	hostFrom   string // the setting's name, for errors
	candidates []string
	version    string
	tls        *tlsFiles
	onRequest  func(Request)
}

// tlsFiles are read only for an address that they can be for.
type tlsFiles struct {
	setting, directory string
	verify             bool
}

// WithHost sets where the engine is: unix:///path, tcp://host[:port],
// ssh://[user@]host[:port] or, on Windows, npipe:////./pipe/name; http:// and
// https:// are tcp:// without and with TLS. Without a port tcp is 2375, or 2376
// with TLS, as Docker's own tools have it. Default, also of the empty text: the
// socket /var/run/docker.sock.
func WithHost(host string) Option {
	return func(s *settings) error {
		s.host, s.hostFrom = host, "WithHost"
		return nil
	}
}

// WithAPIVersion sets the API version, "1.41", and ends the negotiation.
// Default: negotiated.
func WithAPIVersion(version string) Option {
	return func(s *settings) error { return s.setVersion("WithAPIVersion", version) }
}

// WithTLS reaches a tcp:// engine by TLS with the ca.pem, cert.pem and key.pem
// of a directory; one that is called http:// is not. Verify false takes any certificate
// of the engine's. Default: no TLS.
func WithTLS(directory string, verify bool) Option {
	return func(s *settings) error {
		s.tls = &tlsFiles{"WithTLS", directory, verify}
		return nil
	}
}

// New makes an Engine. It reads nothing from the environment, not even which
// proxy to use: an engine is reached directly. Its errors are of class InvalidArgument; every bad option
// is reported. It does not contact the engine.
func New(opts ...Option) (*Engine, error) {
	s := settings{candidates: []string{"/var/run/docker.sock"}}
	return s.engine(opts)
}

func (s *settings) engine(opts []Option) (*Engine, error) {
	var errs []error
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(s); err != nil {
			errs = append(errs, err)
		}
	}
	a := address{candidates: s.candidates}
	if s.host != "" {
		var err error
		if a, err = parseAddress(s.hostFrom, s.host); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var config *tls.Config
	if a.overTCP() {
		if s.tls != nil && a.scheme != "http" {
			var err error
			if config, err = s.tls.load(); err != nil {
				return nil, err
			}
			a.tls = true
		} else if a.tls {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		a = a.withPort()
	}
	e := &Engine{address: a, version: s.version, onRequest: s.onRequest}
	// No Proxy: that would be the environment's, and an engine is no web site.
	e.transport = &http.Transport{
		DialContext:     e.dial,
		TLSClientConfig: config,
		MaxIdleConns:    8,
		IdleConnTimeout: 30 * time.Second,
	}
	return e, nil
}

var versionForm = regexp.MustCompile(`^v?1\.[0-9]{1,3}$`)

func (s *settings) setVersion(setting, version string) error {
	if !versionForm.MatchString(version) {
		return invalid(setting, version, "an API version such as 1.41")
	}
	s.version = version
	return nil
}

func (f *tlsFiles) load() (*tls.Config, error) {
	config, err := tlsconfig.Client(tlsconfig.Options{
		CAFile:             filepath.Join(f.directory, "ca.pem"),
		CertFile:           filepath.Join(f.directory, "cert.pem"),
		KeyFile:            filepath.Join(f.directory, "key.pem"),
		InsecureSkipVerify: !f.verify,
		ExclusiveRootPools: true,
	})
	if err != nil {
		return nil, invalid(f.setting, f.directory, fmt.Sprintf("a directory with ca.pem, cert.pem and key.pem (%v)", err))
	}
	return config, nil
}

// FromEnv makes an Engine from what Docker's own tools read: DOCKER_HOST,
// DOCKER_TLS_VERIFY, DOCKER_CERT_PATH and DOCKER_API_VERSION. Options are
// applied after the environment. Without DOCKER_HOST the engine is looked for,
// each time it is dialed, at /var/run/docker.sock and then at the sockets of a
// rootless engine: $XDG_RUNTIME_DIR/docker.sock, /run/user/<uid>/docker.sock,
// ~/.docker/run/docker.sock.
//
// DOCKER_TLS_VERIFY is on with any value but "", 0 and false, and then takes
// the certificates of ~/.docker if DOCKER_CERT_PATH names no other directory. The
// quotes that a Compose file leaves around DOCKER_API_VERSION are taken away.
// Errors are of class InvalidArgument and name the variable.
func FromEnv(opts ...Option) (*Engine, error) {
	s := settings{candidates: []string{"/var/run/docker.sock"}}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		s.candidates = append(s.candidates, filepath.Join(dir, "docker.sock"))
	}
	if own := fmt.Sprintf("/run/user/%d/docker.sock", os.Getuid()); len(s.candidates) < 2 || s.candidates[1] != own {
		s.candidates = append(s.candidates, own)
	}
	home, err := os.UserHomeDir()
	if err == nil {
		s.candidates = append(s.candidates, filepath.Join(home, ".docker", "run", "docker.sock"))
	}
	s.host, s.hostFrom = os.Getenv("DOCKER_HOST"), "DOCKER_HOST"
	var env []Option
	if version := strings.Trim(os.Getenv("DOCKER_API_VERSION"), `"`); version != "" {
		env = append(env, func(s *settings) error { return s.setVersion("DOCKER_API_VERSION", version) })
	}
	directory, verify := os.Getenv("DOCKER_CERT_PATH"), on(os.Getenv("DOCKER_TLS_VERIFY"))
	if directory == "" && verify && home != "" {
		directory = filepath.Join(home, ".docker")
	}
	if directory != "" {
		s.tls = &tlsFiles{"DOCKER_CERT_PATH", directory, verify}
	}
	return s.engine(append(env, opts...))
}

// on takes any value for yes but those that plainly say no.
func on(value string) bool {
	b, err := strconv.ParseBool(value)
	return value != "" && (err != nil || b)
}
