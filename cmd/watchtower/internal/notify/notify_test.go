package notify_test

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/notify"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
)

var update = flag.Bool("update", false, "write the golden files")

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// to makes services of URLs.
func to(urls ...string) []notify.Service {
	var out []notify.Service
	for _, u := range urls {
		out = append(out, notify.Service{Setting: "WATCHTOWER_NOTIFICATION_URL", URL: credentials.NewSecret(u)})
	}
	return out
}

func digest(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }

func entry(id, name string, status watchtower.Status) watchtower.Entry {
	return watchtower.Entry{
		Container: lifecycle.Container{ID: strings.Repeat(id, 64), Name: name, Image: name + ":1", ImageID: digest(id)}, Status: status,
	}
}

// everything is a report with something of everything.
func everything() *watchtower.Report {
	updated := entry("2", "updated", watchtower.StatusUpdated)
	updated.NewImageID, updated.Latest = digest("b"), digest("c")
	updated.From, updated.To = watchtower.ImageInfo{Version: "1.4.2"}, watchtower.ImageInfo{Version: "1.5.0", Source: "https://example.com/app"}
	pinned := entry("3", "pinned", watchtower.StatusSkipped)
	pinned.Reason = "pinned to a digest"
	back := entry("4", "back", watchtower.StatusRolledBack)
	back.Err, back.NewImageID, back.Latest = errors.New("unhealthy"), digest("d"), digest("e")
	failed := entry("5", "failed", watchtower.StatusFailed)
	failed.Err = errors.New("no such image\nat all")
	held := entry("6", "held", watchtower.StatusHeld)
	held.Latest, held.Reason = digest("f"), "cooling down"
	stale := entry("7", "stale", watchtower.StatusStale)
	stale.Latest, stale.Reason = digest("f"), "only monitored: the registry has another"
	with := entry("8", "with-it", watchtower.StatusRestarted)
	with.Reason = "it lives in the network of updated"
	back.OutOfDate, held.OutOfDate, stale.OutOfDate = true, true, true
	return &watchtower.Report{Kind: watchtower.PassUpdate, Started: at, Ended: at, Entries: []watchtower.Entry{
		entry("9", "left-out", watchtower.StatusSkipped), failed, back, entry("1", "fresh", watchtower.StatusFresh), pinned, updated, held, stale, with,
	}}
}

// pass are the events of one.
func pass(r *watchtower.Report) []watchtower.Event {
	events := []watchtower.Event{watchtower.PassStarted{At: at, Kind: r.Kind}}
	for _, e := range r.Entries {
		switch e.Status {
		case watchtower.StatusStale:
			events = append(events, watchtower.UpdateFound{At: at, Entry: e})
		case watchtower.StatusHeld:
			events = append(events, watchtower.UpdateFound{At: at, Entry: e}, watchtower.UpdateHeld{At: at, Entry: e})
		case watchtower.StatusFailed:
			events = append(events, watchtower.CheckFailed{At: at, Reference: e.Container.Image, Containers: []string{e.Container.Name}, Err: e.Err})
		case watchtower.StatusUpdated, watchtower.StatusRolledBack:
			events = append(
				events, watchtower.UpdateFound{At: at, Entry: e},
				watchtower.StepStarted{At: at, Image: e.Container.Image, Service: e.Container.ServiceMode(), Step: lifecycle.Step{Container: e.Container.Name, Action: "stop"}},
				watchtower.StepStarted{At: at, Image: e.Container.Image, Service: e.Container.ServiceMode(), Step: lifecycle.Step{Container: e.Container.Name, Action: "start"}},
				watchtower.UpdateEnded{At: at, Entry: e},
			)
		case watchtower.StatusRestarted:
			events = append(events, watchtower.UpdateEnded{At: at, Entry: e})
		default:
		}
	}
	return append(events, watchtower.PassEnded{At: at, Kind: r.Kind, Report: r})
}

// told is a Notifier that is told each fact once.
type told struct {
	*notify.Notifier
	once watchtower.Observer
}

func newNotifier(cfg notify.Config) (told, error) {
	n, err := notify.New(cfg)
	if err != nil {
		return told{}, err
	}
	once, err := watchtower.Once("", n, nil)
	return told{n, once}, err
}

func observe(t *testing.T, n told, events ...watchtower.Event) {
	t.Helper()
	for _, e := range events {
		n.once.Observe(t.Context(), e)
	}
}

// closed waits until everything is delivered.
func closed(t *testing.T, n interface{ Close(context.Context) }) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n.Close(ctx)
	require.NoError(t, ctx.Err())
}

func all(got <-chan received) []received {
	var out []received
	for len(got) > 0 {
		out = append(out, <-got)
	}
	return out
}

func TestTenPollsWithOneUpdateGiveOneMessage(t *testing.T) {
	t.Parallel()
	updated := entry("1", "web", watchtower.StatusUpdated)
	updated.NewImageID, updated.Latest = digest("2"), digest("3")
	later := entry("2", "web", watchtower.StatusFresh)
	monitored := entry("3", "db", watchtower.StatusStale)
	monitored.Latest = digest("4")
	unreachable := entry("4", "lost", watchtower.StatusFailed)
	unreachable.Err = errors.New("no route")
	held := entry("5", "patient", watchtower.StatusHeld)
	held.Latest = digest("6")
	for name, report := range map[string]bool{"default-legacy": false, "default": true, "json.v1": true, "porcelain.v1.summary-no-log": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web, posts := webReceiver(t, 200)
			n, err := newNotifier(notify.Config{Services: to("generic+http://" + web), Template: name, Report: report})
			require.NoError(t, err)
			for range 3 {
				observe(t, n, pass(&watchtower.Report{Entries: []watchtower.Entry{entry("1", "web", watchtower.StatusFresh)}})...)
			}
			for i := range 10 {
				web := later
				if i == 0 {
					web = updated
				}
				observe(t, n, pass(&watchtower.Report{Entries: []watchtower.Entry{web, monitored, unreachable, held}})...)
			}
			// What changes is told, and so is what is over.
			another := monitored
			another.Latest = digest("5")
			back := entry("4", "lost", watchtower.StatusFresh)
			back.Latest = digest("4")
			for range 3 {
				observe(t, n, pass(&watchtower.Report{Entries: []watchtower.Entry{later, another, unreachable}})...)
			}
			for range 3 {
				observe(t, n, pass(&watchtower.Report{Entries: []watchtower.Entry{later, another, back}})...)
			}
			closed(t, n)
			got := all(posts)
			for _, m := range got {
				t.Log(m.body)
			}
			require.Len(t, got, 3)
			assert.Contains(t, got[0].body, "web")
			assert.Contains(t, got[1].body, "db")
			assert.Contains(t, got[2].body, "lost")
		})
	}
}

func TestAnEngineThatDoesNotAnswerIsToldOnceAndThatItDoesAgain(t *testing.T) {
	t.Parallel()
	for _, report := range []bool{false, true} {
		web, posts := webReceiver(t, 200)
		n, err := newNotifier(notify.Config{Services: to("generic+http://" + web), Report: report, Level: slog.LevelError})
		require.NoError(t, err)
		quiet := &watchtower.Report{Entries: []watchtower.Entry{entry("1", "web", watchtower.StatusFresh)}}
		for range 10 {
			observe(t, n, watchtower.PassStarted{}, watchtower.PassFailed{Kind: watchtower.PassUpdate, Err: errors.New("no engine")})
		}
		observe(t, n, pass(quiet)...)
		observe(t, n, pass(quiet)...)
		closed(t, n)
		got := all(posts)
		require.Len(t, got, 2)
		assert.Equal(t, "No update could be made: no engine\n", got[0].body)
		assert.Equal(t, "Passes are made again\n", got[1].body)
	}
}

func TestWhatIsLeftOutOfMessages(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config notify.Config
		want   []string
	}{
		"lines below the level":               {notify.Config{Level: slog.LevelError}, []string{"Updating back (back:1) failed, and it was rolled back: unhealthy\n"}},
		"reports without a failure, at error": {notify.Config{Level: slog.LevelError, Report: true, Template: "{{range .Report.All}}{{.Name}} {{end}}", Split: true}, []string{"back ", "failed "}},
		"what is not meant": {
			notify.Config{Report: true, Template: "{{range .Report.All}}{{.Name}} {{end}}", Meant: func(c watchtower.Container) bool { return c.Name == "updated" }},
			[]string{"updated "},
		},
		"empty messages": {notify.Config{Report: true, Template: "{{with .Report.Missing}}{{end}} \n"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web, posts := webReceiver(t, 200)
			tt.config.Services = to("generic+http://" + web)
			n, err := newNotifier(tt.config)
			if name == "empty messages" {
				require.ErrorContains(t, err, "Missing")
				return
			}
			require.NoError(t, err)
			observe(t, n, pass(everything())...)
			closed(t, n)
			var got []string
			for _, m := range all(posts) {
				got = append(got, m.body)
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestSplitByContainer(t *testing.T) {
	t.Parallel()
	for template, want := range map[string][]string{
		"{{range .Report.All}}{{.Name}}{{end}} {{len .Entries}}": {"back 4", "failed 1", "stale 1", "updated 4", "with-it 1"},
		"": {
			"Checking failed:1 failed, which failed uses: no such image; at all\n",
			"Found a new image for back (back:1): eeeeeeeeeeee\nStopping back\nStarting back\nUpdating back (back:1) failed, and it was rolled back: unhealthy\n",
			"Found a new image for held (held:1): ffffffffffff\nheld (held:1) waits for its update: cooling down\n",
			"Found a new image for stale (stale:1): ffffffffffff\n",
			"Found a new image for updated (updated:1): cccccccccccc, 1.4.2 -> 1.5.0 (https://example.com/app)\nStopping updated\nStarting updated\nUpdated updated (updated:1): 222222222222 to bbbbbbbbbbbb, 1.4.2 -> 1.5.0 (https://example.com/app)\n",
			"Restarted with-it (with-it:1): it lives in the network of updated\n",
		},
	} {
		web, posts := webReceiver(t, 200)
		n, err := newNotifier(notify.Config{Services: to("generic+http://" + web), Template: template, Report: template != "", Split: true})
		require.NoError(t, err)
		observe(t, n, pass(everything())...)
		closed(t, n)
		var got []string
		for _, m := range all(posts) {
			got = append(got, m.body)
		}
		slices.Sort(got)
		assert.Equal(t, want, got)
	}
}

// What no report has a place for is told as well, once, and beside the report.
func TestWhatNoReportSaysIsToldBesideIt(t *testing.T) {
	t.Parallel()
	web := lifecycle.Container{Name: "web", Image: "web:1"}
	quiet := &watchtower.Report{Entries: []watchtower.Entry{entry("1", "web", watchtower.StatusFresh)}}
	for want, e := range map[string]watchtower.Event{
		"An update of web that was cut short is settled: rolled back\n": watchtower.ServiceRecovered{
			Recovery: lifecycle.Recovery{Name: "web", Outcome: lifecycle.OutcomeRolledBack},
		},
		"web (web:1) has a label with a value that is not accepted: a=b, want c\n": watchtower.LabelInvalid{Container: web, Label: "a", Value: "b", Accepted: "c"},
		"The post-update hook of web (web:1) failed: exit status 1\n": watchtower.HookEnded{
			Container: web, Result: lifecycle.HookResult{Point: lifecycle.PostUpdate, Verdict: lifecycle.HookVerdict{Err: errors.New("exit status 1")}},
		},
	} {
		for _, split := range []bool{false, true} {
			hook, posts := webReceiver(t, 200)
			n, err := newNotifier(notify.Config{Services: to("generic+http://" + hook), Report: true, Split: split})
			require.NoError(t, err)
			for range 3 {
				of := pass(quiet)
				observe(t, n, of[0], e, of[1])
			}
			observe(t, n, pass(everything())...)
			closed(t, n)
			got := all(posts)
			require.NotEmpty(t, got)
			assert.Equal(t, want, got[0].body)
			for _, m := range got[1:] {
				assert.NotContains(t, m.body, want)
			}
		}
	}
}
