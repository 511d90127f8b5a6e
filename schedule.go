package watchtower

import "time"

// Schedule says when passes are made.
type Schedule interface {
	// Next returns the first time after the given one; the zero time means
	// never again.
	Next(after time.Time) time.Time
}

// Every is a Schedule of equal intervals.
type Every time.Duration

// Next adds the interval.
func (e Every) Next(after time.Time) time.Time { return after.Add(time.Duration(e)) }
