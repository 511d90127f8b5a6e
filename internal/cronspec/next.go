package cronspec

import "time"

// Next returns the first time after the given one at which it fires, by the clocks
// of its zone.
//
// Where these are set, a specification that names hours follows the wall: a time
// that is left out fires at the moment of the jump, one that comes twice fires the
// first time. One for every hour follows the time that passes: it fires whenever the
// clocks show what it says, so that no hour goes without.
func (s *Schedule) Next(after time.Time) time.Time {
	switch s.hour {
	case 0:
		return after.Add(s.every).In(s.zone)
	case span(0, 23, 1):
		return s.showing(after)
	}
	for wall := wallOf(after.In(s.zone)); ; {
		wall = s.match(wall)
		if at := reached(wall, s.zone); at.After(after) {
			return at
		}
	}
}

// showing is the first time after the given one at which the clocks show a match.
func (s *Schedule) showing(after time.Time) time.Time {
	from := after.In(s.zone)
	wall := wallOf(from)
	for {
		_, offset := from.Zone()
		_, end := from.ZoneBounds()
		at := instant(s.match(wall), offset, s.zone)
		if end.IsZero() || at.Before(end) {
			return at
		}
		from, wall = end, wallOf(end).Add(-time.Second) // the end itself may match
	}
}

// reached is when a zone's clocks first show a wall time or, if they leave it out,
// jump over it.
func reached(wall time.Time, zone *time.Location) time.Time {
	// No zone is more than 15 hours away from UTC, nor was ever moved by more than a
	// day: before this they have not shown it.
	from := wall.Add(-48 * time.Hour).In(zone)
	for {
		_, offset := from.Zone()
		_, end := from.ZoneBounds()
		at := instant(wall, offset, zone)
		if end.IsZero() || at.Before(end) {
			return at
		}
		if !wallOf(end).Before(wall) {
			return end
		}
		from = end
	}
}

// wallOf is what the clocks show, in whole seconds, written as if it were UTC: such
// times can be counted with, whatever the zone does.
func wallOf(local time.Time) time.Time {
	_, offset := local.Zone()
	return time.Unix(local.Unix()+int64(offset), 0).UTC()
}

// instant is when clocks that are so many seconds ahead of UTC show a wall time.
func instant(wall time.Time, offset int, zone *time.Location) time.Time {
	return time.Unix(wall.Unix()-int64(offset), 0).In(zone)
}

// match is the first wall time after the given one that matches. There is one: see
// comes.
func (s *Schedule) match(wall time.Time) time.Time {
	for at := wall.Add(time.Second); ; {
		year, month, day := at.Date()
		if !s.month.has(int(month)) {
			at = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		hour, ok := s.hour.from(at.Hour())
		if !ok || !s.onDay(at) {
			at = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if hour > at.Hour() {
			at = time.Date(year, month, day, hour, 0, 0, 0, time.UTC)
		}
		minute, ok := s.minute.from(at.Minute())
		if !ok {
			at = time.Date(year, month, day, hour+1, 0, 0, 0, time.UTC)
			continue
		}
		if minute > at.Minute() {
			at = time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
		}
		second, ok := s.second.from(at.Second())
		if ok {
			return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
		}
		at = time.Date(year, month, day, hour, minute+1, 0, 0, time.UTC)
	}
}

// onDay: of two day fields that are given, either is enough.
func (s *Schedule) onDay(wall time.Time) bool {
	day, weekday := s.day.has(wall.Day()), s.weekday.has(int(wall.Weekday()))
	if s.anyDay || s.anyWeekday {
		return day && weekday
	}
	return day || weekday
}
