package cronspec_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/cronspec"
)

// compare renders a table of when specifications fire, five times each, as the
// clocks of their zone show it. Each row is a specification and a time to begin
// after, which is RFC 3339.
func compare(t *testing.T, layout string, rows [][2]string, want string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("\n")
	for _, row := range rows {
		s, err := cronspec.Parse(row[0], time.UTC)
		require.NoError(t, err)
		at, err := time.Parse(time.RFC3339, row[1])
		require.NoError(t, err)
		fmt.Fprintf(&b, "%-40s", s)
		for range 5 {
			at = s.Next(at)
			b.WriteString(" | " + at.Format(layout))
		}
		b.WriteString("\n")
	}
	t.Log(b.String())
	assert.Equal(t, want, b.String())
}

func TestTableOfForms(t *testing.T) {
	t.Parallel()
	const noon = "2026-03-02T12:00:00Z" // a Monday
	compare(t, "Mon 2006-01-02 15:04:05", [][2]string{
		{"0 4 * * *", noon},
		{"30 0 4 * * *", noon},
		{"*/15 * * * *", noon},
		{"*/20 * * * * *", noon},
		{"0 4 * * MON-FRI", noon},
		{"0 4 * * 7", noon},
		{"0 0 1 * MON", noon},
		{"0 4 */2 * ?", noon},
		{"0 4 */2 * MON", noon},
		{"0 4-8/2,20 1,15 jan-mar *", noon},
		{"0 0 29 2 *", noon},
		{"@yearly", noon},
		{"@monthly", noon},
		{"@weekly", noon},
		{"@daily", noon},
		{"@hourly", noon},
		{"@every 1h30m", noon},
		{"TZ=Asia/Tokyo 0 4 * * *", noon},
		{"CRON_TZ=America/New_York 0 4 * * *", noon},
	}, `
0 4 * * *                                | Tue 2026-03-03 04:00:00 | Wed 2026-03-04 04:00:00 | Thu 2026-03-05 04:00:00 | Fri 2026-03-06 04:00:00 | Sat 2026-03-07 04:00:00
30 0 4 * * *                             | Tue 2026-03-03 04:00:30 | Wed 2026-03-04 04:00:30 | Thu 2026-03-05 04:00:30 | Fri 2026-03-06 04:00:30 | Sat 2026-03-07 04:00:30
*/15 * * * *                             | Mon 2026-03-02 12:15:00 | Mon 2026-03-02 12:30:00 | Mon 2026-03-02 12:45:00 | Mon 2026-03-02 13:00:00 | Mon 2026-03-02 13:15:00
*/20 * * * * *                           | Mon 2026-03-02 12:00:20 | Mon 2026-03-02 12:00:40 | Mon 2026-03-02 12:01:00 | Mon 2026-03-02 12:01:20 | Mon 2026-03-02 12:01:40
0 4 * * MON-FRI                          | Tue 2026-03-03 04:00:00 | Wed 2026-03-04 04:00:00 | Thu 2026-03-05 04:00:00 | Fri 2026-03-06 04:00:00 | Mon 2026-03-09 04:00:00
0 4 * * 7                                | Sun 2026-03-08 04:00:00 | Sun 2026-03-15 04:00:00 | Sun 2026-03-22 04:00:00 | Sun 2026-03-29 04:00:00 | Sun 2026-04-05 04:00:00
0 0 1 * MON                              | Mon 2026-03-09 00:00:00 | Mon 2026-03-16 00:00:00 | Mon 2026-03-23 00:00:00 | Mon 2026-03-30 00:00:00 | Wed 2026-04-01 00:00:00
0 4 */2 * ?                              | Tue 2026-03-03 04:00:00 | Thu 2026-03-05 04:00:00 | Sat 2026-03-07 04:00:00 | Mon 2026-03-09 04:00:00 | Wed 2026-03-11 04:00:00
0 4 */2 * MON                            | Tue 2026-03-03 04:00:00 | Thu 2026-03-05 04:00:00 | Sat 2026-03-07 04:00:00 | Mon 2026-03-09 04:00:00 | Wed 2026-03-11 04:00:00
0 4-8/2,20 1,15 jan-mar *                | Sun 2026-03-15 04:00:00 | Sun 2026-03-15 06:00:00 | Sun 2026-03-15 08:00:00 | Sun 2026-03-15 20:00:00 | Fri 2027-01-01 04:00:00
0 0 29 2 *                               | Tue 2028-02-29 00:00:00 | Sun 2032-02-29 00:00:00 | Fri 2036-02-29 00:00:00 | Wed 2040-02-29 00:00:00 | Mon 2044-02-29 00:00:00
@yearly                                  | Fri 2027-01-01 00:00:00 | Sat 2028-01-01 00:00:00 | Mon 2029-01-01 00:00:00 | Tue 2030-01-01 00:00:00 | Wed 2031-01-01 00:00:00
@monthly                                 | Wed 2026-04-01 00:00:00 | Fri 2026-05-01 00:00:00 | Mon 2026-06-01 00:00:00 | Wed 2026-07-01 00:00:00 | Sat 2026-08-01 00:00:00
@weekly                                  | Sun 2026-03-08 00:00:00 | Sun 2026-03-15 00:00:00 | Sun 2026-03-22 00:00:00 | Sun 2026-03-29 00:00:00 | Sun 2026-04-05 00:00:00
@daily                                   | Tue 2026-03-03 00:00:00 | Wed 2026-03-04 00:00:00 | Thu 2026-03-05 00:00:00 | Fri 2026-03-06 00:00:00 | Sat 2026-03-07 00:00:00
@hourly                                  | Mon 2026-03-02 13:00:00 | Mon 2026-03-02 14:00:00 | Mon 2026-03-02 15:00:00 | Mon 2026-03-02 16:00:00 | Mon 2026-03-02 17:00:00
@every 1h30m                             | Mon 2026-03-02 13:30:00 | Mon 2026-03-02 15:00:00 | Mon 2026-03-02 16:30:00 | Mon 2026-03-02 18:00:00 | Mon 2026-03-02 19:30:00
TZ=Asia/Tokyo 0 4 * * *                  | Tue 2026-03-03 04:00:00 | Wed 2026-03-04 04:00:00 | Thu 2026-03-05 04:00:00 | Fri 2026-03-06 04:00:00 | Sat 2026-03-07 04:00:00
CRON_TZ=America/New_York 0 4 * * *       | Tue 2026-03-03 04:00:00 | Wed 2026-03-04 04:00:00 | Thu 2026-03-05 04:00:00 | Fri 2026-03-06 04:00:00 | Sat 2026-03-07 04:00:00
`)
}

// A time that is left out fires at the jump; what is for every hour goes on.
func TestTableOfSpring(t *testing.T) {
	t.Parallel()
	compare(t, "Jan 02 15:04 -07:00", [][2]string{
		{"TZ=America/New_York 30 2 * * *", "2026-03-07T00:00:00-05:00"},
		{"TZ=America/New_York 30 * * * *", "2026-03-08T00:00:00-05:00"},
		{"TZ=America/New_York 0,30 2,3 * * *", "2026-03-07T12:00:00-05:00"},
		{"TZ=Europe/Paris 30 2 * * *", "2026-03-28T00:00:00+01:00"},
		{"TZ=Europe/Paris */20 * * * *", "2026-03-29T01:30:00+01:00"},
		{"TZ=Europe/Paris 0 */2 * * *", "2026-03-28T23:00:00+01:00"},
		{"TZ=Australia/Lord_Howe 15 2 * * *", "2026-10-03T00:00:00+10:30"},
		{"TZ=Australia/Lord_Howe 15 * * * *", "2026-10-04T00:00:00+10:30"},
		{"TZ=Australia/Lord_Howe 45 * * * *", "2026-10-04T00:00:00+10:30"},
		{"TZ=Africa/Cairo 0 0 * * *", "2026-04-23T12:00:00+02:00"},
		{"TZ=Africa/Cairo @hourly", "2026-04-23T22:30:00+02:00"},
	}, `
TZ=America/New_York 30 2 * * *           | Mar 07 02:30 -05:00 | Mar 08 03:00 -04:00 | Mar 09 02:30 -04:00 | Mar 10 02:30 -04:00 | Mar 11 02:30 -04:00
TZ=America/New_York 30 * * * *           | Mar 08 00:30 -05:00 | Mar 08 01:30 -05:00 | Mar 08 03:30 -04:00 | Mar 08 04:30 -04:00 | Mar 08 05:30 -04:00
TZ=America/New_York 0,30 2,3 * * *       | Mar 08 03:00 -04:00 | Mar 08 03:30 -04:00 | Mar 09 02:00 -04:00 | Mar 09 02:30 -04:00 | Mar 09 03:00 -04:00
TZ=Europe/Paris 30 2 * * *               | Mar 28 02:30 +01:00 | Mar 29 03:00 +02:00 | Mar 30 02:30 +02:00 | Mar 31 02:30 +02:00 | Apr 01 02:30 +02:00
TZ=Europe/Paris */20 * * * *             | Mar 29 01:40 +01:00 | Mar 29 03:00 +02:00 | Mar 29 03:20 +02:00 | Mar 29 03:40 +02:00 | Mar 29 04:00 +02:00
TZ=Europe/Paris 0 */2 * * *              | Mar 29 00:00 +01:00 | Mar 29 03:00 +02:00 | Mar 29 04:00 +02:00 | Mar 29 06:00 +02:00 | Mar 29 08:00 +02:00
TZ=Australia/Lord_Howe 15 2 * * *        | Oct 03 02:15 +10:30 | Oct 04 02:30 +11:00 | Oct 05 02:15 +11:00 | Oct 06 02:15 +11:00 | Oct 07 02:15 +11:00
TZ=Australia/Lord_Howe 15 * * * *        | Oct 04 00:15 +10:30 | Oct 04 01:15 +10:30 | Oct 04 03:15 +11:00 | Oct 04 04:15 +11:00 | Oct 04 05:15 +11:00
TZ=Australia/Lord_Howe 45 * * * *        | Oct 04 00:45 +10:30 | Oct 04 01:45 +10:30 | Oct 04 02:45 +11:00 | Oct 04 03:45 +11:00 | Oct 04 04:45 +11:00
TZ=Africa/Cairo 0 0 * * *                | Apr 24 01:00 +03:00 | Apr 25 00:00 +03:00 | Apr 26 00:00 +03:00 | Apr 27 00:00 +03:00 | Apr 28 00:00 +03:00
TZ=Africa/Cairo @hourly                  | Apr 23 23:00 +02:00 | Apr 24 01:00 +03:00 | Apr 24 02:00 +03:00 | Apr 24 03:00 +03:00 | Apr 24 04:00 +03:00
`)
}

// A time that comes twice fires once; what is for every hour fires both times.
func TestTableOfAutumn(t *testing.T) {
	t.Parallel()
	compare(t, "Jan 02 15:04 -07:00", [][2]string{
		{"TZ=America/New_York 30 1 * * *", "2026-10-31T00:00:00-04:00"},
		{"TZ=America/New_York 30 * * * *", "2026-11-01T00:00:00-04:00"},
		{"TZ=America/New_York 0,30 1,2 * * *", "2026-10-31T12:00:00-04:00"},
		{"TZ=Europe/Paris 30 2 * * *", "2026-10-24T00:00:00+02:00"},
		{"TZ=Europe/Paris */20 * * * *", "2026-10-25T02:30:00+02:00"},
		{"TZ=Europe/Paris 0 */2 * * *", "2026-10-24T23:00:00+02:00"},
		{"TZ=Australia/Lord_Howe 45 1 * * *", "2026-04-04T00:00:00+11:00"},
		{"TZ=Australia/Lord_Howe 15 * * * *", "2026-04-05T00:00:00+11:00"},
		{"TZ=Australia/Lord_Howe 45 * * * *", "2026-04-05T00:00:00+11:00"},
		{"TZ=Africa/Cairo 30 23 * * *", "2026-10-28T12:00:00+03:00"},
		{"TZ=Africa/Cairo 0 0 * * *", "2026-10-28T12:00:00+03:00"},
	}, `
TZ=America/New_York 30 1 * * *           | Oct 31 01:30 -04:00 | Nov 01 01:30 -04:00 | Nov 02 01:30 -05:00 | Nov 03 01:30 -05:00 | Nov 04 01:30 -05:00
TZ=America/New_York 30 * * * *           | Nov 01 00:30 -04:00 | Nov 01 01:30 -04:00 | Nov 01 01:30 -05:00 | Nov 01 02:30 -05:00 | Nov 01 03:30 -05:00
TZ=America/New_York 0,30 1,2 * * *       | Nov 01 01:00 -04:00 | Nov 01 01:30 -04:00 | Nov 01 02:00 -05:00 | Nov 01 02:30 -05:00 | Nov 02 01:00 -05:00
TZ=Europe/Paris 30 2 * * *               | Oct 24 02:30 +02:00 | Oct 25 02:30 +02:00 | Oct 26 02:30 +01:00 | Oct 27 02:30 +01:00 | Oct 28 02:30 +01:00
TZ=Europe/Paris */20 * * * *             | Oct 25 02:40 +02:00 | Oct 25 02:00 +01:00 | Oct 25 02:20 +01:00 | Oct 25 02:40 +01:00 | Oct 25 03:00 +01:00
TZ=Europe/Paris 0 */2 * * *              | Oct 25 00:00 +02:00 | Oct 25 02:00 +02:00 | Oct 25 04:00 +01:00 | Oct 25 06:00 +01:00 | Oct 25 08:00 +01:00
TZ=Australia/Lord_Howe 45 1 * * *        | Apr 04 01:45 +11:00 | Apr 05 01:45 +11:00 | Apr 06 01:45 +10:30 | Apr 07 01:45 +10:30 | Apr 08 01:45 +10:30
TZ=Australia/Lord_Howe 15 * * * *        | Apr 05 00:15 +11:00 | Apr 05 01:15 +11:00 | Apr 05 02:15 +10:30 | Apr 05 03:15 +10:30 | Apr 05 04:15 +10:30
TZ=Australia/Lord_Howe 45 * * * *        | Apr 05 00:45 +11:00 | Apr 05 01:45 +11:00 | Apr 05 01:45 +10:30 | Apr 05 02:45 +10:30 | Apr 05 03:45 +10:30
TZ=Africa/Cairo 30 23 * * *              | Oct 28 23:30 +03:00 | Oct 29 23:30 +03:00 | Oct 30 23:30 +02:00 | Oct 31 23:30 +02:00 | Nov 01 23:30 +02:00
TZ=Africa/Cairo 0 0 * * *                | Oct 29 00:00 +03:00 | Oct 30 00:00 +02:00 | Oct 31 00:00 +02:00 | Nov 01 00:00 +02:00 | Nov 02 00:00 +02:00
`)
}
