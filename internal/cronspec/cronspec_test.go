package cronspec_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/cronspec"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // a Monday

func TestWhatIsNoSpecification(t *testing.T) {
	t.Parallel()
	const forms = "want 5 fields (minute hour day month weekday), 6 with seconds before them, " +
		"@yearly, @monthly, @weekly, @daily, @hourly or @every 12h"
	for spec, why := range map[string]string{
		"":                               "0 fields: " + forms,
		"daily":                          `"daily": ` + forms,
		"@reboot":                        `"@reboot": ` + forms,
		"0 4 * *":                        "4 fields: " + forms,
		"0 0 0 4 * * *":                  "7 fields: " + forms,
		"60 4 * * *":                     `minute "60": want 0-59, with * for all, ranges, lists and steps`,
		"0 24 * * *":                     `hour "24": want 0-23, with * for all, ranges, lists and steps`,
		"0 4 0 * *":                      `day of the month "0": want 1-31, with * for all, ranges, lists and steps`,
		"0 4 1,32 * *":                   `day of the month "32": want 1-31, with * for all, ranges, lists and steps`,
		"0 4 * 13 *":                     `month "13": want 1-12 or JAN-DEC, with * for all, ranges, lists and steps`,
		"0 4 * ANF *":                    `month "ANF": want 1-12 or JAN-DEC, with * for all, ranges, lists and steps`,
		"0 4 * * 8":                      `day of the week "8": want 0-6, 7 for Sunday, or SUN-SAT, with * for all, ranges, lists and steps`,
		"0 4 * * MON-":                   `day of the week "MON-": want 0-6, 7 for Sunday, or SUN-SAT, with * for all, ranges, lists and steps`,
		"99 0 4 * * *":                   `second "99": want 0-59, with * for all, ranges, lists and steps`,
		"0 -4 * * *":                     `hour "-4": want 0-23, with * for all, ranges, lists and steps`,
		"0 +4 * * *":                     `hour "+4": want 0-23, with * for all, ranges, lists and steps`,
		"0 *-4 * * *":                    `hour "*-4": want 0-23, with * for all, ranges, lists and steps`,
		"0 1,,2 * * *":                   `hour "": want 0-23, with * for all, ranges, lists and steps`,
		"0 5-1 * * *":                    `hour "5-1": the range ends before it begins`,
		"*/0 4 * * *":                    `minute "*/0": want a step that is a whole number from 1`,
		"*/ 4 * * *":                     `minute "*/": want a step that is a whole number from 1`,
		"*/+2 4 * * *":                   `minute "*/+2": want a step that is a whole number from 1`,
		"*/99999999999999999999 4 * * *": `minute "*/99999999999999999999": want a step that is a whole number from 1`,
		"0 0 30 2 *":                     `day of the month "30" never comes in month "2": want a day of the calendar`,
		"0 0 31 4,6,9,11 *":              `day of the month "31" never comes in month "4,6,9,11": want a day of the calendar`,
		"@every":                         `"@every": ` + forms,
		"@every 12":                      `@every "12": want a duration of at least 1s, like 90m or 12h`,
		"@every 999ms":                   `@every "999ms": want a duration of at least 1s, like 90m or 12h`,
		"@every -1h":                     `@every "-1h": want a duration of at least 1s, like 90m or 12h`,
		"TZ=0":                           `zone "0": want a name of the IANA database, like Europe/Paris`,
		"TZ=0 0 4 * * *":                 `zone "0": want a name of the IANA database, like Europe/Paris`,
		"TZ= 0 4 * * *":                  `zone "": want a name of the IANA database, like Europe/Paris`,
		"TZ=../etc/passwd 0 4 * * *":     `zone "../etc/passwd": want a name of the IANA database, like Europe/Paris`,
		"TZ=UTC":                         "0 fields: " + forms,
	} {
		_, err := cronspec.Parse(spec, nil)
		require.Error(t, err, spec)
		assert.True(t, errdefs.IsInvalidArgument(err))
		assert.EqualError(t, err, fmt.Sprintf("cron %q: %s", spec, why))
	}
}

func TestWritingsOfTheSame(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"0 4 * * *", " 0  4 * * * ", `"0 4 * * *"`, "'0 4 * * *'", "0 0 4 * * *", "0 4 ? * ?", "00 04 */1 * 0-6", "TZ=UTC 0 4 * * *"},
		{"0 0 1 1 *", "@yearly", "@annually", "0 0 1 JAN *", "0 0 1 jan/12 *"},
		{"0 0 * * *", "@daily", "@midnight", "0 0 * JAN-DEC *", "0 0 * * 0-7"},
		{"0 0 * * 0", "@weekly", "0 0 * * 7", "0 0 * * sun", "0 0 * * 7/2", "0 0 * * 0/99"},
		{"0 0 * * 0,5,6", "0 0 * * 5-7", "0 0 * * FRI-SUN", "0 0 * * 5-0"},
		{"0 0 * * 1,3,5", "0 0 * * 1/2", "0 0 * * MON-FRI/2"},
		{"0 0 1-31 * *", "0 0 1-31 * MON", "0 0 */2,2-30/2 * MON"}, // either day is enough
		{"10,30,50 * * * *", "10/20 * * * *", "10-59/20 * * * *"},
		{"@hourly", "0 * * * *", "0 0 0-23 * * *", "@every 1h"}, // it is noon
		{"* * * * * *", "@every 1s"},
	} {
		want := fires(t, same[0])
		for _, spec := range same[1:] {
			assert.Equal(t, want, fires(t, spec), "%s is %s", spec, same[0])
		}
	}
	for i, name := range strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC") {
		assert.Equal(t, fires(t, fmt.Sprintf("0 0 1 %d *", i+1)), fires(t, "0 0 1 "+name+" *"))
	}
	for i, name := range strings.Fields("SUN MON TUE WED THU FRI SAT") {
		assert.Equal(t, fires(t, fmt.Sprintf("0 0 * * %d", i)), fires(t, "0 0 * * "+name))
	}
}

func fires(t *testing.T, spec string) []time.Time {
	t.Helper()
	s, err := cronspec.Parse(spec, time.UTC)
	require.NoError(t, err, spec)
	var out []time.Time
	for at := noon; len(out) < 20; {
		at = s.Next(at)
		out = append(out, at)
	}
	return out
}

func TestWithoutAZoneTheLocalOneIsMeant(t *testing.T) {
	t.Parallel()
	s, err := cronspec.Parse("0 4 * * *", nil)
	require.NoError(t, err)
	at := s.Next(noon)
	assert.Equal(t, time.Local, at.Location())
	assert.Equal(t, 4, at.Hour())
}

// random writes a field, and tells which values it means and whether it is a star.
func random(r *rand.Rand, least, most int) (text string, means []int, star bool) {
	var items []string
	for range 1 + r.IntN(2) {
		first := least + r.IntN(most-least+1)
		last := first + r.IntN(most-first+1)
		step := 1 + r.IntN(most)
		switch r.IntN(5) {
		case 0:
			items, first, last, step, star = append(items, "*"), least, most, 1, true
		case 1:
			items, last = append(items, fmt.Sprint(first)), first
		case 2:
			items, step = append(items, fmt.Sprintf("%d-%d", first, last)), 1
		case 3:
			items = append(items, fmt.Sprintf("%d-%d/%d", first, last, step))
		case 4:
			items, first, last, star = append(items, fmt.Sprintf("*/%d", step)), least, most, star || step == 1
		}
		for n := first; n <= last; n += step {
			means = append(means, n)
		}
	}
	return strings.Join(items, ","), means, star
}

// Looking at one second after the other finds the same times.
func TestNothingIsMissedOrInvented(t *testing.T) {
	t.Parallel()
	const seed = 1
	r := rand.New(rand.NewPCG(seed, seed))
	for range 1000 {
		second, seconds, _ := random(r, 0, 59)
		minute, minutes, _ := random(r, 0, 59)
		hour, hours, _ := random(r, 0, 23)
		day, days, anyDay := random(r, 1, 31)
		month, months, _ := random(r, 1, 12)
		weekday, weekdays, anyWeekday := random(r, 0, 6)
		step, text := time.Second, strings.Join([]string{second, minute, hour, day, month, weekday}, " ")
		if r.IntN(2) == 0 {
			step, seconds, text = time.Minute, []int{0}, strings.Join([]string{minute, hour, day, month, weekday}, " ")
		}
		s, err := cronspec.Parse(text, time.UTC)
		if err != nil {
			require.ErrorContains(t, err, "never comes")
			continue
		}
		matches := func(at time.Time) bool {
			onDay, onWeekday := slices.Contains(days, at.Day()), slices.Contains(weekdays, int(at.Weekday()))
			on := onDay || onWeekday
			if anyDay || anyWeekday {
				on = onDay && onWeekday
			}
			return on && slices.Contains(months, int(at.Month())) && slices.Contains(hours, at.Hour()) &&
				slices.Contains(minutes, at.Minute()) && slices.Contains(seconds, at.Second())
		}
		// Somewhat before a time at which it fires, so that looking ends.
		sometime := noon.Add(time.Duration(r.Int64N(int64(10 * 365 * 24 * time.Hour))))
		after := s.Next(sometime).Add(-time.Duration(1+r.IntN(5000))*step - time.Duration(r.IntN(2)))
		at := after.Truncate(step).Add(step)
		for !matches(at) {
			at = at.Add(step)
		}
		require.Equal(t, at, s.Next(after), "%s after %s", text, after)
	}
}

// Whatever clocks do, what is daily comes once for each day of the calendar: also for
// the one that Samoa left out.
func TestEveryDayHasItsTimeOnce(t *testing.T) {
	t.Parallel()
	first, last := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	days := int(last.Sub(first).Hours() / 24)
	for _, name := range []string{
		"Africa/Cairo", "Africa/Casablanca", "America/Asuncion", "America/Havana", "America/New_York", "America/Nuuk", "America/Sao_Paulo",
		"Antarctica/Troll", "Asia/Beirut", "Asia/Gaza", "Asia/Pyongyang", "Asia/Tehran", "Australia/Lord_Howe", "Europe/Dublin", "Europe/Paris",
		"Pacific/Apia", "Pacific/Kiritimati",
	} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		for _, clock := range []string{"30 0", "15 2", "59 23"} {
			s, err := cronspec.Parse(clock+" * * *", zone)
			require.NoError(t, err)
			count := 0
			begin, end := time.Date(2010, 1, 1, 0, 0, 0, 0, zone), time.Date(2027, 1, 1, 0, 0, 0, 0, zone)
			for at := s.Next(begin); at.Before(end); at = s.Next(at) {
				count++
			}
			assert.Equal(t, days, count, "%s %s", name, clock)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, spec := range []string{
		"0 4 * * *", "*/5 0-23/2 ? JAN-MAR,DEC MON-SUN", "TZ=Africa/Cairo 0 0 0 * * *", "@every 90m", "TZ=0", "CRON_TZ=Australia/Lord_Howe 15 2 29 2 7",
	} {
		f.Add(spec, noon.Unix())
	}
	paris, err := time.LoadLocation("Europe/Paris")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, spec string, unix int64) {
		s, err := cronspec.Parse(spec, paris)
		if err != nil {
			assert.True(t, errdefs.IsInvalidArgument(err))
			return
		}
		again, err := cronspec.Parse(s.String(), paris)
		require.NoError(t, err)
		after := time.Unix(unix%(1<<34), 0) // within 500 years of 1970
		next := s.Next(after)
		assert.True(t, next.After(after), "%q after %s: %s", spec, after, next)
		assert.Equal(t, next, again.Next(after))
		if !strings.Contains(spec, "@every") {
			assert.Less(t, next.Sub(after), 9*366*24*time.Hour, "leap days are eight years apart at most")
		}
	})
}
