package cronspec

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// set holds numbers from 0 to 63.
type set uint64

func (s set) has(n int) bool { return s>>n&1 == 1 }

// from returns the first member that is at least n.
func (s set) from(n int) (member int, ok bool) {
	rest := s >> n
	return n + bits.TrailingZeros64(uint64(rest)), rest != 0
}

// span is the set of all from first to last, by a step.
func span(first, last, step int) set {
	var out set
	for n := first; n <= last; n += step {
		out |= 1 << n
	}
	return out
}

// field is one of a specification's fields: its name for people, its least and
// greatest value, and what its values may be called, the least first.
type field struct {
	name      string
	min, max  int
	beginning string // of the names, all of three letters
}

const (
	months   = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"
	weekdays = "SUNMONTUEWEDTHUFRISAT"
)

func (s *Schedule) parseFields(words []string) error {
	for i, f := range []struct {
		field
		to   *set
		star *bool
	}{
		{field{"second", 0, 59, ""}, &s.second, new(bool)},
		{field{"minute", 0, 59, ""}, &s.minute, new(bool)},
		{field{"hour", 0, 23, ""}, &s.hour, new(bool)},
		{field{"day of the month", 1, 31, ""}, &s.day, &s.anyDay},
		{field{"month", 1, 12, months}, &s.month, new(bool)},
		{field{"day of the week", 0, 6, weekdays}, &s.weekday, &s.anyWeekday},
	} {
		for item := range strings.SplitSeq(words[i], ",") {
			members, star, err := f.parse(item)
			if err != nil {
				return fmt.Errorf("%s %q: %w", f.name, item, err)
			}
			*f.to |= members
			*f.star = *f.star || star
		}
	}
	if !s.comes() {
		return fmt.Errorf("day of the month %q never comes in month %q: want a day of the calendar", words[3], words[4])
	}
	return nil
}

// parse reads one item of a field's list: *, 5, 1-5, */2, 1-5/2, or 5/2, which goes
// to the field's greatest value.
func (f field) parse(item string) (members set, star bool, err error) {
	base, stepText, stepped := strings.Cut(item, "/")
	step := 1
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 || stepText[0] == '+' {
			return 0, false, errors.New("want a step that is a whole number from 1")
		}
		step = min(step, f.max+1) // beyond all values: the first alone
	}
	if base == "*" || base == "?" {
		return span(f.min, f.max, step), step == 1, nil
	}
	firstText, lastText, ranged := strings.Cut(base, "-")
	first, ok := f.value(firstText)
	if !ok {
		return 0, false, f.bad()
	}
	last := first
	switch {
	case ranged:
		if last, ok = f.value(lastText); !ok {
			return 0, false, f.bad()
		}
		if f.beginning == weekdays && last == 0 && first > 0 {
			last = 7 // Friday to Sunday
		}
	case stepped:
		last = max(first, f.max)
	}
	if last < first {
		return 0, false, errors.New("the range ends before it begins")
	}
	members = span(first, last, step)
	if f.beginning == weekdays && members.has(7) {
		members = members&^(1<<7) | 1
	}
	return members, false, nil
}

// value reads a number or a name.
func (f field) value(text string) (n int, ok bool) {
	if len(text) == 3 {
		if i := strings.Index(f.beginning, strings.ToUpper(text)); i >= 0 && i%3 == 0 {
			return f.min + i/3, true
		}
	}
	number, err := strconv.ParseUint(text, 10, 8)
	n = int(number)
	sunday := f.beginning == weekdays && n == 7
	return n, err == nil && (f.min <= n && n <= f.max || sunday)
}

func (f field) bad() error {
	named := ""
	switch f.beginning {
	case months:
		named = " or JAN-DEC"
	case weekdays:
		named = ", 7 for Sunday, or SUN-SAT"
	}
	return fmt.Errorf("want %d-%d%s, with * for all, ranges, lists and steps", f.min, f.max, named)
}

// comes reports whether there is a day that matches.
func (s *Schedule) comes() bool {
	if s.anyDay || !s.anyWeekday {
		return true // every month has each day of the week
	}
	for m := time.January; m <= time.December; m++ {
		// Of a leap year, which every one comes to.
		longest := time.Date(2000, m+1, 0, 0, 0, 0, 0, time.UTC).Day()
		if first, ok := s.day.from(1); s.month.has(int(m)) && ok && first <= longest {
			return true
		}
	}
	return false
}
