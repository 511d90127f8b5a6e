package lifecycle

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// LabelStopSignal sets, for one container, the signal it is stopped with, by
	// name or number: "SIGINT", "int", "2". Default: its own setting, which may come
	// with the image, else the engine's. The engine kills what is up after the time
	// to stop all the same.
	LabelStopSignal = labelPrefix + "stop-signal"
	// LabelStopTimeout sets, for one container, how long it may take to stop before
	// it is killed, as a number of seconds or a Go duration; 0 kills at once. It wins
	// over what a Target says.
	LabelStopTimeout = labelPrefix + "stop-timeout"
)

// stopOptions is how a container with these labels is stopped. The labels are on the
// container, so that whoever repairs a swap stops it the same way. A value nobody can
// use counts as none: a stop in mid-swap is no time to refuse.
func stopOptions(labels map[string]string, timeout *time.Duration) StopOptions {
	out := StopOptions{Timeout: timeout}
	if text := labels[LabelStopSignal]; isSignal(text) {
		out.Signal = text
	}
	if d, ok := parseTime(labels[LabelStopTimeout]); ok {
		out.Timeout = &d
	}
	return out
}

// Linux's signals. An engine refuses a name it does not know.
const signalNames = "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP " +
	"TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX"

var realTime = regexp.MustCompile(`^(RTMIN\+([1-9]|1[0-5])|RTMAX-([1-9]|1[0-4]))$`)

func isSignal(text string) bool {
	if n, err := strconv.Atoi(text); err == nil {
		return n >= 1 && n <= 64
	}
	name := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	return slices.Contains(strings.Fields(signalNames), name) || realTime.MatchString(name)
}

// parseTime reads a number of seconds or a Go duration, 0 or more.
func parseTime(text string) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}

// LabelAccepts says what one of this package's labels accepts, and whether the value
// is such. Of a label that may hold anything, accepted is empty and ok true.
func LabelAccepts(label, value string) (accepted string, ok bool) {
	switch label {
	case LabelStopSignal:
		return "a signal by name or number: SIGINT, 2", isSignal(value)
	case LabelStopTimeout:
		_, ok = parseTime(value)
		return "seconds (30) or a duration (1m30s), 0 or more", ok
	case LabelStableTime, LabelProbeTimeout:
		d, ok := parseTime(value)
		return "seconds (30) or a duration (1m30s), more than 0", ok && d > 0
	case LabelUpdateOrder:
		return "stop-first or start-first", value == string(StopFirst) || value == string(StartFirst)
	case LabelProbe:
		_, ok = parseProbe(value)
		return acceptedProbes, ok
	case LabelPreUpdateTimeout, LabelPostUpdateTimeout, LabelHookUID, LabelHookGID:
		_, accepted, ok = hookNumber(label, value)
		return accepted, ok
	default:
		return "", true
	}
}
