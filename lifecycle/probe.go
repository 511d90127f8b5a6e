package lifecycle

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/internal/redact"
)

// DefaultProbeTimeout is how long a probe may take to pass: twice what Docker
// leaves between two runs of a health check.
const DefaultProbeTimeout = time.Minute

const (
	// LabelProbe sets, for one container, the probe that its successor must pass,
	// as ParseProbe reads it. Empty, it has none, whatever WithProbe says.
	LabelProbe = labelPrefix + "probe"
	// LabelProbeTimeout sets, for one container, how long the probe may take to
	// pass, as a number of seconds or a Go duration.
	LabelProbeTimeout = labelPrefix + "probe-timeout"
)

const acceptedProbes = "exec:COMMAND, http://:PORT/PATH, https://:PORT/PATH or tcp://:PORT, without a host"

// Probe is a question that a started container has to answer well, once, before
// it is taken for good. The zero value is none.
type Probe struct {
	text    string
	command []string // of an exec probe
	url     *url.URL // of the others
}

// ParseProbe reads a probe:
//
//	exec:pg_isready -q     run in the container by its /bin/sh -c; good if it exits with 0
//	exec:["/app","check"]  a JSON array is run without a shell; it has to begin with ["
//	http://:8080/health    a GET; any status from 200 to 399 is good, no redirect is followed
//	https://:8443/         the same; the certificate, which is for a name, is not verified
//	tcp://:5432            good if the connection is accepted
//
// An empty text is no probe. There is no host, since it is the container's own
// addresses that are asked: a label, which may come with the image, cannot send
// this process elsewhere. Errors show the text: it is no place for a secret.
//
// An error is an InvalidArgument and names the text and what is accepted.
func ParseProbe(text string) (Probe, error) {
	p, ok := parseProbe(text)
	if !ok {
		return Probe{}, errclass.With(errdefs.ErrInvalidArgument,
			fmt.Errorf("lifecycle: probe %q: want %s", redact.Login(text), acceptedProbes))
	}
	return p, nil
}

// String is the text it was read from.
func (p Probe) String() string { return p.text }

func (p Probe) none() bool { return p.text == "" }

func parseProbe(text string) (Probe, bool) {
	text = strings.TrimSpace(text)
	p := Probe{text: text}
	if p.none() {
		return p, true
	}
	if command, ok := strings.CutPrefix(text, "exec:"); ok {
		command = strings.TrimSpace(command)
		p.command = []string{"/bin/sh", "-c", command}
		// The shell's own [ has a space behind it.
		if strings.HasPrefix(command, `["`) {
			p.command = nil
			return p, json.Unmarshal([]byte(command), &p.command) == nil && p.command[0] != ""
		}
		return p, command != ""
	}
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.Host != ":"+u.Port() || u.Fragment != "" {
		return p, false
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || port == 0 {
		return p, false
	}
	p.url = u
	switch u.Scheme {
	case "http", "https":
		return p, true
	case "tcp":
		return p, u.Path == "" && u.RawQuery == ""
	default:
		return p, false
	}
}

// probeOf is the probe for a container with these labels, and how long it may
// take to pass.
func (r *recreator) probeOf(labels map[string]string) (Probe, time.Duration, error) {
	p := r.probe
	if text, ok := labels[LabelProbe]; ok {
		if p, ok = parseProbe(text); !ok {
			return p, 0, precondition("label %s: %q: want %s", LabelProbe, redact.Login(text), acceptedProbes)
		}
	}
	within, err := durationLabel(labels, LabelProbeTimeout)
	return p, cmp.Or(within, r.probeTimeout), err
}
