package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// receiver keeps the bodies of what it is sent.
func receiver(t *testing.T) (url string, got <-chan string) {
	t.Helper()
	all := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		all <- string(body)
	}))
	t.Cleanup(server.Close)
	return "generic+" + server.URL + "/CANARY", all
}

// telling makes a fake that tells the session's observers of a pass.
func telling(f *fake, kept *session, report *watchtower.Report) opener {
	f.during = func(ctx context.Context) {
		for _, o := range kept.observers {
			o.Observe(ctx, watchtower.PassStarted{Kind: report.Kind})
			for _, e := range report.Entries {
				o.Observe(ctx, watchtower.UpdateEnded{Entry: e})
			}
			o.Observe(ctx, watchtower.PassEnded{Kind: report.Kind, Report: report})
		}
	}
	return f.with(kept)
}

// The end of the program waits for what is to be told, and nothing shows the secret.
func TestASinglePassTellsBeforeItEnds(t *testing.T) {
	t.Parallel()
	url, got := receiver(t)
	report := reportOf(watchtower.StatusUpdated, nil)
	report.Entries[0].Container.State = lifecycle.StateRunning
	for name, tt := range map[string]struct {
		args []string
		want []string
	}{
		"lines": {nil, []string{"Containers: all\n", "Updated web (nginx):"}},
		"a report": {
			[]string{"--notification-report", "--no-startup-message", "--trace"},
			[]string{"1 Scanned, 1 Updated, 0 Failed\n- web (nginx): "},
		},
		"a log for programs, beside what is": {
			[]string{"--notification-url=logger://", "--notification-log-stdout", "--json", "--no-startup-message"}, nil,
		},
		"nobody is told of a check": {[]string{"check", "-v"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			var kept session
			f := &fake{report: report}
			env := []string{"WATCHTOWER_NOTIFICATION_URL=" + url, "WATCHTOWER_RUN_ONCE=1"}
			assert.Equal(t, exitOK, run(tt.args, &out, &errs, env, telling(f, &kept, report)), errs.String())
			require.Len(t, got, len(tt.want), errs.String())
			for _, want := range tt.want {
				assert.Contains(t, <-got, want)
			}
			assert.NotContains(t, out.String()+errs.String(), "CANARY")
			assert.True(t, !slices.Contains(tt.args, "--json") || json.Valid(out.Bytes()), out.String())
		})
	}
}

// What a service did not take is told by the next start with a directory, to that service
// alone; without one the log says what is lost.
func TestTheNextStartTellsWhatAServiceDidNotTake(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"kept": t.TempDir(), "lost": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good, told := receiver(t)
			var down atomic.Bool
			down.Store(true)
			late := make(chan string, 100)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if down.Load() {
					w.WriteHeader(http.StatusInternalServerError)
					return
				}
				body, err := io.ReadAll(r.Body)
				assert.NoError(t, err)
				late <- string(body)
			}))
			t.Cleanup(server.Close)
			env := []string{"WATCHTOWER_NOTIFICATION_URL=" + good + " generic+" + server.URL, "WATCHTOWER_RUN_ONCE=1", "WATCHTOWER_STATE_DIR=" + dir}
			start := func(report *watchtower.Report) string {
				var out, errs bytes.Buffer
				var kept session
				f := &fake{report: report}
				assert.Equal(t, exitOK, run(nil, &out, &errs, env, telling(f, &kept, report)), errs.String())
				return errs.String()
			}
			report := reportOf(watchtower.StatusUpdated, nil)
			report.Entries[0].Container.State = lifecycle.StateRunning
			logged := start(report)
			assert.Contains(t, logged, `a notification could not be delivered" service=generic tries=4`)
			if dir == "" {
				assert.Contains(t, logged, `the program ends before all notifications are delivered" service=generic lost=2 text="Watchtower `)
				assert.Contains(t, logged, "; Updated web (nginx)")
				return
			}
			assert.Contains(t, logged, `the program ends before all notifications are delivered: the next start goes on" service=generic waiting=1`)
			down.Store(false)
			logged = start(&watchtower.Report{Kind: watchtower.PassUpdate})
			require.Len(t, told, 3, logged)
			require.Len(t, late, 2, logged)
			assert.Contains(t, <-late, "Updated web (nginx)")
			assert.Contains(t, <-late, "makes one pass")
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			for _, f := range files {
				text, err := os.ReadFile(filepath.Join(dir, f.Name()))
				require.NoError(t, err)
				assert.NotContains(t, string(text), "CANARY", f.Name())
			}
		})
	}
}

// A receiver that never answers costs the pass nothing, and the end no more than its bound.
func TestAReceiverThatHangsDelaysNoPass(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	var errs bytes.Buffer
	var kept session
	report := reportOf(watchtower.StatusRolledBack, errors.New("unhealthy"))
	f := &fake{report: report}
	opened := telling(f, &kept, report)
	tell := f.during
	var took time.Duration
	ended, end := context.WithCancel(t.Context())
	f.during = func(context.Context) {
		began := time.Now()
		for range 10 {
			tell(ended)
		}
		took = time.Since(began)
	}
	p := &program{values: map[string]*value{}, env: map[string]string{"WATCHTOWER_NOTIFICATION_URL": "generic+" + server.URL}, stdout: io.Discard, stderr: &errs, open: opened}
	root := p.command()
	var whole time.Duration
	root.RunE = func(cmd *cobra.Command, names []string) error {
		return p.main(cmd, names, func(ctx context.Context, se session) error {
			_, err := se.towers[0].Update(ctx)
			began := time.Now()
			time.AfterFunc(100*time.Millisecond, end) // while it waits already
			se.farewell(ended)
			whole = time.Since(began)
			return err
		})
	}
	root.SetArgs(nil)
	require.NoError(t, root.Execute())
	t.Logf("ten passes took %v, the end %v", took, whole)
	assert.Less(t, took, time.Second)
	assert.Less(t, whole, flushHurry+2*time.Second)
	assert.Contains(t, errs.String(), "the program ends before all notifications are delivered")
}

// Whoever prints what the program holds sees no secret.
func TestADumpShowsNoSecretOfNotifications(t *testing.T) {
	t.Parallel()
	s, err := parse(t, map[string]string{
		"WATCHTOWER_NOTIFICATIONS": "email", "WATCHTOWER_NOTIFICATION_EMAIL_FROM": "a@example.com", "WATCHTOWER_NOTIFICATION_EMAIL_TO": "b@example.com",
		"WATCHTOWER_NOTIFICATION_EMAIL_SERVER": "mail", "WATCHTOWER_NOTIFICATION_EMAIL_SERVER_USER": "me",
		"WATCHTOWER_NOTIFICATION_EMAIL_SERVER_PASSWORD": "CANARY", "WATCHTOWER_NOTIFICATION_URL": "generic://host/CANARY",
		"WATCHTOWER_NOTIFICATION_SLACK_HOOK_URL": "https://hooks.slack.com/CANARY", "WATCHTOWER_NOTIFICATION_MSTEAMS_HOOK_URL": "CANARY",
		"WATCHTOWER_NOTIFICATION_GOTIFY_TOKEN": "CANARY",
	})
	require.NoError(t, err)
	cfg, err := s.notifications()
	require.NoError(t, err)
	require.Len(t, cfg.Services, 2)
	se := session{settings: s, logger: slog.New(slog.DiscardHandler)}
	require.NoError(t, notifying(&se, cfg))
	require.NotNil(t, se.notifiers)
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, held := range []any{s, s.notify, cfg, cfg.Services[0], se} {
			assert.NotContains(t, fmt.Sprintf(format, held), "CANARY", "%s of %T", format, held)
		}
	}
}
