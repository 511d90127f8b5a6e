package watchtower_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/tags"
)

// labelled is a spec with labels, given in pairs.
func labelled(pairs ...string) lifecycle.Spec {
	labels := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		labels[pairs[i]] = pairs[i+1]
	}
	return lifecycle.Spec{Config: lifecycle.Document{"Labels": labels}}
}

// policyOf is the policy of a container with these labels in a check.
func policyOf(t *testing.T, spec lifecycle.Spec, opts ...watchtower.Option) watchtower.Policy {
	t.Helper()
	e := enginetest.New()
	e.Publish("app:1", version(1))
	e.Run("web", "app:1", spec)
	r, err := memory(t, e, opts...).Check(t.Context())
	require.NoError(t, err)
	return entry(t, r, "web").Policy
}

func TestWhatCountsForAContainerAndWhoSaysSo(t *testing.T) {
	t.Parallel()
	const label, option, nobody = watchtower.FromLabel, watchtower.FromOption, watchtower.FromDefault
	probe, err := lifecycle.ParseProbe("tcp://:80")
	require.NoError(t, err)
	minor, err := tags.Parse("semver:^1")
	require.NoError(t, err)
	uid, gid := 7, 8
	opts := []watchtower.Option{
		watchtower.WithMonitorOnly(true), watchtower.WithNoPull(true), watchtower.WithTagPolicy(minor),
		watchtower.WithStopTimeout(3 * time.Second), watchtower.WithUpdateOrder(lifecycle.StartFirst),
		watchtower.WithStableTime(9 * time.Second), watchtower.WithProbe(probe, 4*time.Second),
		watchtower.WithLabelHooks(watchtower.HookUser{UID: &uid, GID: &gid}),
	}
	for _, tt := range []struct {
		name, label           string
		given                 string // a label's value
		fallback, said, asked string // what counts by default, by that label, by the options
	}{
		{"enable", filter.EnableLabel, "true", "", "true", ""},
		{"scope", filter.ScopeLabel, "prod", "none", "prod", "none"},
		{"image", lifecycle.LabelOriginalImage, "app:1", "", "app:1", ""},
		{"monitor-only", watchtower.MonitorOnlyLabel, "1", "false", "true", "true"},
		{"no-pull", watchtower.NoPullLabel, "T", "false", "true", "true"},
		{"tag-policy", watchtower.TagPolicyLabel, "semver:~1.2", "digest", "semver:~1.2", "semver:^1"},
		{"depends-on", watchtower.DependsOnLabel, "db, cache", "", "db, cache", ""},
		{"stop-signal", lifecycle.LabelStopSignal, "SIGINT", "", "SIGINT", ""},
		{"stop-timeout", lifecycle.LabelStopTimeout, "90", "", "90", "3s"},
		{"update-order", lifecycle.LabelUpdateOrder, "stop-first", "stop-first", "stop-first", "start-first"},
		{"stable-time", lifecycle.LabelStableTime, "1m", "3s", "1m", "9s"},
		{"probe", lifecycle.LabelProbe, "exec:true", "", "exec:true", "tcp://:80"},
		{"probe-timeout", lifecycle.LabelProbeTimeout, "5", "1m0s", "5", "4s"},
		{"update-window", gate.WindowLabel, "Mon-Fri 22:00-04:00", "", "Mon-Fri 22:00-04:00", ""},
		{"cooldown-delay", gate.CooldownLabel, "24h", "", "24h", ""},
		{"pre-check", lifecycle.LabelPreCheck, "/pre", "", "/pre", ""},
		{"post-check", lifecycle.LabelPostCheck, "/post", "", "/post", ""},
		{"pre-update", lifecycle.LabelPreUpdate, "/drain", "", "/drain", ""},
		{"pre-update-timeout", lifecycle.LabelPreUpdateTimeout, "5", "", "5", ""},
		{"post-update", lifecycle.LabelPostUpdate, "/warm", "", "/warm", ""},
		{"post-update-timeout", lifecycle.LabelPostUpdateTimeout, "0", "", "0", ""},
		{"hook-uid", lifecycle.LabelHookUID, "1000", "", "1000", "7"},
		{"hook-gid", lifecycle.LabelHookGID, "1000", "", "1000", "8"},
	} {
		row := func(spec lifecycle.Spec, opts ...watchtower.Option) (value string, from watchtower.PolicyOrigin) {
			v := policyOf(t, spec, opts...).Get(tt.name)
			assert.Equal(t, tt.label, v.Label, tt.name)
			assert.Empty(t, v.Problem, tt.name)
			return v.Value, v.From
		}
		value, from := row(lifecycle.Spec{})
		assert.Equal(t, tt.fallback, value, tt.name)
		assert.Equal(t, nobody, from, tt.name)
		value, from = row(labelled(tt.label, tt.given))
		assert.Equal(t, tt.said, value, tt.name)
		assert.Equal(t, label, from, tt.name)
		value, from = row(lifecycle.Spec{}, opts...)
		assert.Equal(t, tt.asked, value, tt.name)
		if tt.asked != tt.fallback {
			assert.Equal(t, option, from, tt.name)
		}
	}
	rows := policyOf(t, lifecycle.Spec{})
	assert.Len(t, rows, 23, "a new row wants a line above")
	assert.Zero(t, rows.Get("no such row"))
}

func TestALabelAndAnOption(t *testing.T) {
	t.Parallel()
	for name, with := range map[string]struct {
		label  string
		option func(bool) watchtower.Option
	}{
		"monitor-only": {watchtower.MonitorOnlyLabel, watchtower.WithMonitorOnly},
		"no-pull":      {watchtower.NoPullLabel, watchtower.WithNoPull},
	} {
		for _, tt := range []struct {
			label           string
			option, prevail bool
			want            string
			from            watchtower.PolicyOrigin
		}{
			{"-", false, false, "false", watchtower.FromDefault},
			{"-", true, false, "true", watchtower.FromOption},
			{"-", true, true, "true", watchtower.FromOption},
			{"true", false, false, "true", watchtower.FromLabel},
			{"true", false, true, "true", watchtower.FromLabel},
			{"true", true, false, "true", watchtower.FromLabel},
			{"false", false, false, "false", watchtower.FromLabel},
			{"false", true, false, "true", watchtower.FromOption},
			{"false", true, true, "false", watchtower.FromLabel},
			// Empty, or no boolean: as if it were not there.
			{"", false, false, "false", watchtower.FromDefault},
			{"", true, false, "true", watchtower.FromOption},
			{"", true, true, "true", watchtower.FromOption},
			{"maybe", false, true, "false", watchtower.FromDefault},
			{"maybe", true, false, "true", watchtower.FromOption},
			{"maybe", true, true, "true", watchtower.FromOption},
		} {
			spec := labelled(with.label, tt.label)
			if tt.label == "-" {
				spec = lifecycle.Spec{}
			}
			got := policyOf(t, spec, with.option(tt.option), watchtower.WithLabelPrecedence(tt.prevail)).Get(name)
			assert.Equal(t, tt.want, got.Value, "%s: %+v", name, tt)
			assert.Equal(t, tt.from, got.From, "%s: %+v", name, tt)
			assert.Equal(t, tt.label == "maybe", got.Problem != "", "%s: %+v", name, tt)
		}
	}
}

func TestAPolicyAsText(t *testing.T) {
	t.Parallel()
	p := policyOf(t, labelled(watchtower.MonitorOnlyLabel, "true", lifecycle.LabelStopTimeout, "soon"), watchtower.WithNoPull(true))
	text := p.String()
	t.Log("\n" + text)
	assert.Regexp(t, `(?m)^monitor-only +true +label com.centurylinklabs.watchtower.monitor-only$`, text)
	assert.Regexp(t, `(?m)^no-pull +true +option$`, text)
	assert.Regexp(t, `(?m)^stop-signal +- +default$`, text)
	assert.Contains(t, text, `default (label com.centurylinklabs.watchtower.stop-timeout: "soon": want seconds (30) or a duration (1m30s), 0 or more)`)

	out, err := json.Marshal(watchtower.Entry{Policy: p})
	require.NoError(t, err)
	var got struct{ Policy []watchtower.PolicyValue }
	require.NoError(t, json.Unmarshal(out, &got))
	names := make([]string, len(got.Policy))
	for i, v := range got.Policy {
		names[i] = v.Name
	}
	assert.Equal(t, []string{"monitor-only", "no-pull", "stop-timeout"}, names, "what nobody says is not in it")
}

func TestABadLabelIsToldOfOnce(t *testing.T) {
	t.Parallel()
	e := enginetest.New()
	e.Publish("app:1", version(1))
	e.Run("web", "app:1", labelled(watchtower.MonitorOnlyLabel, "maybe", lifecycle.LabelStopSignal, "SIGFOO", watchtower.NoPullLabel, ""))
	e.Run("job", "app:1", labelled(filter.EnableLabel, "yes"))
	e.Run("other", "app:1", labelled(filter.ScopeLabel, "theirs", watchtower.MonitorOnlyLabel, "maybe", filter.EnableLabel, "true"))
	e.Run("secret", "app:1", labelled(filter.EnableLabel, "true", lifecycle.LabelProbe, "http://me:hidden@web:80/"))
	var told []string
	var log bytes.Buffer
	tw := memory(t, e, watchtower.WithFilter(filter.Enabled(true), filter.Not(filter.Scope("theirs"))), watchtower.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
		watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
			if bad, ok := e.(watchtower.LabelInvalid); ok {
				assert.False(t, bad.At.IsZero())
				assert.NotEmpty(t, bad.Accepted)
				told = append(told, fmt.Sprintf("%s %s=%s", bad.Container.Name, strings.TrimPrefix(bad.Label, "com.centurylinklabs.watchtower."), bad.Value))
			}
		})))
	for range 2 {
		_, err := tw.Check(t.Context())
		require.NoError(t, err)
		update(t, tw)
	}
	slices.Sort(told)
	assert.Equal(t, []string{"job enable=yes", "secret probe=http://***@web:80/"}, told, "web has no enable label, other is another watcher's")
	assert.Equal(t, 1, strings.Count(log.String(), "container=job image=app:1 label=com.centurylinklabs.watchtower.enable value=yes accepted=\"true or false\""), log.String())
	assert.NotContains(t, log.String(), "hidden")
}

// A gate that cannot read its label holds the container, as far as it can do no
// harm to pass over it: the rows tell.
func TestWhatABadLabelOfAGateMeans(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, label, given, want string
		from                     watchtower.PolicyOrigin
		bad                      bool
	}{
		{"update-window", gate.WindowLabel, "at night", "at night", watchtower.FromLabel, true},
		{"update-window", gate.WindowLabel, " 02:00-03:00 ", "02:00-03:00", watchtower.FromLabel, false},
		{"update-window", gate.WindowLabel, " ", "", watchtower.FromDefault, false},
		{"cooldown-delay", gate.CooldownLabel, "3", "", watchtower.FromDefault, true},
		{"cooldown-delay", gate.CooldownLabel, " 0 ", "0", watchtower.FromLabel, false},
		{"cooldown-delay", gate.CooldownLabel, " ", "", watchtower.FromDefault, false},
	} {
		got := policyOf(t, labelled(tt.label, tt.given)).Get(tt.name)
		assert.Equal(t, tt.want, got.Value, "%+v", tt)
		assert.Equal(t, tt.from, got.From, "%+v", tt)
		assert.Equal(t, tt.bad, got.Problem != "", "%+v", tt)
	}
}
