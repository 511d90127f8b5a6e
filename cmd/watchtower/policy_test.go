package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
)

func TestWhereAPolicyComesFrom(t *testing.T) {
	t.Parallel()
	s, err := parse(t, map[string]string{"WATCHTOWER_NO_PULL": "1"}, "-m")
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, printPolicy(&out, "web", []policyRow{
		{name: "monitor-only", value: "true", from: fromOption},
		{name: "no-pull", value: "true", from: fromOption, note: "its label: want true or false"},
		{name: "scope", from: fromOption},
		{name: "depends-on", value: "\x1b[2Jdb", from: "l"},
		{name: "probe", value: "exec:test\n  -f /ready", from: "com.centurylinklabs.watchtower.probe"},
	}, s))
	assert.Equal(t, `
web
  monitor-only  true                 --monitor-only
  no-pull       true                 WATCHTOWER_NO_PULL (its label: want true or false)
  scope                              default
  depends-on    �[2Jdb               l
  probe         exec:test -f /ready  com.centurylinklabs.watchtower.probe
`, out.String())
}

// Rows that settings of other names give, or that are the gates'.
func TestWhereARowComesFromThatIsNoSettingOfItsName(t *testing.T) {
	t.Parallel()
	const label, option, nobody = watchtower.FromLabel, watchtower.FromOption, watchtower.FromDefault
	window := "com.centurylinklabs.watchtower.window"
	given := map[string]string{
		"WATCHTOWER_LIFECYCLE_UID": "33", "WATCHTOWER_ROLLING_RESTART": "1",
		"WATCHTOWER_UPDATE_WINDOW": "Mon 02:00-03:00", "WATCHTOWER_COOLDOWN_DELAY": "3d",
	}
	for name, tt := range map[string]struct {
		env  map[string]string
		args []string
		row  watchtower.PolicyValue
		want string
	}{
		"hook's user":             {given, nil, watchtower.PolicyValue{Name: "hook-uid", Value: "33", From: option}, "hook-uid 33 WATCHTOWER_LIFECYCLE_UID"},
		"hook's group":            {given, []string{"--lifecycle-gid=7"}, watchtower.PolicyValue{Name: "hook-gid", Value: "7", From: option}, "hook-gid 7 --lifecycle-gid"},
		"order of rolling":        {given, nil, watchtower.PolicyValue{Name: "update-order", Value: "start-first", From: option}, "update-order start-first WATCHTOWER_ROLLING_RESTART"},
		"order":                   {given, []string{"--update-order=stop-first"}, watchtower.PolicyValue{Name: "update-order", Value: "stop-first", From: option}, "update-order stop-first --update-order"},
		"window":                  {given, nil, watchtower.PolicyValue{Name: "update-window", From: nobody}, "update-window Mon 02:00-03:00 WATCHTOWER_UPDATE_WINDOW"},
		"window of a label":       {given, nil, watchtower.PolicyValue{Name: "update-window", Value: "00:00-24:00", From: label, Label: window}, "update-window 00:00-24:00 " + window},
		"no window":               {nil, nil, watchtower.PolicyValue{Name: "update-window", From: nobody}, "update-window default"},
		"cooldown":                {given, nil, watchtower.PolicyValue{Name: "cooldown-delay", From: nobody}, "cooldown-delay 72h0m0s WATCHTOWER_COOLDOWN_DELAY"},
		"cooldown of a bad label": {given, nil, watchtower.PolicyValue{Name: "cooldown-delay", From: nobody, Label: "l", Problem: "want"}, "cooldown-delay 72h0m0s WATCHTOWER_COOLDOWN_DELAY (label l: want)"},
		"no cooldown":             {nil, []string{"--cooldown-delay=0"}, watchtower.PolicyValue{Name: "cooldown-delay", From: nobody}, "cooldown-delay default"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := parse(t, tt.env, tt.args...)
			require.NoError(t, err)
			var out bytes.Buffer
			require.NoError(t, printPolicy(&out, "web", s.rowsOf(watchtower.Policy{tt.row}), s))
			assert.Equal(t, "web "+tt.want, oneLine(out.String()))
		})
	}
}

// Behind check, -v is what it is with most programs; in front of names alone it is
// what it was.
func TestCheckTellsWhatWasSet(t *testing.T) {
	t.Parallel()
	env := []string{
		"WATCHTOWER_CLEANUP=1", "WATCHTOWER_HTTP_API_TOKEN=canary", "WATCHTOWER_DISABLE_CONTAINERS=a, b", "DOCKER_HOST=tcp://me:canary@h",
		"REPO_USER=canary", "REPO_PASS=canary", "REPO_HOST=r.example", "DOCKER_AUTH_CONFIG=canary", "HTTPS_PROXY=me:canary@proxy",
	}
	for name, args := range map[string][]string{
		"behind":   {"check", "-v", "--tlsverify"},
		"in front": {"--tlsverify", "-v", "check"},
		"in full":  {"check", "--verbose", "--tlsverify=true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			f := &fake{report: &watchtower.Report{}}
			var kept session
			require.Equal(t, exitOK, run(args, &out, &errs, env, f.with(&kept)), errs.String())
			assert.Equal(t, []string{"check"}, f.calls)
			assert.True(t, kept.settings.tlsVerify)
			assert.NotContains(t, out.String()+errs.String(), "canary")
			assert.Contains(t, out.String(), `
What was set:
  host                tcp://***@h  DOCKER_HOST
  tlsverify           true         --tlsverify
  disable-containers  a, b         WATCHTOWER_DISABLE_CONTAINERS
  cleanup             1            WATCHTOWER_CLEANUP
  DOCKER_AUTH_CONFIG  ***          DOCKER_AUTH_CONFIG
  REPO_USER           ***          REPO_USER
  REPO_PASS           ***          REPO_PASS
  REPO_HOST           r.example    REPO_HOST
  HTTPS_PROXY         ***          HTTPS_PROXY
  http-api-token      ***          WATCHTOWER_HTTP_API_TOKEN
`)
		})
	}
	for _, args := range [][]string{{"check"}, {"check", "-m"}} {
		var out, errs bytes.Buffer
		f := &fake{report: &watchtower.Report{}}
		var kept session
		require.Equal(t, exitOK, run(args, &out, &errs, env, f.with(&kept)), errs.String())
		assert.NotContains(t, out.String(), "What was set")
		assert.False(t, kept.settings.tlsVerify)
	}
	var out, errs bytes.Buffer
	f := &fake{report: &watchtower.Report{}}
	var kept session
	require.Equal(t, exitOK, run([]string{"-Rv"}, &out, &errs, nil, f.with(&kept)), errs.String())
	assert.True(t, kept.settings.tlsVerify)
}
