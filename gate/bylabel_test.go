package gate_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
)

func labelled(label, value string) gate.Candidate {
	return gate.Candidate{
		At: noon, Reference: "docker.io/library/nginx:1", Digest: "A",
		Container: lifecycle.Container{Name: "web", Labels: map[string]string{label: value}},
	}
}

func TestAWindowByLabel(t *testing.T) {
	t.Parallel()
	night, err := gate.ParseWindow("02:00-04:00 UTC")
	require.NoError(t, err)
	two, ten := time.Date(2026, 3, 3, 2, 0, 0, 0, time.UTC), time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC)
	const bad = "label com.centurylinklabs.watchtower.window: gate: window \"nights\": \"nights\" is no zone: " +
		"want days and hours, like \"Mon-Fri 02:00-05:00 Europe/Berlin\""
	held := func(until time.Time, reason string) gate.Decision {
		return gate.Decision{Verdict: gate.Hold, Until: until, Due: !until.IsZero(), Reason: reason}
	}
	for name, tt := range map[string]struct {
		label string
		night bool // for those without a label
		want  gate.Decision
	}{
		"no label and no window":     {"", false, gate.Decision{Verdict: gate.Accept}},
		"no label":                   {"", true, held(two, "outside its window (02:00-04:00 UTC)")},
		"an empty label":             {"  ", true, held(two, "outside its window (02:00-04:00 UTC)")},
		"a label":                    {"10:00-11:00 UTC", false, held(ten, "outside its window (10:00-11:00 UTC)")},
		"a label instead":            {"10:00-11:00 UTC", true, held(ten, "outside its window (10:00-11:00 UTC)")},
		"a label that is open":       {"12:00-13:00 UTC", true, gate.Decision{}},
		"at any time":                {"00:00-24:00", true, gate.Decision{}},
		"one that says nothing":      {"nights", false, held(time.Time{}, bad)},
		"one that opens not the day": {"nights", true, held(time.Time{}, bad)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gate.WithinByLabel(nil)
			if tt.night {
				g = gate.WithinByLabel(gate.Within(night))
			}
			d, err := g.Judge(t.Context(), labelled(gate.WindowLabel, tt.label))
			require.NoError(t, err)
			assert.Equal(t, tt.want, d)
		})
	}
	broken := gate.WithinByLabel(saying(gate.Decision{}, errors.New("cannot tell")))
	_, err = broken.Judge(t.Context(), gate.Candidate{})
	assert.EqualError(t, err, "cannot tell")
}

func TestACooldownByLabel(t *testing.T) {
	t.Parallel()
	const (
		day = 24 * time.Hour
		bad = "label com.centurylinklabs.watchtower.cooldown-delay: gate: delay \"3 days\": " +
			"want a duration like 12h, 3d or 1w12h, in ns, us, ms, s, m, h, d (24h), w (7d) and M (30d), or 0 for none"
	)
	held := func(delay time.Duration, reason string) gate.Decision {
		return gate.Decision{
			Verdict: gate.Hold, Until: noon.Add(delay),
			Reason: "cooling down: first seen 2026-03-02T12:00:00Z, to wait " + reason,
		}
	}
	for name, tt := range map[string]struct {
		label string
		delay time.Duration
		want  gate.Decision
	}{
		"no label and no delay":     {"", 0, gate.Decision{}},
		"no label":                  {"", day, held(day, "24h0m0s")},
		"a label":                   {"3d", 0, held(3*day, "72h0m0s")},
		"a label instead":           {"3d", day, held(3*day, "72h0m0s")},
		"a label that says none":    {"0", day, gate.Decision{}},
		"one that says nothing":     {"3 days", day, held(day, "24h0m0s; "+bad)},
		"and nothing else does, so": {"3 days", 0, gate.Decision{Verdict: gate.Hold, Reason: bad}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, c := gate.CooldownByLabel(tt.delay, nil), labelled(gate.CooldownLabel, tt.label)
			for range 2 {
				d, err := g.Judge(t.Context(), c)
				require.NoError(t, err)
				assert.Equal(t, tt.want, d)
			}
			if c.At = tt.want.Until; !c.At.IsZero() {
				d, err := g.Judge(t.Context(), c)
				require.NoError(t, err)
				assert.True(t, d.Accepted(), "when it has waited")
			}
		})
	}
}

// All that wait for one image began when it was first seen, whatever they wait for.
func TestCooldownsByLabelHaveOneMemory(t *testing.T) {
	t.Parallel()
	g := gate.CooldownByLabel(time.Hour, open(t, t.TempDir()))
	judge := func(label string, at time.Time) gate.Decision {
		c := labelled(gate.CooldownLabel, label)
		c.At = at
		d, err := g.Judge(context.WithoutCancel(t.Context()), c)
		require.NoError(t, err)
		return d
	}
	assert.Equal(t, noon.Add(2*time.Hour), judge("2h", noon).Until)
	assert.True(t, judge("", noon.Add(time.Hour)).Accepted())
	assert.False(t, judge("2h", noon.Add(time.Hour)).Accepted())
	assert.True(t, judge("2h", noon.Add(2*time.Hour)).Accepted())
}

func TestDelays(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"":              0,
		"0":             0,
		" 0 ":           0,
		"0s":            0,
		"90s":           90 * time.Second,
		"3d":            3 * day,
		" 1w12h ":       7*day + 12*time.Hour,
		"1M":            30 * day,
		"1m":            time.Minute,
		"1M1m":          30*day + time.Minute,
		"1.5d":          36 * time.Hour,
		".5w":           84 * time.Hour,
		"1w2d3h4m5s6ms": 9*day + 3*time.Hour + 4*time.Minute + 5*time.Second + 6*time.Millisecond,
		"7us8ns":        7008,
		"7µs":           7000,
		"7μs":           7000, // another letter
		"1d1d":          2 * day,
		"106751d23h":    math.MaxInt64 / time.Hour * time.Hour,
	} {
		got, err := gate.ParseDelay(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"3", "3.5", "3 d", "3days", "d", ".d", "1.2.3d", "-3d", "+3d", "1d-1h", "3D", "3y", "1d,2h", "0x3d", "1e3s", "00", "106752d", "9999999999999999999h", "106751d24h",
	} {
		_, err := gate.ParseDelay(text)
		require.Error(t, err, text)
		assert.True(t, errdefs.IsInvalidArgument(err))
		assert.ErrorContains(t, err, `gate: delay "`+text+`": want a duration like 12h, 3d or 1w12h`)
	}
}

func FuzzParseDelay(f *testing.F) {
	for _, text := range []string{"1w12h", "1.5d", "3M2m", "-1h", "0", "90s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := gate.ParseDelay(text)
		if err != nil {
			assert.True(t, errdefs.IsInvalidArgument(err))
			return
		}
		assert.GreaterOrEqual(t, d, time.Duration(0))
		again, err := gate.ParseDelay(d.String())
		require.NoError(t, err)
		assert.Equal(t, d, again, "what Go writes is read as Go reads it")
	})
}
