package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
)

func TestPorcelain(t *testing.T) {
	t.Parallel()
	entry := func(id, name string, status watchtower.Status) watchtower.Entry {
		return watchtower.Entry{
			Container: lifecycle.Container{ID: id, Name: name, Image: name + ":1", ImageID: "sha256:" + id}, Status: status,
			OutOfDate: status == watchtower.StatusRolledBack || status == watchtower.StatusHeld || status == watchtower.StatusStale,
		}
	}
	failed := entry("05", "failed", watchtower.StatusFailed)
	failed.Err = errors.New("no such image\nat all")
	back := entry("04", "back", watchtower.StatusRolledBack)
	back.Err, back.NewImageID = errors.New("unhealthy"), "sha256:new"
	skipped := entry("03", "pinned", watchtower.StatusSkipped)
	skipped.Reason = "pinned to a digest"
	updated := entry("02", "updated", watchtower.StatusUpdated)
	updated.NewImageID = "sha256:new"
	all := []watchtower.Entry{
		entry("09", "left-out", watchtower.StatusSkipped), failed, back, entry("01", "fresh", watchtower.StatusFresh), skipped, updated,
		entry("06", "held", watchtower.StatusHeld), entry("07", "stale", watchtower.StatusStale), entry("08", "with-it", watchtower.StatusRestarted),
	}
	for name, tt := range map[string]struct {
		form   string
		report *watchtower.Report
	}{
		"v1": {"v1", &watchtower.Report{Entries: all}}, "v1-nothing": {"v1", &watchtower.Report{}},
		"json": {"json", &watchtower.Report{Entries: all}}, "json-nothing": {"json", &watchtower.Report{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			p := &porcelain{
				out: &out, form: tt.form, logger: slog.New(slog.DiscardHandler),
				meant: func(c watchtower.Container) bool { return c.Name != "left-out" },
			}
			ctx := context.Background() //nolint:forbidigo // nothing waits
			p.Observe(ctx, watchtower.PassStarted{})
			p.Observe(ctx, watchtower.PassEnded{Kind: watchtower.PassCheck, Report: tt.report})
			assert.Empty(t, out.String())
			p.Observe(ctx, watchtower.PassEnded{Kind: watchtower.PassUpdate, Report: tt.report})
			want, err := os.ReadFile("testdata/porcelain-" + name)
			require.NoError(t, err)
			assert.Equal(t, string(want), out.String())
		})
	}
}
