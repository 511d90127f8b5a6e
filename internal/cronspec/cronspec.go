// Package cronspec reads cron specifications and computes when they fire, right on
// the days on which clocks are set.
package cronspec

import (
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// Schedule is a specification that was read. It fires at some time.
type Schedule struct {
	text  string
	zone  *time.Location
	every time.Duration // of @every; the rest is unset then

	second, minute, hour, month set
	day, weekday                set
	anyDay, anyWeekday          bool // written as a star
}

// everyLeast is the shortest interval there is.
const everyLeast = time.Second

const accepted = "want 5 fields (minute hour day month weekday), 6 with seconds before them, " +
	"@yearly, @monthly, @weekly, @daily, @hourly or @every 12h"

// Parse reads a specification:
//
//   - five fields, minute, hour, day of the month, month and day of the week, or six
//     with seconds before them. A field is a star or a question mark for all, a
//     value, a range 1-5, one of these with a step */15, or a list of them with
//     commas. Months and days of the week may be the first three letters of their
//     English names; Sunday is 0 and 7. Where both day fields are given, either is
//     enough; a star with a step counts as given.
//   - @yearly or @annually, @monthly, @weekly, @daily or @midnight, @hourly; or
//     @every with a duration of at least a second.
//
// TZ= or CRON_TZ= and a zone of the IANA database may stand before it; otherwise
// the zone given is meant, nil being the local one. Quotes around it all are taken
// away. An error is of class InvalidArgument; also for what never fires.
func Parse(spec string, zone *time.Location) (*Schedule, error) {
	s := &Schedule{text: unquote(strings.TrimSpace(spec)), zone: zone}
	if s.zone == nil {
		s.zone = time.Local
	}
	if err := s.parse(); err != nil {
		return nil, errclass.With(errdefs.ErrInvalidArgument, fmt.Errorf("cron %q: %w", s.text, err))
	}
	return s, nil
}

// String is the text it was read from, without quotes.
func (s *Schedule) String() string { return s.text }

func (s *Schedule) parse() error {
	words := strings.Fields(s.text)
	if len(words) > 0 {
		if name, ok := zoneOf(words[0]); ok {
			zone, err := time.LoadLocation(name)
			if err != nil || name == "" {
				return fmt.Errorf("zone %q: want a name of the IANA database, like Europe/Paris", name)
			}
			s.zone, words = zone, words[1:]
		}
	}
	switch {
	case len(words) == 2 && words[0] == "@every":
		return s.parseEvery(words[1])
	case len(words) == 1:
		full, ok := described(words[0])
		if !ok {
			return fmt.Errorf("%q: %s", words[0], accepted)
		}
		words = strings.Fields(full)
	}
	switch len(words) {
	case 5:
		words = append([]string{"0"}, words...)
	case 6:
	default:
		return fmt.Errorf("%d fields: %s", len(words), accepted)
	}
	return s.parseFields(words)
}

func (s *Schedule) parseEvery(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < everyLeast {
		return fmt.Errorf("@every %q: want a duration of at least 1s, like 90m or 12h", text)
	}
	s.every = d
	return nil
}

// zoneOf is the zone a prefix names.
func zoneOf(word string) (name string, ok bool) {
	for _, prefix := range []string{"TZ=", "CRON_TZ="} {
		if name, ok = strings.CutPrefix(word, prefix); ok {
			return name, true
		}
	}
	return "", false
}

// described is what a descriptor stands for.
func described(word string) (fields string, ok bool) {
	switch word {
	case "@yearly", "@annually":
		return "0 0 1 1 *", true
	case "@monthly":
		return "0 0 1 * *", true
	case "@weekly":
		return "0 0 * * 0", true
	case "@daily", "@midnight":
		return "0 0 * * *", true
	case "@hourly":
		return "0 * * * *", true
	default:
		return "", false
	}
}

// unquote takes away quotes that a shell or a Compose file has left.
func unquote(text string) string {
	if n := len(text); n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
		return strings.TrimSpace(text[1 : n-1])
	}
	return text
}
