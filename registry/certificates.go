package registry

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// WithCertificates reads what certificates registries are reached with from the
// directory, as Docker does from /etc/docker/certs.d: in DIR/HOST or
// DIR/HOST:PORT, as references name the registry, each *.crt holds authorities
// that are trusted beside the system's, and X.cert with X.key is a certificate of
// our own to show. A directory that is not there says nothing; it is looked at
// again after a minute. A file that cannot be read, holds nothing, or lacks the
// other of its pair is an error of class InvalidArgument in the verdicts of that
// registry's references. Insecure registries, and so those on the loopback, are
// asked without, as the engine asks them. Default: none.
func WithCertificates(directory string) Option {
	return func(c *Client) error {
		if directory == "" {
			return invalid("WithCertificates", `""`, "a directory")
		}
		c.certificates = directory
		return nil
	}
}

// WithTLS sets how one registry, host with port, is spoken to over TLS, in the
// place of what a directory of certificates or an engine says of it. The config
// is copied. Default: the system's authorities.
func WithTLS(host string, config *tls.Config) Option {
	return func(c *Client) error {
		if !isHost(host) {
			return invalid("WithTLS", fmt.Sprintf("%q", host), "a registry as references name it, host:port")
		}
		if config == nil {
			return invalid("WithTLS", "nil", "a *tls.Config")
		}
		c.tls[host] = config.Clone()
		return nil
	}
}

// readCertificates reads one registry's directory. There may be none: then the
// config is nil. Directories of equal content have equal sums.
func readCertificates(directory string) (config *tls.Config, sum digest.Digest, err error) {
	entries, err := os.ReadDir(directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", badFile(err)
	}
	r := certificateReader{directory: directory, sum: sha256.New(), config: &tls.Config{MinVersion: tls.VersionTLS12}}
	for _, e := range entries {
		if err := r.read(e.Name()); err != nil {
			return nil, "", badFile(err)
		}
	}
	if r.config.RootCAs == nil && r.config.Certificates == nil {
		return nil, "", nil
	}
	return r.config, digest.NewDigest(digest.SHA256, r.sum), nil
}

func badFile(err error) error { return errclass.With(errdefs.ErrInvalidArgument, err) }

// certificateReader takes in one file after the other.
type certificateReader struct {
	directory string
	sum       hash.Hash
	config    *tls.Config
}

func (r *certificateReader) read(name string) error {
	base, path := strings.TrimSuffix(name, filepath.Ext(name)), filepath.Join(r.directory, name)
	switch filepath.Ext(name) {
	case ".crt":
		data, err := r.file(name)
		if err != nil {
			return err
		}
		if r.config.RootCAs == nil {
			if r.config.RootCAs, err = x509.SystemCertPool(); err != nil {
				return err
			}
		}
		if !r.config.RootCAs.AppendCertsFromPEM(data) {
			return fmt.Errorf("%s holds no certificate in PEM form", path)
		}
	case ".cert":
		certificate, err := r.file(name)
		if err != nil {
			return err
		}
		key, err := r.file(base + ".key")
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s has no key: want %s.key beside it (an authority's certificate is named .crt)", path, base)
		}
		if err != nil {
			return err
		}
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			return fmt.Errorf("%s with its key: %w", path, err)
		}
		r.config.Certificates = append(r.config.Certificates, pair)
	case ".key":
		if _, err := os.Stat(filepath.Join(r.directory, base+".cert")); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s has no certificate: want %s.cert beside it", path, base)
		}
	}
	return nil
}

func (r *certificateReader) file(name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(r.directory, name))
	_, _ = fmt.Fprintf(r.sum, "%s %d\n%s", name, len(data), data)
	return data, err
}

// directoryOf is where a registry's certificates are; none for what is no name of
// a directory.
func directoryOf(directory, hostport string) (string, bool) {
	if runtime.GOOS == "windows" {
		hostport = strings.ReplaceAll(hostport, ":", "") // as Docker has it there
	}
	ok := directory != "" && hostport != "." && filepath.IsLocal(hostport) && filepath.Base(hostport) == hostport
	return filepath.Join(directory, hostport), ok
}
