package watchtower_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// released is an image of which its labels tell.
func released(version string, labels ...string) enginetest.Image {
	image := enginetest.Image{
		Env: []string{"VERSION=" + version}, Created: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC),
		Labels: map[string]string{"org.opencontainers.image.version": version, "org.opencontainers.image.source": "https://example.com/app"},
	}
	for i := 0; i < len(labels); i += 2 {
		image.Labels[labels[i]] = labels[i+1]
	}
	return image
}

func info(version string) watchtower.ImageInfo {
	return watchtower.ImageInfo{
		Version: version, Source: "https://example.com/app", Created: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC),
	}
}

// What is told is told from the check on, whatever becomes of the container, and costs
// an ordinary check nothing.
func TestWhatAnUpdateMeansIsTold(t *testing.T) {
	t.Parallel()
	hold := watchtower.WithGate(gate.Func(func(context.Context, gate.Candidate) (gate.Decision, error) {
		return gate.Decision{Verdict: gate.Hold, Reason: "not today"}, nil
	}))
	for name, tt := range map[string]struct {
		opts   []watchtower.Option
		status watchtower.Status
		pulled bool
	}{
		"updated":        {nil, watchtower.StatusUpdated, false},
		"held":           {[]watchtower.Option{hold}, watchtower.StatusHeld, false},
		"only monitored": {[]watchtower.Option{watchtower.WithMonitorOnly(true)}, watchtower.StatusStale, false},
		"from here":      {[]watchtower.Option{watchtower.WithNoPull(true)}, watchtower.StatusUpdated, true},
	} {
		for store, engine := range stores() {
			t.Run(name+", "+store, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					e := engine()
					e.Publish("app:1", released("1.4.2"))
					// What a tool copied from an older image's labels to the container is not the image's word.
					e.Run("web", "app:1", labelled("org.opencontainers.image.version", "0.9"))
					e.Publish("app:1", released("1.5.0"))
					if tt.pulled {
						require.NoError(t, e.Pull(t.Context(), lifecycle.PullOptions{Reference: "app:1"}))
					}
					var told []string
					tw := memory(t, e, append(tt.opts, watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
						switch e := e.(type) {
						case watchtower.UpdateFound:
							told = append(told, "found "+e.Entry.Change().String())
						case watchtower.UpdateHeld:
							told = append(told, "held "+e.Entry.Change().String())
						case watchtower.UpdateEnded:
							told = append(told, "ended "+e.Entry.Change().String())
						}
					})))...)
					got := entry(t, update(t, tw), "web")
					assert.Equal(t, tt.status, got.Status)
					assert.Equal(t, info("1.4.2"), got.From)
					assert.Equal(t, info("1.5.0"), got.To)
					assert.NotEmpty(t, told)
					for _, line := range told {
						assert.Contains(t, line, " 1.4.2 -> 1.5.0 (https://example.com/app)")
					}
					if tt.status == watchtower.StatusUpdated {
						now := entry(t, update(t, tw), "web")
						assert.Equal(t, watchtower.StatusFresh, now.Status)
						assert.Equal(t, info("1.5.0"), now.From, "it runs that now")
						assert.Zero(t, now.To)
					}
				})
			})
		}
	}
}

// A checker that cannot read what an image says leaves that to the engine.
type mute struct{ watchtower.Checker }

func TestWhatNobodyShowsBeforeThePullIsToldAfterIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		e.Publish("app:1", released("1"))
		e.Run("web", "app:1", lifecycle.Spec{})
		e.Publish("app:1", released("2"))
		tw := memory(t, e, watchtower.WithChecker(mute{e.Checker()}))
		r, err := tw.Check(t.Context())
		require.NoError(t, err)
		assert.Zero(t, entry(t, r, "web").To)
		assert.Empty(t, entry(t, r, "web").Change().String())
		assert.Equal(t, "1 -> 2 (https://example.com/app)", entry(t, update(t, tw), "web").Change().String())
	})
}

func TestAPlanTellsWhatItMeans(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		e.Publish("app:1", released("1.4.2"))
		e.Run("web", "app:1", lifecycle.Spec{})
		e.Publish("app:1", released("1.5.0"))
		r, err := memory(t, e).Check(t.Context())
		require.NoError(t, err)
		assert.Contains(t, r.Plan.String(), "\nreplace web: its reference points at another image: 1.4.2 -> 1.5.0 (https://example.com/app)\n")

		data, err := json.Marshal(r)
		require.NoError(t, err)
		const change = `"from":{"version":"1.4.2","source":"https://example.com/app","created":"2026-01-01T12:00:00Z"},` +
			`"to":{"version":"1.5.0","source":"https://example.com/app","created":"2026-01-01T12:00:00Z"}`
		assert.Equal(t, 2, strings.Count(string(data), change), "in the entry and in the plan: %s", data)
		var read watchtower.Report
		require.NoError(t, json.Unmarshal(data, &read))
		assert.Equal(t, r.Plan, read.Plan)
		assert.Equal(t, entry(t, r, "web").Change(), entry(t, &read, "web").Change())

		silent := read.Plan
		silent.Groups = []watchtower.PlannedGroup{{Members: []watchtower.PlannedMember{r.Plan.Groups[0].Members[0]}, Order: r.Plan.Groups[0].Order}}
		silent.Groups[0].Members[0].Change = watchtower.Change{}
		assert.Equal(t, r.Plan.ID(), silent.ID(), "nobody says yes to it")

		e.SetFault(func(_ int, c enginetest.Call) enginetest.Fault {
			if c.Method == "Pull" {
				return enginetest.Before
			}
			return enginetest.None
		})
		failed, err := memory(t, e).Apply(t.Context(), read.Plan)
		require.NoError(t, err)
		assert.Equal(t, watchtower.StatusFailed, entry(t, failed, "web").Status)
		assert.Equal(t, info("1.5.0"), entry(t, failed, "web").To, "though nobody saw it")
		e.SetFault(nil)
		done, err := memory(t, e).Apply(t.Context(), read.Plan)
		require.NoError(t, err)
		assert.Equal(t, "1.4.2 -> 1.5.0 (https://example.com/app)", entry(t, done, "web").Change().String())
	})
}

func TestWhatImagesSayOfThemselves(t *testing.T) {
	t.Parallel()
	const oci, schema = "org.opencontainers.image.", "org.label-schema."
	day := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name    string
		labels  map[string]string
		created time.Time
		want    watchtower.ImageInfo
	}{
		{"nothing", nil, time.Time{}, watchtower.ImageInfo{}},
		{"in the words of the OCI", map[string]string{
			oci + "version": "1.2", oci + "revision": "abc", oci + "source": "http://example.com/x?y#z", oci + "created": "2026-01-01T14:00:00+02:00",
			schema + "version": "old", schema + "vcs-ref": "old", schema + "vcs-url": "https://old", schema + "build-date": "2001-01-01T00:00:00Z",
		}, day.AddDate(1, 0, 0), watchtower.ImageInfo{Version: "1.2", Revision: "abc", Source: "http://example.com/x?y#z", Created: day}},
		{"in those of Label Schema", map[string]string{
			schema + "version": "1.2", schema + "vcs-ref": "abc", schema + "vcs-url": "https://example.com/x", schema + "build-date": "2026-01-01T12:00:00Z",
		}, time.Time{}, watchtower.ImageInfo{Version: "1.2", Revision: "abc", Source: "https://example.com/x", Created: day}},
		{"its configuration has the time", nil, day, watchtower.ImageInfo{Created: day}},
		{"a reproducible build", map[string]string{oci + "created": "1980-01-01T00:00:00Z"}, time.Time{}, watchtower.ImageInfo{}},
		{"a time that is none", map[string]string{oci + "created": "yesterday"}, day, watchtower.ImageInfo{Created: day}},
		{
			"commands for a terminal",
			map[string]string{oci + "version": "\x1b[31m1.2\x07\r\n\u009b2J\u202etxt", oci + "revision": "a\x00b\xff"},
			time.Time{},
			watchtower.ImageInfo{Version: "[31m1.22Jtxt", Revision: "ab"},
		},
		{
			"too much",
			map[string]string{oci + "version": strings.Repeat("é", 200), oci + "source": "https://example.com/" + strings.Repeat("x", 500)},
			time.Time{},
			watchtower.ImageInfo{Version: strings.Repeat("é", 50)},
		},
		{"a login in the link", map[string]string{oci + "source": "https://me:secret@example.com/x"}, time.Time{}, watchtower.ImageInfo{Source: "https://example.com/x"}},
		{"a script for a link", map[string]string{oci + "source": "javascript:alert(1)"}, time.Time{}, watchtower.ImageInfo{}},
		{
			"a link of another kind",
			map[string]string{oci + "source": "git@example.com:x.git", schema + "vcs-url": "HTTPS://example.com/x"},
			time.Time{},
			watchtower.ImageInfo{Source: "https://example.com/x"},
		},
		{"a link without a host", map[string]string{oci + "source": "https:///x"}, time.Time{}, watchtower.ImageInfo{}},
		{"a link that breaks out", map[string]string{oci + "source": `https://example.com/?"><script>`}, time.Time{}, watchtower.ImageInfo{}},
		{"a link that turns around", map[string]string{oci + "source": "https://example.com/?\u202egpj"}, time.Time{}, watchtower.ImageInfo{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := enginetest.New()
			e.Publish("app:1", enginetest.Image{Labels: tt.labels, Created: tt.created})
			e.Run("web", "app:1", lifecycle.Spec{})
			e.Publish("app:1", enginetest.Image{Labels: tt.labels, Created: tt.created, Env: []string{"VERSION=2"}})
			r, err := memory(t, e).Check(t.Context())
			require.NoError(t, err)
			assert.Equal(t, tt.want, entry(t, r, "web").From, "of the image that is here")
			assert.Equal(t, tt.want, entry(t, r, "web").To, "of the one that is not")
		})
	}
}

func TestAChangeIsToldInFewWords(t *testing.T) {
	t.Parallel()
	one, two := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	const commit = "0123456789abcdef0123456789abcdef01234567"
	type info = watchtower.ImageInfo
	for want, change := range map[string]watchtower.Change{
		"":                                      {From: info{Version: "1"}},
		"1.4.2 -> 1.5.0":                        {From: info{Version: "1.4.2", Revision: "a"}, To: info{Version: "1.5.0", Revision: "b"}},
		"unknown -> 1.5.0":                      {To: info{Version: "1.5.0"}},
		"1 revision v1-2-dirty -> 0123456789ab": {From: info{Version: "1", Revision: "v1-2-dirty", Created: one}, To: info{Version: "1", Revision: commit, Created: two}},
		"1 created 2026-01-01 -> 2026-02-01":    {From: info{Version: "1", Created: one}, To: info{Version: "1", Created: two}},
		"created 2026-01-01 -> 2026-02-01":      {From: info{Created: one}, To: info{Created: two}},
		"(https://example.com)":                 {To: info{Source: "https://example.com"}},
		"1 (https://example.com)":               {From: info{Version: "1", Revision: commit, Created: one}, To: info{Version: "1", Revision: commit, Created: one, Source: "https://example.com"}},
		"1":                                     {From: info{Version: "1"}, To: info{Version: "1"}},
	} {
		assert.Equal(t, want, change.String())
	}
}
