package notify_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/notify"
)

// Where several engines are watched, each message says which one it is about: in its
// title, and in its text, for those whose messages have no title.
func TestAMessageNamesItsEngine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		template string
		report   bool
		want     string
	}{
		"lines":  {"", false, "nas: Found a new image for stale (stale:1): ffffffffffff\n"},
		"report": {"", true, "nas: 1 Scanned, 0 Updated, 0 Failed\n- stale (stale:1): Stale: ffffffffffff: newer\n"},
		"own":    {"{{.Title}}|{{.Engine}}|{{range .Entries}}{{.Data.engine}}{{end}}", true, "Watchtower updates on host: nas|nas|nas"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			n, err := notify.New(notify.Config{
				Services: to("logger://"), Template: tt.template, Report: tt.report, Engine: "nas", Host: "host", Stdout: &out,
			})
			require.NoError(t, err)
			e := entry("7", "stale", watchtower.StatusStale)
			e.Latest, e.Reason = digest("f"), "newer"
			for _, event := range pass(&watchtower.Report{Kind: watchtower.PassUpdate, Entries: []watchtower.Entry{e}}) {
				n.Observe(t.Context(), event)
			}
			n.Close(t.Context())
			assert.Contains(t, out.String(), tt.want)
		})
	}
}

// That watching begins is said of none of them.
func TestTheStartIsOfNoEngine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	n, err := notify.New(notify.Config{Services: to("logger://"), Engine: "nas", Stdout: &out})
	require.NoError(t, err)
	n.Started(at, "Watchtower watches")
	n.Close(t.Context())
	assert.Contains(t, out.String(), "Watchtower watches")
	assert.NotContains(t, out.String(), "nas")
}
