package watchtower

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/internal/redact"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/tags"
)

// Policy is what counts for one container and who says so, a row for each thing that
// can be said of one: a function of its labels and the Tower's options.
type Policy []PolicyValue

// PolicyValue is one row of a Policy.
type PolicyValue struct {
	// Name is the row's: "monitor-only".
	Name string `json:"name"`
	// Value is what counts; empty if nobody says anything and there is no default
	// but the container's own.
	Value string `json:"value"`
	// From is who says so.
	From PolicyOrigin `json:"from"`
	// Label is the label that may say it.
	Label string `json:"label"`
	// Problem is what is wrong with the label's value: it counts as absent, or the
	// container is left alone as long as it is there. Empty if nothing is.
	Problem string `json:"problem,omitempty"`

	given, accepted string // a bad value, and what is accepted
}

// PolicyOrigin is who says what counts.
type PolicyOrigin string

// The origins.
const (
	FromLabel   PolicyOrigin = "label"
	FromOption  PolicyOrigin = "option"
	FromDefault PolicyOrigin = "default"
)

// Get returns the row of that name, the zero value if there is none.
func (p Policy) Get(name string) PolicyValue {
	if i := slices.IndexFunc(p, func(v PolicyValue) bool { return v.Name == name }); i >= 0 {
		return p[i]
	}
	return PolicyValue{}
}

// Said returns the rows that are not the default's, or that have a problem.
func (p Policy) Said() Policy {
	return slices.DeleteFunc(slices.Clone(p), func(v PolicyValue) bool { return v.From == FromDefault && v.Problem == "" })
}

// String has a line for each row: name, value, and who says so. A value that is the
// container's own is a dash.
func (p Policy) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, v := range p {
		value, from := v.Value, string(v.From)
		if value == "" {
			value = "-"
		}
		if v.From == FromLabel {
			from += " " + v.Label
		}
		if v.Problem != "" {
			from += " (label " + v.Label + ": " + v.Problem + ")"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", v.Name, value, from) // into memory
	}
	_ = w.Flush()
	return b.String()
}

func (p Policy) on(name string) bool { return p.Get(name).Value == "true" }

// The rows that a pass itself acts by.
const (
	policyMonitorOnly = "monitor-only"
	policyNoPull      = "no-pull"
)

// policyRow says where one row comes from.
type policyRow struct {
	name, label, fallback string
	// option is what the Tower's options say; empty: nothing. Nil: there is none.
	option func(c *config) string
	// accepts tells of a label's value, what is accepted first. Nil: anything is.
	accepts func(label, value string) (accepted string, ok bool)
	// switched: on if label or option says so; the label decides alone if labels
	// take precedence. For the others it always does.
	switched bool
	// strict: a bad value is not passed over, the container is left alone.
	strict bool
	// empty: an empty value says something, too.
	empty bool
	// trimmed: white space around the value does not count.
	trimmed bool
}

// policyRows are all there are, as they are shown.
var policyRows = []policyRow{
	{name: "enable", label: filter.EnableLabel, accepts: acceptsBool},
	{name: "scope", label: filter.ScopeLabel, fallback: filter.NoScope},
	{name: "image", label: lifecycle.LabelOriginalImage, accepts: acceptsReference},
	{
		name: policyMonitorOnly, label: MonitorOnlyLabel, fallback: "false", accepts: acceptsBool, switched: true,
		option: func(c *config) string { return ifOn(c.monitorOnly) },
	},
	{
		name: policyNoPull, label: NoPullLabel, fallback: "false", accepts: acceptsBool, switched: true,
		option: func(c *config) string { return ifOn(c.noPull) },
	},
	{
		name: "tag-policy", label: TagPolicyLabel, fallback: "digest", strict: true, empty: true,
		option: func(c *config) string { return c.tagPolicy.String() },
		accepts: func(_, value string) (string, bool) {
			_, err := tags.Parse(value)
			return `digest, or semver: and a range (semver:^1.2)`, err == nil
		},
	},
	{name: "depends-on", label: DependsOnLabel},
	{name: "stop-signal", label: lifecycle.LabelStopSignal, accepts: lifecycle.LabelAccepts},
	{
		name: "stop-timeout", label: lifecycle.LabelStopTimeout, accepts: lifecycle.LabelAccepts,
		option: func(c *config) string {
			if c.stopTimeout == nil {
				return ""
			}
			return c.stopTimeout.String()
		},
	},
	{
		name: "update-order", label: lifecycle.LabelUpdateOrder, fallback: string(lifecycle.StopFirst), strict: true, empty: true,
		accepts: lifecycle.LabelAccepts, option: func(c *config) string { return string(c.wish()) },
	},
	{
		name: "stable-time", label: lifecycle.LabelStableTime, fallback: lifecycle.DefaultStableTime.String(), strict: true, empty: true,
		accepts: lifecycle.LabelAccepts, option: func(c *config) string { return ifSet(c.stableTime) },
	},
	{
		name: "probe", label: lifecycle.LabelProbe, strict: true, empty: true,
		accepts: lifecycle.LabelAccepts, option: func(c *config) string { return c.probe.String() },
	},
	{
		name: "probe-timeout", label: lifecycle.LabelProbeTimeout, fallback: lifecycle.DefaultProbeTimeout.String(), strict: true, empty: true,
		accepts: lifecycle.LabelAccepts, option: func(c *config) string { return ifSet(c.probeTimeout) },
	},
	{name: "update-window", label: gate.WindowLabel, accepts: acceptsWindow, strict: true, trimmed: true},
	{name: "cooldown-delay", label: gate.CooldownLabel, accepts: acceptsDelay, trimmed: true},
	{name: "pre-check", label: lifecycle.LabelPreCheck},
	{name: "post-check", label: lifecycle.LabelPostCheck},
	{name: "pre-update", label: lifecycle.LabelPreUpdate},
	{name: "pre-update-timeout", label: lifecycle.LabelPreUpdateTimeout, accepts: lifecycle.LabelAccepts},
	{name: "post-update", label: lifecycle.LabelPostUpdate},
	{name: "post-update-timeout", label: lifecycle.LabelPostUpdateTimeout, accepts: lifecycle.LabelAccepts},
	{
		name: "hook-uid", label: lifecycle.LabelHookUID, accepts: lifecycle.LabelAccepts,
		option: func(c *config) string { return ifNumber(c.hooks.user.UID) },
	},
	{
		name: "hook-gid", label: lifecycle.LabelHookGID, accepts: lifecycle.LabelAccepts,
		option: func(c *config) string { return ifNumber(c.hooks.user.GID) },
	},
}

// policyOf is what counts for a container with these labels.
func (c *config) policyOf(labels map[string]string) Policy {
	out := make(Policy, len(policyRows))
	for i := range policyRows {
		out[i] = policyRows[i].read(c, labels)
	}
	return out
}

func (r *policyRow) read(c *config, labels map[string]string) PolicyValue {
	out := PolicyValue{Name: r.name, Value: r.fallback, From: FromDefault, Label: r.label}
	if r.option != nil {
		if value := r.option(c); value != "" {
			out.Value, out.From = value, FromOption
		}
	}
	text, said := labels[r.label]
	if r.trimmed {
		text = strings.TrimSpace(text)
	}
	if !said || text == "" && !r.empty {
		return out
	}
	if r.accepts != nil {
		accepted, ok := r.accepts(r.label, text)
		if !ok {
			text = redact.Login(text)
			out.Problem, out.given, out.accepted = fmt.Sprintf("%q: want %s", text, accepted), text, accepted
			if r.strict {
				out.Value, out.From = text, FromLabel
			}
			return out
		}
	}
	if r.switched {
		on, _ := strconv.ParseBool(text)
		text = strconv.FormatBool(on)
		if !on && out.Value == "true" && !c.labelsFirst {
			return out
		}
	}
	out.Value, out.From = text, FromLabel
	return out
}
