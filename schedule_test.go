package watchtower_test

import (
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
)

// once is a schedule of one time.
type once time.Time

func (o once) Next(after time.Time) time.Time {
	if at := time.Time(o); at.After(after) {
		return at
	}
	return time.Time{}
}

func TestWhatIsNoCronSpecification(t *testing.T) {
	t.Parallel()
	s, err := watchtower.Cron("@every 10ms", nil)
	assert.Nil(t, s)
	assert.True(t, errdefs.IsInvalidArgument(err))
	assert.EqualError(t, err, `watchtower: cron "@every 10ms": @every "10ms": want a duration of at least 1s, like 90m or 12h`)
}

func TestACronScheduleIsOfItsZone(t *testing.T) {
	t.Parallel()
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	require.NoError(t, err)
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for spec, want := range map[string]string{
		"0 4 * * *":        "2026-01-02T04:00:00+09:00",
		"TZ=UTC 0 4 * * *": "2026-01-02T04:00:00Z",
		"@every 90s":       "2026-01-01T21:01:30+09:00",
	} {
		s, err := watchtower.Cron(spec, tokyo)
		require.NoError(t, err)
		assert.Equal(t, want, s.Next(noon).Format(time.RFC3339))
	}
}

func TestJitterStaysBetweenItsTimeAndTheNext(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	const hour = time.Hour
	for name, tt := range map[string]struct {
		schedule    watchtower.Schedule
		most        time.Duration
		first, last time.Duration // after noon, that it may be at
	}{
		"less than the interval": {watchtower.Every(hour), hour / 2, hour, hour + hour/2},
		"more than the interval": {watchtower.Every(hour), 24 * hour, hour, 2 * hour},
		"the last time":          {once(noon.Add(hour)), 24 * hour, hour, 25 * hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := watchtower.Jitter(tt.schedule, tt.most)
			first, last := noon.Add(tt.first), noon.Add(tt.last)
			early, late, middle := 0, 0, first.Add(last.Sub(first)/2)
			for range 1000 {
				at := s.Next(noon)
				require.False(t, at.Before(first))
				require.True(t, at.Before(last))
				if at.Before(middle) {
					early++
				} else {
					late++
				}
			}
			assert.Greater(t, min(early, late), 300, "about half of them are in each half")
		})
	}
}

func TestJitterOfNothing(t *testing.T) {
	t.Parallel()
	hourly := watchtower.Every(time.Hour)
	assert.Equal(t, hourly, watchtower.Jitter(hourly, 0))
	assert.Equal(t, hourly, watchtower.Jitter(hourly, -time.Second))
	assert.Nil(t, watchtower.Jitter(nil, time.Second), "which WithSchedule refuses")
	assert.True(t, watchtower.Jitter(once{}, time.Hour).Next(time.Now()).IsZero(), "never is never")
	still := watchtower.Jitter(stuck{}, time.Hour)
	assert.Equal(t, time.Unix(0, 0), still.Next(time.Now()), "a schedule that goes nowhere")
}

type stuck struct{}

func (stuck) Next(time.Time) time.Time { return time.Unix(0, 0) }
