package watchtower_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func TestOneThatFollowsIsStillWhatItWasBesides(t *testing.T) {
	t.Parallel()
	later := time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC)
	hold := watchtower.WithGate(gate.Func(func(_ context.Context, c gate.Candidate) (gate.Decision, error) {
		if c.Container.Name == "app" {
			return gate.Decision{Verdict: gate.Hold, Reason: "not today", Until: later}, nil
		}
		return gate.Decision{}, nil
	}))
	const because = "it lives in the network of vpn"
	tests := []struct {
		name   string
		image  string
		labels []string
		reason string
		until  time.Time
	}{
		{"fresh", "new", nil, because, time.Time{}},
		{"held", "old2", nil, because + "; still held: not today", later},
		{
			"only monitored", "old2",
			[]string{watchtower.MonitorOnlyLabel, "true"},
			because + "; still stale: only monitored: its reference points at another image",
			time.Time{},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newTown(t)
				v.run("vpn", "old", nil)
				v.run("app", tt.image, v.in("vpn"), tt.labels...)
				for _, image := range []string{"old:1", "old2:1"} {
					v.Publish(image, enginetest.Image{Env: []string{"VERSION=2"}})
				}
				r, err := memory(t, v.Engine, hold).Update(t.Context())
				require.NoError(t, err)
				app := entry(t, r, "app")
				assert.Equal(t, watchtower.StatusRestarted, app.Status)
				assert.Equal(t, tt.reason, app.Reason)
				assert.Equal(t, tt.until, app.HeldUntil)
			})
		})
	}
}
