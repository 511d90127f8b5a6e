package httpapi

import "time"

// total is what the passes of several engines come to, and the time they took side by side.
type total struct {
	summary        summary
	started, ended time.Time
}

func (t *total) add(s summary, started, ended time.Time) {
	t.summary = summary{
		t.summary.Scanned + s.Scanned, t.summary.Updated + s.Updated, t.summary.Failed + s.Failed, t.summary.Restarted + s.Restarted,
		t.summary.Skipped + s.Skipped, t.summary.RolledBack + s.RolledBack, t.summary.Stale + s.Stale, t.summary.Held + s.Held,
	}
	t.started, t.ended = earlier(t.started, started), later(t.ended, ended)
}

func (t *total) timing() timing { return took(t.ended.Sub(t.started)) }

// earlier is the first of two times of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
