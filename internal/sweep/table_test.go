package sweep_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

// table counts who survived.
type table struct {
	mu   sync.Mutex
	rows []*row
}

type row struct {
	scenario, mode         string
	calls, survived, total int
}

func (t *table) add(scenario, mode string, calls int, survived bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.rows, func(r *row) bool { return r.scenario == scenario && r.mode == mode })
	if i < 0 {
		i = len(t.rows)
		t.rows = append(t.rows, &row{scenario: scenario, mode: mode, calls: calls})
	}
	t.rows[i].total++
	if survived {
		t.rows[i].survived++
	}
}

// String has a line per scenario and a column per mode.
func (t *table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprint(w, "scenario\tcalls")
	for _, m := range modes() {
		_, _ = fmt.Fprint(w, "\t", m.name)
	}
	_, _ = fmt.Fprintln(w, "\tall")
	for _, s := range scenarios() {
		line, calls, survived, total := "", 0, 0, 0
		for _, m := range modes() {
			cell := "-"
			for _, r := range t.rows {
				if r.scenario == s.name && r.mode == m.name {
					cell, calls = fmt.Sprintf("%d/%d", r.survived, r.total), r.calls
					survived, total = survived+r.survived, total+r.total
				}
			}
			line += "\t" + cell
		}
		if total > 0 {
			_, _ = fmt.Fprintf(w, "%s\t%d%s\t%d/%d\n", s.name, calls, line, survived, total)
		}
	}
	_ = w.Flush()
	return b.String()
}
