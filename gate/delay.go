package gate

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// ParseDelay reads "3d", "1w12h" or "1.5h": decimal numbers, each with one of Go's
// units for durations or d, a day of 24 hours, w, seven of these, and M, thirty; m are
// minutes. Nothing and "0" are none. An error is of class InvalidArgument; also for
// less than none and for more than the 292 years that a time.Duration can hold.
func ParseDelay(text string) (time.Duration, error) {
	rest := strings.TrimSpace(text)
	if rest == "0" {
		return 0, nil
	}
	const number = ".0123456789"
	var sum time.Duration
	for rest != "" {
		unit := strings.TrimLeft(rest, number)
		count := rest[:len(rest)-len(unit)]
		rest = strings.TrimLeftFunc(unit, func(r rune) bool { return !strings.ContainsRune(number, r) })
		unit = unit[:len(unit)-len(rest)]
		hours, long := map[string]time.Duration{"d": 24, "w": 7 * 24, "M": 30 * 24}[unit]
		if !long {
			hours = 1
		} else {
			unit = "h"
		}
		part, err := time.ParseDuration(count + unit)
		if err != nil || part > (math.MaxInt64-sum)/hours {
			return 0, errclass.With(errdefs.ErrInvalidArgument,
				fmt.Errorf("gate: delay %q: want a duration like 12h, 3d or 1w12h, in ns, us, ms, s, m, h, d (24h), w (7d) and M (30d), or 0 for none", text))
		}
		sum += part * hours
	}
	return sum, nil
}
