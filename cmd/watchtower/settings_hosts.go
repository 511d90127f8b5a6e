package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

const (
	wantHosts = "addresses of engines, split by commas, each with a name before it, as in nas=tcp://10.0.0.5:2376"
	// localName is that of an engine behind a socket, if it is given no other.
	localName = "local"
)

// engineName is what WithEngineName accepts.
var engineName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// namedHost is one of several engines. The zero value is the one there is, which has no
// name.
type namedHost struct{ name, address string }

// String is how it is shown: without what an address may hide.
func (h namedHost) String() string { return h.name }

// hosts is a list of engines, each name=address, or an address that is called as its
// host is.
func hosts(field *[]namedHost) target {
	return target{kindList, wantHosts, func(text string) error {
		words := splitList(text)
		if len(words) == 0 && text != "" {
			return errValue
		}
		for i, word := range words {
			if strings.Contains(word, "@") && !strings.Contains(word, "://") {
				// The end of an address whose login has a comma: what comes before is the login.
				return explained{fmt.Errorf("engine %d of the list: want an address with its scheme, as in ssh://me@vps, and no password in it", i+1)}
			}
		}
		for i, word := range words {
			h, err := parseHost(word)
			if err != nil {
				return explained{fmt.Errorf("engine %d of the list: %w", i+1, err)}
			}
			for _, other := range *field {
				if strings.EqualFold(other.name, h.name) { // it is the name of a directory, too
					return explained{fmt.Errorf("two engines are called %q: want a name before each address, as in nas=tcp://10.0.0.5:2376", h.name)}
				}
				if other.address == h.address {
					return explained{fmt.Errorf("%s and %s have the same address: want each engine once", other.name, h.name)}
				}
			}
			*field = append(*field, h)
		}
		return nil
	}}
}

func parseHost(word string) (namedHost, error) {
	name, address, ok := strings.Cut(word, "=")
	if !ok || strings.Contains(name, "://") {
		name, address = "", word
	}
	if address == "" {
		return namedHost{}, fmt.Errorf("%q: want an address behind the name", name)
	}
	if _, err := dockerengine.New(dockerengine.WithHost(address)); err != nil {
		return namedHost{}, err
	}
	u, err := url.Parse(address)
	switch {
	case name != "":
	case err == nil && u.Scheme != "unix" && u.Scheme != "npipe":
		name = u.Hostname()
	default:
		name = localName
	}
	if !engineName.MatchString(name) || strings.Contains(name, ".json") { // beside files of the state directory
		return namedHost{}, fmt.Errorf("%q is no name: want at most 63 letters, digits, dots, dashes and underscores, a letter or a digit first, before the address and an equals sign", name)
	}
	return namedHost{name, address}, nil
}

// engines are those that are watched; one without a name where there is no list.
func (s settings) engines() []namedHost {
	if len(s.hosts) == 0 {
		return []namedHost{{}}
	}
	return s.hosts
}

// many reports whether there is more than one.
func (s settings) many() bool { return len(s.hosts) > 1 }

// stateAt is the directory in which to remember what is about the engine, and makes that
// of a named one within the one that was set; empty if none was.
func (s settings) stateAt(h namedHost) (string, error) {
	dir := s.at(h).stateDir
	if h.name == "" || dir == "" {
		return dir, nil
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%s: %w", s.from("state-dir"), err)
	}
	return dir, nil
}

// at are the settings of one engine of the list, as if flags had given them: its
// certificates are in a directory of its name, if there is one, and what is remembered
// of it always is.
func (s settings) at(h namedHost) settings {
	if h.name == "" {
		return s
	}
	given := map[string]string{}
	for name, from := range s.given {
		given[name] = from
	}
	s.given = given
	s.host, given["host"] = h.address, "--host"
	directory := s.certPath
	if home, err := os.UserHomeDir(); err == nil && directory == "" && s.tlsVerify {
		directory = filepath.Join(home, ".docker")
	}
	if directory != "" {
		if own := filepath.Join(directory, h.name); isDirectory(own) {
			directory = own
		}
		s.certPath, given["cert-path"], given["tlsverify"] = directory, "--cert-path", "--tlsverify"
	}
	if s.stateDir != "" {
		s.stateDir = filepath.Join(s.stateDir, h.name)
	}
	return s
}

// about says which engine of the list an error is about.
func (s settings) about(h namedHost, err error) error {
	if err == nil || h.name == "" {
		return err
	}
	return fmt.Errorf("%s: %s: %w", s.from("hosts"), h.name, err)
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// traces are those of this process that tell its container from any on that engine: on
// another host, or another engine of this one, a container may have the same host name.
func (h namedHost) traces(own lifecycle.Traces) lifecycle.Traces {
	if !h.local() || h.name != "" && own.ID() != "" {
		own.Hostname = ""
	}
	return own
}

// local reports whether the engine is behind a socket of this machine, or the one there is.
func (h namedHost) local() bool {
	return h.name == "" || strings.HasPrefix(h.address, "unix://") || strings.HasPrefix(h.address, "npipe://")
}
