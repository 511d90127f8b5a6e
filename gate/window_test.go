package gate_test

import (
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/gate"
)

func TestWindows(t *testing.T) {
	t.Parallel()
	const form = time.RFC3339
	tests := []struct {
		name, window, at string
		opens            string // empty: never; "now"
	}{
		{"every day", "02:00-05:00 UTC", "2026-03-02T03:00:00Z", "now"},
		{"its first moment", "02:00-05:00 UTC", "2026-03-02T02:00:00Z", "now"},
		{"its last moment is out", "02:00-05:00 UTC", "2026-03-02T05:00:00Z", "2026-03-03T02:00:00Z"},
		{"a weekday", "Mon-Fri 02:00-05:00 UTC", "2026-03-06T06:00:00Z", "2026-03-09T02:00:00Z"},
		{"over Sunday", "sat-mon 2:00-05:00 UTC", "2026-03-04T00:00:00Z", "2026-03-07T02:00:00Z"},
		{"over midnight, before it", "Sat 22:00-06:00 UTC", "2026-03-07T23:00:00Z", "now"},
		{"over midnight, after it", "Sat 22:00-06:00 UTC", "2026-03-08T05:59:59Z", "now"},
		{"over midnight, the day after", "Sat 22:00-06:00 UTC", "2026-03-08T22:00:00Z", "2026-03-14T22:00:00Z"},
		{"a whole day", "Sunday 00:00-24:00 UTC", "2026-03-08T23:59:00Z", "now"},
		{"several parts", "Mon 02:00-03:00, Wed,Thu 10:00-11:00 UTC", "2026-03-03T00:00:00Z", "2026-03-04T10:00:00Z"},
		{"another zone", "02:00-05:00 Asia/Tokyo", "2026-03-02T16:59:00Z", "2026-03-02T17:00:00Z"},
		{"an hour that spring leaves out", "02:00-03:00 Europe/Berlin", "2026-03-29T00:59:00Z", "2026-03-30T00:00:00Z"},
		{"one that begins in it", "02:30-05:00 Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"},
		{"an hour that comes twice, the first", "02:00-03:00 Europe/Berlin", "2026-10-25T00:30:00Z", "now"},
		{"the second", "02:00-03:00 Europe/Berlin", "2026-10-25T01:30:00Z", "now"},
		{"and its end", "02:00-03:00 Europe/Berlin", "2026-10-25T02:00:00Z", "2026-10-26T01:00:00Z"},
		{"half an hour's shift", "02:15-02:30 Australia/Lord_Howe", "2026-10-03T15:00:00Z", "2026-10-04T15:15:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, err := gate.ParseWindow(tt.window)
			require.NoError(t, err)
			at, err := time.Parse(form, tt.at)
			require.NoError(t, err)
			want := tt.opens
			if want == "now" {
				want = tt.at
			}
			assert.Equal(t, want, w.Next(at).UTC().Format(form))
			assert.Equal(t, tt.opens == "now", w.Open(at))
			d, err := gate.Within(w).Judge(t.Context(), gate.Candidate{At: at})
			require.NoError(t, err)
			assert.Equal(t, tt.opens == "now", d.Accepted())
			if !d.Accepted() {
				assert.Equal(t, want, d.Until.UTC().Format(form))
				assert.Equal(t, "outside its window ("+tt.window+")", d.Reason)
			}
		})
	}
	assert.True(t, gate.Window{}.Next(noon).IsZero(), "no window is never open")
}

func TestWhatIsNoWindow(t *testing.T) {
	t.Parallel()
	for text, why := range map[string]string{
		"":                         "it names no hours",
		"UTC":                      "it names no hours",
		"Mon-Fri":                  "it names no hours",
		"Mon-Fri , UTC":            "it names no hours",
		"Mox 02:00-03:00 UTC":      `"Mox" is no day of the week`,
		"Mo 02:00-03:00 UTC":       `"Mo" is no day of the week`,
		"25:00-26:00 UTC":          `"25:00-26:00" are no hours`,
		"02:00 UTC":                `"02:00" are no hours`,
		"02:00-02:00 UTC":          `"02:00-02:00" are no hours`,
		"24:00-02:00 UTC":          `"24:00-02:00" are no hours`,
		"02:00-03:00 Mars/Olympus": `"Mars/Olympus" is no zone`,
	} {
		_, err := gate.ParseWindow(text)
		require.Error(t, err, text)
		assert.True(t, errdefs.IsInvalidArgument(err))
		assert.Contains(t, err.Error(), why)
		assert.Contains(t, err.Error(), `want days and hours, like "Mon-Fri 02:00-05:00 Europe/Berlin"`)
	}
}

func FuzzParseWindow(f *testing.F) {
	f.Add("Mon-Fri 02:00-05:00, Sat 22:00-06:00 UTC")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := gate.ParseWindow(text)
		if err != nil {
			return
		}
		next := w.Next(noon)
		assert.True(t, !next.Before(noon) && w.Open(next), "what has hours is open at some time: %q", text)
	})
}
