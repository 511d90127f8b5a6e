package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// Window is when containers may be replaced: hours of some days of the week, by a
// zone's clock. The zero value is never.
type Window struct {
	text  string
	spans []span
	zone  *time.Location
}

// span is one stretch of hours, on the days it begins on. Its end may be on the
// next day.
type span struct {
	days     [7]bool // by time.Weekday
	from, to int     // minutes of the day; to may be 1440, and less than from
}

const dayMinutes = 24 * 60

// ParseWindow reads "Mon-Fri 02:00-05:00, Sat,Sun 22:00-06:00 Europe/Berlin": days
// (names of three letters or more, ranges, lists; a part without any is for all), hours, several of
// such parts, and at the end a zone of the IANA database; without one the local
// zone. A part whose hours end before they begin ends on the next day. An error is
// of class InvalidArgument.
func ParseWindow(text string) (Window, error) {
	w := Window{text: strings.TrimSpace(text), zone: time.Local}
	fields := strings.Fields(strings.ReplaceAll(text, ",", " , "))
	if n := len(fields); n > 0 && !strings.ContainsAny(fields[n-1], ":,") && addDays(new([7]bool), fields[n-1]) != nil {
		zone, err := time.LoadLocation(fields[n-1])
		if err != nil || fields[n-1] == "" {
			return Window{}, badWindow(text, fmt.Sprintf("%q is no zone", fields[n-1]))
		}
		w.zone, fields = zone, fields[:n-1]
	}
	var days [7]bool
	some := false
	for _, field := range fields {
		switch {
		case field == ",":
		case strings.Contains(field, ":"):
			from, to, err := parseHours(field)
			if err != nil {
				return Window{}, badWindow(text, err.Error())
			}
			if !some {
				days = [7]bool{true, true, true, true, true, true, true}
			}
			w.spans = append(w.spans, span{days, from, to})
			days, some = [7]bool{}, false
		default:
			if err := addDays(&days, field); err != nil {
				return Window{}, badWindow(text, err.Error())
			}
			some = true
		}
	}
	if some || len(w.spans) == 0 {
		return Window{}, badWindow(text, "it names no hours")
	}
	return w, nil
}

func badWindow(text, why string) error {
	return errclass.With(errdefs.ErrInvalidArgument,
		fmt.Errorf("gate: window %q: %s: want days and hours, like \"Mon-Fri 02:00-05:00 Europe/Berlin\"", text, why))
}

func parseHours(field string) (from, to int, err error) {
	begin, end, ok := strings.Cut(field, "-")
	if ok {
		if from, err = parseTime(begin); err == nil {
			to, err = parseTime(end)
		}
	}
	if !ok || err != nil || from == dayMinutes || from == to {
		return 0, 0, fmt.Errorf("%q are no hours", field)
	}
	return from, to, nil
}

// parseTime reads "2:30" as minutes of the day; "24:00" is the day's end.
func parseTime(text string) (int, error) {
	if text == "24:00" {
		return dayMinutes, nil
	}
	at, err := time.Parse("15:04", text)
	return at.Hour()*60 + at.Minute(), err
}

// addDays adds "Mon" or "Mon-Fri"; a range may go over Sunday.
func addDays(days *[7]bool, field string) error {
	first, last, ranged := strings.Cut(field, "-")
	from, to := weekday(first), weekday(last)
	if !ranged {
		to = from
	}
	if from < 0 || to < 0 {
		return fmt.Errorf("%q is no day of the week", field)
	}
	for d := from; ; d = (d + 1) % 7 {
		days[d] = true
		if d == to {
			return nil
		}
	}
}

// weekday reads a day's English name, or the beginning of one; -1 for none.
func weekday(name string) int {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if len(name) >= 3 && strings.HasPrefix(strings.ToLower(day.String()), strings.ToLower(name)) {
			return int(day)
		}
	}
	return -1
}

// String is the text it was read from.
func (w Window) String() string { return w.text }

// Open reports whether the window is open at that time: by what the zone's clocks
// show, so that of an hour left out in spring nothing is open, and one that comes
// twice in autumn is open twice.
func (w Window) Open(at time.Time) bool {
	if w.zone == nil {
		return false
	}
	local := at.In(w.zone)
	today, minute := local.Weekday(), local.Hour()*60+local.Minute()
	yesterday := (today + 6) % 7
	return slices.ContainsFunc(w.spans, func(s span) bool {
		if s.from < s.to {
			return s.days[today] && s.from <= minute && minute < s.to
		}
		return s.days[today] && s.from <= minute || s.days[yesterday] && minute < s.to
	})
}

// Next returns when the window is open next: at itself if it is now, the zero
// time if it never is.
func (w Window) Next(at time.Time) time.Time {
	if w.Open(at) {
		return at
	}
	// Looking at each minute of a week is right on every edge, and takes a
	// millisecond or two. A day more, since clocks may leave one out.
	for next, n := at.Truncate(time.Minute), 0; n < 8*dayMinutes; n++ {
		if next = next.Add(time.Minute); w.Open(next) {
			return next
		}
	}
	return time.Time{}
}

// Within holds a candidate while the window is closed, until it opens; then it is
// due. What a check finds is told at any time.
func Within(w Window) Gate {
	return Func(func(_ context.Context, c Candidate) (Decision, error) {
		if w.Open(c.At) {
			return Decision{}, nil
		}
		return Decision{Verdict: Hold, Until: w.Next(c.At), Due: true, Reason: fmt.Sprintf("outside its window (%s)", w)}, nil
	})
}
