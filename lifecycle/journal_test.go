package lifecycle

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	oldID  = "0123456789ab" + "cdef0123456789abcdef0123456789abcdef0123456789abcdef"
	leadID = "fedcba987654" + "cdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

func TestJournalNamesSurviveTheirOwnParser(t *testing.T) {
	t.Parallel()
	targets := []string{
		"web", "a.b-c_d", "web.wt-new-0123456789ab-0123456789ab", "x.wt-old-r-0123456789ab-0123456789ab-3",
		strings.Repeat("n", 400),
	}
	for _, target := range targets {
		for _, e := range []entry{
			{target: target, role: roleNew, old: short(oldID), lead: short(leadID)},
			{target: target, role: "old", letter: wasRunning, old: short(oldID), lead: short(leadID)},
			{target: target, role: "old", letter: wasPaused, old: short(oldID), lead: short(leadID), epoch: 12},
			{target: target, role: roleSpare, letter: wasCreated, old: short(oldID), lead: short(leadID)},
		} {
			got, ok := parseEntry(e.String())
			require.True(t, ok, e.String())
			assert.Equal(t, e, got)
		}
	}
}

func TestOnlyAProvenJournalNameIsOurs(t *testing.T) {
	t.Parallel()
	labels := map[string]string{labelRole: roleNew, labelOf: oldID}
	tests := []struct {
		name string
		c    Container
		ours bool
	}{
		{"parked, certified by its own ID", Container{ID: oldID, Name: "web.wt-old-r-0123456789ab-fedcba987654-0"}, true},
		{"parked name on another container", Container{ID: leadID, Name: "web.wt-old-r-0123456789ab-fedcba987654-0"}, false},
		{"successor with labels", Container{ID: leadID, Name: "web.wt-new-0123456789ab-fedcba987654", Labels: labels}, true},
		{"successor's name without labels", Container{ID: leadID, Name: "web.wt-new-0123456789ab-fedcba987654"}, false},
		{"successor of another container", Container{Name: "web.wt-new-fedcba987654-fedcba987654", Labels: labels}, false},
		{"labels of a swap that has ended", Container{Name: "web", Labels: labels}, false},
		{"unknown state letter", Container{ID: oldID, Name: "web.wt-old-x-0123456789ab-fedcba987654-0"}, false},
		{"upper case digits", Container{ID: oldID, Name: "web.wt-old-r-0123456789AB-fedcba987654-0"}, false},
		{"epoch beyond any counter", Container{ID: oldID, Name: "web.wt-old-r-0123456789ab-fedcba987654-99999999999999999999"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			service, ok := Unfinished(tt.c)
			assert.Equal(t, tt.ours, ok)
			if tt.ours {
				assert.Equal(t, "web", service)
			}
		})
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add("web.wt-new-0123456789ab-fedcba987654")
	f.Add("web.wt-old-r-0123456789ab-fedcba987654-7")
	f.Add("web.wt-spare-c-0123456789ab-fedcba987654-007")
	f.Fuzz(func(t *testing.T, name string) {
		e, ok := parseEntry(name)
		if !ok {
			return
		}
		again, ok := parseEntry(e.String())
		if !ok || again != e {
			t.Errorf("%q reads as %+v, which writes %q", name, e, e.String())
		}
	})
}
