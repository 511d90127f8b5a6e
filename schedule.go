package watchtower

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/watchtower-go/watchtower/internal/cronspec"
)

// Schedule says when passes are made. The schedules of cron libraries are such, as
// they are.
type Schedule interface {
	// Next returns the first time after the given one; the zero time means
	// never again.
	Next(after time.Time) time.Time
}

// Every is a Schedule of equal intervals.
type Every time.Duration

// Next adds the interval.
func (e Every) Next(after time.Time) time.Time { return after.Add(time.Duration(e)) }

// Cron is the Schedule that a cron specification says: five fields, minute, hour,
// day of the month, month and day of the week, or six with seconds before them;
// @yearly, @monthly, @weekly, @daily, @hourly, or @every with a duration of at least
// a second. "TZ=Europe/Paris " may stand before it; otherwise the zone given is meant,
// nil being the local one. Of two day fields that are given either is enough, and one
// that is a star with a step counts as given.
//
// Where clocks are set, a specification that names hours follows the wall: a time
// that is left out fires at the moment of the jump, one that comes twice fires the
// first time. One for every hour follows the time that passes.
//
// Its String is the specification. An error is of class InvalidArgument and names
// the field, the value and what is accepted; what never fires, 30 February, is one,
// too.
func Cron(spec string, zone *time.Location) (Schedule, error) {
	s, err := cronspec.Parse(spec, zone)
	if err != nil {
		return nil, fmt.Errorf("watchtower: %w", err)
	}
	return s, nil
}

// Jitter adds to each time of a Schedule a random extra of less than most, so that
// many hosts do not ask a registry at the same moment. A time never comes before its
// own in s, and always before the one that follows it there. Each call of Next draws
// anew. If most is zero or less, it is s itself.
func Jitter(s Schedule, most time.Duration) Schedule {
	if s == nil || most <= 0 {
		return s
	}
	return jitter{s, most, rand.N[time.Duration]}
}

type jitter struct {
	schedule Schedule
	most     time.Duration
	random   func(below time.Duration) time.Duration
}

// Next is the schedule's, and the extra.
func (j jitter) Next(after time.Time) time.Time {
	at := j.schedule.Next(after)
	if at.IsZero() {
		return at
	}
	below := j.most
	if next := j.schedule.Next(at); !next.IsZero() {
		below = min(below, next.Sub(at))
	}
	return at.Add(j.random(max(below, 1)))
}
