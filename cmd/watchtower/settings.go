package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// settings is what the program was told, whichever way.
type settings struct {
	host, certPath, apiVersion string
	tlsVerify                  bool
	cleanup, rolling           bool
	order                      string
	stopTimeout                *time.Duration
	stableTime                 time.Duration
	probe                      lifecycle.Probe
	probeTimeout               time.Duration
	stateDir                   string
	logLevel                   slog.Level
	debug, trace               bool
	format                     string
	noColor                    bool
	labelEnable                bool
	scope                      string
	interval                   time.Duration
	runOnce, updateOnStart     bool
	quietStart                 bool
	given                      map[string]bool // by flag
	names                      []string
}

// setting is one row of the table that flags, variables, help and validation
// are made from.
type setting struct {
	flag, short, env string
	boolean          bool
	def              string // as help shows it
	usage            string
	accepted         string // what a bad value is told
	set              func(*settings, string) error
}

var errValue = errors.New("not accepted")

const (
	wantBool     = "true or false"
	wantPositive = "seconds (30) or a duration (1m30s), more than 0"
	wantDuration = "seconds (30) or a duration (1m30s), 0 or more"
	wantInterval = "a whole number of seconds or a duration (90s, 12h), at least 1 second"
	wantLevel    = "panic, fatal, error, warn, info, debug or trace"
	wantFormat   = "auto, logfmt, pretty or json"
	wantOrder    = "stop-first or start-first"
	wantProbe    = "exec:COMMAND, http://:PORT/PATH, https://:PORT/PATH or tcp://:PORT, without a host"
)

// table lists every setting, in the order help shows them.
func table() []setting {
	yes := func(field func(*settings) *bool) func(*settings, string) error {
		return func(s *settings, text string) error {
			b, err := strconv.ParseBool(strings.TrimSpace(text))
			*field(s) = b
			return err
		}
	}
	text := func(field func(*settings) *string) func(*settings, string) error {
		return func(s *settings, text string) error {
			*field(s) = text
			return nil
		}
	}
	return []setting{
		{
			"host", "H", "DOCKER_HOST", false, "the local socket", "engine to watch: unix://, tcp:// or ssh://", "",
			text(func(s *settings) *string { return &s.host }),
		},
		{
			"tlsverify", "v", "DOCKER_TLS_VERIFY", true, "false", "verify the engine's certificate", wantBool,
			yes(func(s *settings) *bool { return &s.tlsVerify }),
		},
		{
			"cert-path", "", "DOCKER_CERT_PATH", false, "~/.docker", "directory with ca.pem, cert.pem and key.pem", "",
			text(func(s *settings) *string { return &s.certPath }),
		},
		{
			"api-version", "a", "DOCKER_API_VERSION", false, "negotiated", "version of the engine's API", "",
			text(func(s *settings) *string { return &s.apiVersion }),
		},
		{"interval", "i", "WATCHTOWER_POLL_INTERVAL", false, "86400", "seconds between passes, or a duration", wantInterval, setInterval},
		{
			"run-once", "R", "WATCHTOWER_RUN_ONCE", true, "false", "make one pass and exit: 0 if nothing failed, else 1", wantBool,
			yes(func(s *settings) *bool { return &s.runOnce }),
		},
		{
			"update-on-start", "", "WATCHTOWER_UPDATE_ON_START", true, "false", "make the first pass at once, not after the interval", wantBool,
			yes(func(s *settings) *bool { return &s.updateOnStart }),
		},
		{
			"cleanup", "c", "WATCHTOWER_CLEANUP", true, "false", "remove the replaced image once nothing refers to it", wantBool,
			yes(func(s *settings) *bool { return &s.cleanup }),
		},
		{
			"rolling-restart", "", "WATCHTOWER_ROLLING_RESTART", true, "false", "one container at a time, the next once the last is up", wantBool,
			yes(func(s *settings) *bool { return &s.rolling }),
		},
		{
			"update-order", "", "WATCHTOWER_UPDATE_ORDER", false, "stop-first",
			"stop-first, or start-first where it can be done (the default with rolling-restart)", wantOrder, setOrder,
		},
		{
			"stop-timeout", "t", "WATCHTOWER_TIMEOUT", false, "10s",
			"time to stop before a container is killed; unset, the container's own setting rules", wantDuration, setStopTimeout,
		},
		{
			"stable-time", "", "WATCHTOWER_STABLE_TIME", false, "3s",
			"time a new container without a health check must stay up to be good", wantPositive, setStableTime,
		},
		{
			"probe", "", "WATCHTOWER_PROBE", false, "",
			"what a new container must answer to be good: exec:COMMAND, http://:PORT/PATH or tcp://:PORT", wantProbe, setProbe,
		},
		{
			"probe-timeout", "", "WATCHTOWER_PROBE_TIMEOUT", false, "60s", "time in which the probe must pass", wantPositive, setProbeTimeout,
		},
		{
			"state-dir", "", "WATCHTOWER_STATE_DIR", false, "", "directory in which to remember, beyond this process, what failed", "",
			text(func(s *settings) *string { return &s.stateDir }),
		},
		{
			"label-enable", "e", "WATCHTOWER_LABEL_ENABLE", true, "false", "only containers whose enable label is true", wantBool,
			yes(func(s *settings) *bool { return &s.labelEnable }),
		},
		{
			"scope", "", "WATCHTOWER_SCOPE", false, "", `only containers with this scope label; "none": only those without`, "",
			text(func(s *settings) *string { return &s.scope }),
		},
		{"log-level", "", "WATCHTOWER_LOG_LEVEL", false, "info", wantLevel, wantLevel, setLevel},
		{
			"debug", "d", "WATCHTOWER_DEBUG", true, "false", "log level debug", wantBool,
			yes(func(s *settings) *bool { return &s.debug }),
		},
		{
			"trace", "", "WATCHTOWER_TRACE", true, "false", "log level trace", wantBool,
			yes(func(s *settings) *bool { return &s.trace }),
		},
		{"log-format", "l", "WATCHTOWER_LOG_FORMAT", false, "auto", wantFormat, wantFormat, setFormat},
		{
			"no-color", "", "NO_COLOR", true, "false", "no colours on a terminal", wantBool,
			yes(func(s *settings) *bool { return &s.noColor }),
		},
		{
			"no-startup-message", "", "WATCHTOWER_NO_STARTUP_MESSAGE", true, "false", "say nothing at the start", wantBool,
			yes(func(s *settings) *bool { return &s.quietStart }),
		},
	}
}

func setInterval(s *settings, text string) error {
	d, err := parseDuration(text)
	if err != nil || d < time.Second {
		return errValue
	}
	s.interval = d
	return nil
}

func setStopTimeout(s *settings, text string) error {
	d, err := parseDuration(text)
	if err != nil || d < 0 {
		return errValue
	}
	s.stopTimeout = &d
	return nil
}

func setStableTime(s *settings, text string) error { return setPositive(&s.stableTime, text) }

func setProbeTimeout(s *settings, text string) error { return setPositive(&s.probeTimeout, text) }

func setPositive(field *time.Duration, text string) error {
	d, err := parseDuration(text)
	if err != nil || d <= 0 {
		return errValue
	}
	*field = d
	return nil
}

func setProbe(s *settings, text string) (err error) {
	s.probe, err = lifecycle.ParseProbe(text)
	return err
}

func setOrder(s *settings, text string) error {
	s.order = strings.ToLower(strings.TrimSpace(text))
	if s.order != string(lifecycle.StopFirst) && s.order != string(lifecycle.StartFirst) {
		return errValue
	}
	return nil
}

// parseDuration takes a bare number for seconds.
func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		const most = int64(1<<63-1) / int64(time.Second)
		if n > most || n < -most {
			return 0, errValue
		}
		return time.Duration(n) * time.Second, nil
	}
	return time.ParseDuration(text)
}

func setLevel(s *settings, text string) error {
	level, ok := levels[strings.ToLower(strings.TrimSpace(text))]
	s.logLevel = level
	if !ok {
		return errValue
	}
	return nil
}

// level is the lowest that was asked for: the switches win over the setting.
func (s settings) level() slog.Level {
	switch {
	case s.trace:
		return levelTrace
	case s.debug:
		return min(s.logLevel, slog.LevelDebug)
	default:
		return s.logLevel
	}
}

func setFormat(s *settings, text string) error {
	s.format = strings.ToLower(strings.TrimSpace(text))
	switch s.format {
	case "auto", "logfmt", "pretty", "json":
		return nil
	}
	return errValue
}

// byConvention reads the variables whose values their inventors gave a meaning
// of their own: NO_COLOR is there or not, and DOCKER_TLS_VERIFY is on unless it
// says no.
func byConvention(variable, text string) string {
	switch variable {
	case "NO_COLOR":
		return "true"
	case "DOCKER_TLS_VERIFY":
		if _, err := strconv.ParseBool(text); err != nil {
			return "true"
		}
	}
	return text
}

// value is a flag as pflag sees it: its text, judged later with all others.
type value struct {
	text    string
	boolean bool
}

func (v *value) String() string     { return v.text }
func (v *value) Set(s string) error { v.text = s; return nil }
func (v *value) Type() string {
	if v.boolean {
		return "bool"
	}
	return "string"
}

// read judges the values: a flag wins over a variable, an empty variable is
// none. All bad ones are told.
func read(values map[string]*value, changed func(flag string) bool, env map[string]string) (settings, error) {
	s := settings{logLevel: slog.LevelInfo, format: "auto", interval: 24 * time.Hour, given: map[string]bool{}}
	var errs []error
	for _, row := range table() {
		name, text := row.env, env[row.env]
		switch {
		case changed(row.flag):
			name, text = "--"+row.flag, values[row.flag].text
			s.given[row.flag] = true
		case text == "":
			continue
		default:
			text = byConvention(name, text)
		}
		if err := row.set(&s, text); err != nil {
			errs = append(errs, fmt.Errorf("%s: %q: want %s", name, withoutLogin(text), row.accepted))
		}
	}
	return s, errors.Join(errs...)
}

// withoutLogin keeps the login of a URL out of the error that refuses it.
func withoutLogin(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if i := strings.LastIndex(rest, "@"); ok && i >= 0 {
		return scheme + "://***" + rest[i:]
	}
	return text
}

// unknown are the WATCHTOWER_* variables that this program has no use for.
func unknown(env map[string]string) []string {
	have := map[string]bool{}
	for _, row := range table() {
		have[row.env] = true
	}
	var out []string
	for name := range env {
		if strings.HasPrefix(name, "WATCHTOWER_") && !have[name] && env[name] != "" {
			out = append(out, name)
		}
	}
	return out
}
