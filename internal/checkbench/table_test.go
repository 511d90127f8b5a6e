package checkbench_test

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"
)

// series are the samples of one program and one work, never none.
type series []sample

// wall is the shortest, the median and the longest time.
func (s series) wall() (least, median, most time.Duration) {
	sorted := slices.Clone(s)
	slices.SortFunc(sorted, func(a, b sample) int { return cmp.Compare(a.Wall, b.Wall) })
	return sorted[0].Wall, sorted[len(sorted)/2].Wall, sorted[len(sorted)-1].Wall
}

// peak is the most memory that any took, in MB.
func (s series) peak() float64 {
	const mb = 1e6
	return float64(slices.MaxFunc(s, func(a, b sample) int { return cmp.Compare(a.Peak, b.Peak) }).Peak) / mb
}

// last stands for all in what does not depend on time.
func (s series) last() sample { return s[len(s)-1] }

func header(w io.Writer, what string) {
	_, _ = fmt.Fprintf(w, "%-58s %4s  %21s  %-22s %6s %8s %5s\n", what, "runs", "ms: min/median/max", "requests", "engine", "peak MB", "exit")
}

func (s series) row(w io.Writer, name string) {
	least, median, most := s.wall()
	times := fmt.Sprintf("%d/%d/%d", least.Milliseconds(), median.Milliseconds(), most.Milliseconds())
	last := s.last()
	_, _ = fmt.Fprintf(w, "%-58s %4d  %21s  %-22s %6d %8.1f %5d\n",
		name, len(s), times, last.requests.Counts(), len(last.calls), s.peak(), last.Exit)
}
