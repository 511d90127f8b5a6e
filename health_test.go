package watchtower_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func ExampleTower_Health() {
	tower, err := watchtower.New(watchtower.WithEngine(enginetest.New()), watchtower.WithCredentials(credentials.Static(nil)))
	if err != nil {
		panic(err)
	}
	h := tower.Health(context.Background())
	fmt.Println(h.Err, h.LastPass.IsZero())
	// Output: <nil> true
}

// pinged is an engine that can be asked whether it answers.
type pinged struct{ *emptyEngine }

func (p pinged) Ping(context.Context) error {
	if err := p.err.Load(); err != nil {
		return *err
	}
	return nil
}

// noons are due at noon of each day.
type noons struct{}

func (noons) Next(after time.Time) time.Time {
	noon := time.Date(after.Year(), after.Month(), after.Day(), 12, 0, 0, 0, after.Location())
	if !noon.After(after) {
		noon = noon.AddDate(0, 0, 1)
	}
	return noon
}

func TestHealthIsThatPassesAreMadeInTime(t *testing.T) {
	gone := fmt.Errorf("no engine: %w", errdefs.ErrUnavailable)
	for name, tt := range map[string]struct {
		opts  []watchtower.Option
		takes time.Duration // what a pass does
		hangs bool          // until it is cut short
		fails time.Duration // when passes begin to fail; 0: never
		at    time.Duration // when it is asked
		want  string        // what is wrong
	}{
		"before the first that is due":      {at: 59 * time.Minute},
		"after it":                          {at: 61 * time.Minute},
		"the first has failed once":         {fails: time.Minute, at: 119 * time.Minute},
		"the first was never made":          {fails: time.Minute, at: 121 * time.Minute, want: "watchtower: no pass was made, the first was due 1h1m0s ago"},
		"the last within twice an interval": {fails: 90 * time.Minute, at: 179 * time.Minute},
		"the last before that":              {fails: 90 * time.Minute, at: 181 * time.Minute, want: "watchtower: the last pass ended 2h1m0s ago, another was due 1h1m0s ago"},
		"one that takes its time": {
			opts:  []watchtower.Option{watchtower.WithInterval(time.Minute), watchtower.WithPassAtStart(true)},
			takes: 58 * time.Minute, at: 50 * time.Minute,
		},
		"one that is stuck": {
			opts:  []watchtower.Option{watchtower.WithInterval(time.Minute), watchtower.WithPassAtStart(true)},
			takes: 3 * time.Hour, at: 90 * time.Minute,
			want: "watchtower: the pass that began 1h30m0s ago has not ended",
		},
		"those that are cut short": {
			opts: []watchtower.Option{watchtower.WithInterval(time.Minute)}, hangs: true, at: 90*time.Minute + time.Second,
			want: "watchtower: no pass was made, the first was due 1h29m1s ago",
		},
		"by the clock, before its time": {opts: []watchtower.Option{watchtower.WithSchedule(noons{})}, at: 11 * time.Hour},
		"by the clock, made":            {opts: []watchtower.Option{watchtower.WithSchedule(noons{})}, at: 35 * time.Hour},
		"by the clock, not made":        {opts: []watchtower.Option{watchtower.WithSchedule(noons{})}, fails: time.Hour, at: 37 * time.Hour, want: "the first was due 25h0m0s ago"},
		"never due":                     {opts: []watchtower.Option{watchtower.WithSchedule(never{})}, at: 1000 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &emptyEngine{takes: tt.takes}
				var engine watchtower.Engine = patient{e}
				if tt.hangs {
					e.takes = 30 * time.Hour
					engine = e
				}
				tower := bare(t, engine, append([]watchtower.Option{
					watchtower.WithInterval(time.Hour), watchtower.WithClock(still{}),
				}, tt.opts...)...)
				begin := time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- tower.Run(ctx) }()
				defer func() { cancel(); require.NoError(t, <-done) }()
				if tt.fails > 0 {
					time.AfterFunc(tt.fails, func() { e.fail(gone) })
				}
				<-time.After(tt.at)
				h := tower.Health(t.Context())
				assert.Equal(t, begin, h.Started)
				if tt.want == "" {
					require.NoError(t, h.Err, "%+v", h)
					return
				}
				require.ErrorContains(t, h.Err, tt.want)
			})
		})
	}
}

// patient is an engine that goes by no context.
type patient struct{ *emptyEngine }

func (p patient) Containers(ctx context.Context) ([]lifecycle.Container, error) {
	return p.emptyEngine.Containers(context.WithoutCancel(ctx))
}

// never is a schedule of nothing.
type never struct{}

func (never) Next(time.Time) time.Time { return time.Time{} }

// still is the bubble's clock.
type still struct{}

func (still) Now() time.Time { return time.Now() }

func (still) Wait(ctx context.Context, until time.Time) {
	select {
	case <-time.After(time.Until(until)):
	case <-ctx.Done():
	}
}

func TestACheckIsNoPassThatHealthCounts(t *testing.T) {
	tower := bare(t, &emptyEngine{})
	_, err := tower.Check(t.Context())
	require.NoError(t, err)
	assert.Zero(t, tower.Health(t.Context()).LastPass)
	update(t, tower)
	assert.NotZero(t, tower.Health(t.Context()).LastPass)
}

func TestHealthIsThatTheEngineAnswers(t *testing.T) {
	e := &emptyEngine{}
	tower := bare(t, pinged{e})
	require.NoError(t, tower.Health(t.Context()).Err)
	e.fail(fmt.Errorf("no engine at unix:///nowhere: %w", errdefs.ErrUnavailable))
	err := tower.Health(t.Context()).Err
	require.ErrorContains(t, err, "no engine at unix:///nowhere")
	assert.ErrorIs(t, err, errdefs.ErrUnavailable)
	assert.Zero(t, e.lists.Load(), "nothing else is asked")
	e.fail(errors.New("other"))
	require.ErrorContains(t, tower.Health(t.Context()).Err, "other")
}
