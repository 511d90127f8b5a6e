package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// settings is what the program was told, whichever way.
type settings struct {
	host, certPath, apiVersion string
	tlsVerify                  bool
	hosts                      []namedHost

	interval, jitter            time.Duration
	schedule                    string
	updateWindow                string
	runOnce, updateOnStart      bool
	quietStart                  bool
	auditLog                    string
	healthCheck                 bool
	porcelain                   string
	monitorOnly, noPull         bool
	noRestart, removeVolumes    bool
	cleanup, rolling            bool
	order, swarm                string
	labelPrecedence             bool
	cooldown                    time.Duration
	stopTimeout                 *time.Duration
	stableTime                  time.Duration
	probe                       lifecycle.Probe
	probeTimeout                time.Duration
	stateDir                    string
	hooks                       bool
	hookUID, hookGID            int
	labelEnable                 bool
	scope                       string
	includeStopped              bool
	includePaused               bool
	includeRestarting, revive   bool
	swarmRollback               bool
	disabled                    []string // names
	onlyImages, skipImages      []string
	enableLabels, disableLabels []string // key=value
	api                         apiSettings
	notify                      notifySettings
	logLevel                    slog.Level
	debug, trace                bool
	format                      string
	json                        bool
	noColor, forceColor         bool

	given   map[string]string // who gave it, a flag or a variable, by the row's name
	told    []policyRow       // the same with the values, in the table's order
	notices []notice
	names   []string
}

// notice is what the user is told of a setting that does not do what it says.
type notice struct{ source, text string }

// origin is which predecessor had a setting.
type origin string

const (
	ours       origin = ""
	original   origin = "original"
	fork       origin = "fork"
	originFork origin = "original, fork"
)

// status is what becomes of a setting that is given.
type status string

const (
	used    status = ""
	ignored status = "ignored" // and its note says what to use instead
	later   status = "later"   // not in this release, for the reason in its note
)

// setting is one row of the table that flags, variables, help, validation and
// the page in docs are made from.
type setting struct {
	flag, short, env string // a flag, a variable or both
	target
	def    string // as help shows it; a switch without one is false
	usage  string
	has    origin
	status status
	note   string
	group  string
}

// name is the row's: its flag or, if it has none, its variable.
func (row setting) name() string {
	if row.flag == "" {
		return row.env
	}
	return row.flag
}

// shownDefault is the default as people read it.
func (row setting) shownDefault() string {
	if row.def == "" && row.kind == kindSwitch {
		return "false"
	}
	return row.def
}

// table lists every setting, in the order help shows them. What is read goes
// into s.
func table(s *settings) []setting {
	var rows []setting
	for _, group := range []struct {
		name string
		rows []setting
	}{
		{"Engine", engineRows(s)},
		{"When", scheduleRows(s)},
		{"Which containers", selectionRows(s)},
		{"What is done", updateRows(s)},
		{"Whether the new container is good", verifyRows(s)},
		{"Commands in containers", hookRows(s)},
		{"Registries", registryRows(s)},
		{"What is said", logRows(s)},
		{"HTTP API and metrics", apiRows(s)},
		{"Notifications", notifyRows(s)},
		{"Notifications, the old way", legacyRows(s)},
	} {
		for _, row := range group.rows {
			row.group = group.name
			rows = append(rows, row)
		}
	}
	return rows
}

// withVariables completes the rows whose variable has the flag's name.
func withVariables(rows []setting) []setting {
	for i := range rows {
		if rows[i].env == "" {
			rows[i].env = variable(rows[i].flag)
		}
	}
	return rows
}

// variable is the one a flag has where both have the same name.
func variable(flag string) string {
	return "WATCHTOWER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// value is a flag as pflag sees it: its texts, judged later with all others.
type value struct {
	texts []string
	kind  kind
}

func (v *value) String() string { return strings.Join(v.texts, ",") }
func (v *value) Type() string   { return string(v.kind) }

// Set takes the last one, or for a list all of them.
func (v *value) Set(text string) error {
	if !v.kind.many() {
		v.texts = nil
	}
	v.texts = append(v.texts, text)
	return nil
}

// read judges the values: a flag wins over a variable, an empty variable is
// none, but for NO_COLOR. All bad ones are told.
func read(values map[string]*value, changed func(flag string) bool, env map[string]string) (settings, error) {
	s := settings{logLevel: slog.LevelInfo, format: "auto", interval: defaultInterval, includeRestarting: true, given: map[string]string{}}
	var errs []error
	for _, row := range table(&s) {
		source, texts, err := row.find(values, changed, env)
		if err != nil {
			errs = append(errs, err)
		}
		if source == "" {
			continue
		}
		s.given[row.name()] = source
		s.told = append(s.told, policyRow{name: row.name(), value: row.shown(strings.Join(texts, ",")), from: source})
		if row.set != nil {
			for _, text := range texts {
				if err := row.set(text); err != nil {
					errs = append(errs, row.refusal(source, text, err))
				}
			}
		}
		if text := row.notice(texts); text != "" {
			s.notices = append(s.notices, notice{source, text})
		}
	}
	s.notices = append(s.notices, s.remarks()...)
	return s, errors.Join(append(errs, s.conflicts()...)...)
}

// refusal names the setting, the value and what is accepted.
func (row setting) refusal(source, text string, err error) error {
	if own := (explained{}); errors.As(err, &own) {
		return fmt.Errorf("%s: %s", source, strings.TrimPrefix(own.Error(), "watchtower: "))
	}
	return fmt.Errorf("%s: %q: want %s", source, row.shown(text), row.accepted)
}

// find tells who gave the setting, and what; no source: nobody did.
func (row setting) find(values map[string]*value, changed func(flag string) bool, env map[string]string) (source string, texts []string, err error) {
	if row.flag != "" && changed(row.flag) {
		texts, err = row.texts("--"+row.flag, values[row.flag].texts)
		return "--" + row.flag, texts, err
	}
	if row.env == "" {
		return "", nil, nil
	}
	text, present := env[row.env]
	path := ""
	if row.secret() {
		path = env[row.env+"_FILE"]
	}
	switch {
	case text != "" && path != "":
		return row.env, nil, fmt.Errorf("%s and %s_FILE are both set: want one of them", row.env, row.env)
	case path != "":
		texts, err = row.fileTexts(row.env+"_FILE", path)
		return row.env + "_FILE", texts, err
	case text == "" && (!present || row.env != "NO_COLOR"):
		return "", nil, nil
	}
	texts = []string{byConvention(row.env, text)}
	if row.kind == kindURLs {
		if texts = splitURLs(text); len(texts) == 0 {
			texts = []string{text} // to be refused
		}
	}
	texts, err = row.texts(row.env, texts)
	return row.env, texts, err
}

// notice is what the user is told of the setting, if it asks for something that
// does not happen.
func (row setting) notice(texts []string) string {
	if len(texts) == 1 && row.status != used {
		text := strings.TrimSpace(texts[0])
		if on, err := strconv.ParseBool(text); err == nil && row.kind == kindSwitch {
			text = strconv.FormatBool(on)
		}
		if strings.EqualFold(text, row.shownDefault()) {
			return ""
		}
	}
	switch {
	case row.status == later:
		return "not in this release: " + row.note
	case row.status == ignored && row.tellsOfItself():
		return "ignored: " + row.note
	default:
		return ""
	}
}

// tellsOfItself: variables of others, which any shell may have, are not
// remarked on.
func (row setting) tellsOfItself() bool {
	return row.flag != "" || strings.HasPrefix(row.env, "WATCHTOWER_") || strings.HasPrefix(row.env, "WT_")
}

// byConvention reads the variables whose values their inventors gave a meaning
// of their own: NO_COLOR is there, be it empty, or not, and DOCKER_TLS_VERIFY is on unless it
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

// unknown are the WATCHTOWER_* variables that are no setting, sorted.
func unknown(env map[string]string) []string {
	have := map[string]bool{}
	for _, row := range table(&settings{}) {
		have[row.env] = true
		if row.secret() {
			have[row.env+"_FILE"] = true
		}
	}
	var out []string
	for name := range env {
		if strings.HasPrefix(name, "WATCHTOWER_") && !have[name] && env[name] != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
