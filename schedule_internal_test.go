package watchtower

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// What is drawn is replaced here, to see the greatest there can be.
func TestTheMostThatJitterAdds(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	greatest := func(below time.Duration) time.Duration { return below - 1 }
	for most, want := range map[time.Duration]time.Duration{
		1:              0,
		time.Minute:    time.Minute - 1,
		time.Hour:      time.Hour - 1,
		24 * time.Hour: time.Hour - 1, // the next is an hour later
	} {
		j := jitter{Every(time.Hour), most, greatest}
		assert.Equal(t, noon.Add(time.Hour+want), j.Next(noon), "%s", most)
	}
}
