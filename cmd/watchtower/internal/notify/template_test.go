package notify_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/notify"
)

// golden compares with the file of that name in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644)) //nolint:gosec // to be read
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// Each built-in template, by a web hook and by mail, as the bytes arrive: of a start, of
// a pass with something of everything, and of one in which nothing happens.
func TestBuiltInTemplates(t *testing.T) {
	t.Parallel()
	for name, report := range map[string]bool{
		"default-legacy": false, "default": true, "porcelain.v1.summary-no-log": true, "porcelain.json": true, "json.v1": true,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web, posts := webReceiver(t, 200)
			mail, mails := mailReceiver(t)
			n, err := newNotifier(notify.Config{
				Services: to("generic+http://"+web+"/hook", "smtp://"+mail+"/?from=wt@example.com&to=ops@example.com&usestarttls=No"),
				Template: name, Report: report, Host: "host", Meant: func(c watchtower.Container) bool { return c.Name != "left-out" },
			})
			require.NoError(t, err)
			n.Started(at, "Watching all containers every 24h")
			observe(t, n, pass(everything())...)
			observe(t, n, pass(&watchtower.Report{Kind: watchtower.PassUpdate, Entries: []watchtower.Entry{entry("1", "fresh", watchtower.StatusFresh)}})...)
			closed(t, n)
			var texts []string
			for _, post := range all(posts) {
				assert.Equal(t, "POST /hook", post.at)
				texts = append(texts, post.body)
			}
			golden(t, name, strings.Join(texts, "\n--- the next message ---\n"))
			got := all(mails)
			require.Len(t, got, len(texts))
			for i, m := range got {
				head, body, ok := strings.Cut(m.body, "\n\n")
				require.True(t, ok, m.body)
				assert.Contains(t, head, "Subject: Watchtower updates on host")
				assert.Equal(t, strings.TrimSuffix(texts[i], "\n"), strings.TrimSuffix(body, "\n"))
				t.Logf("by mail, %s:\n%s", m.at, m.body)
			}
		})
	}
}

func TestTitles(t *testing.T) {
	t.Parallel()
	for want, config := range map[string]notify.Config{
		`"title":"Watchtower updates on host"`:      {Host: "host"},
		`"title":"[prod] Watchtower updates"`:       {Tag: "prod"},
		`"title":"[a b] Watchtower updates on c d"`: {Tag: "a\r\nb", Host: "c\nd"},
		``: {NoTitle: true, Host: "host"},
	} {
		web, posts := webReceiver(t, 200)
		config.Services = to("generic+http://" + web + "?template=json")
		n, err := newNotifier(config)
		require.NoError(t, err)
		n.Started(at, "begun")
		closed(t, n)
		got := all(posts)
		require.Len(t, got, 1)
		assert.Contains(t, got[0].body, want)
		assert.Equal(t, want == "", !strings.Contains(got[0].body, "title"), got[0].body)
	}
}

// What logger:// writes is read by scripts: it is of every pass.
func TestTheLogIsToldOfEveryPass(t *testing.T) {
	t.Parallel()
	var out, logged bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&logged, nil))
	n, err := newNotifier(notify.Config{Services: to("logger://"), Template: "porcelain.v1.summary-no-log", Report: true, Stdout: &out, Logger: logger})
	require.NoError(t, err)
	n.Started(at, "begun")
	for range 2 {
		observe(t, n, pass(&watchtower.Report{Entries: []watchtower.Entry{entry("1", "web", watchtower.StatusFresh)}})...)
	}
	closed(t, n)
	assert.Equal(t, "web (web:1): Fresh\nweb (web:1): Fresh\n", out.String())
	assert.Empty(t, logged.String())
	n, err = newNotifier(notify.Config{Services: to("logger://"), Logger: logger})
	require.NoError(t, err)
	n.Started(at, "begun")
	closed(t, n)
	assert.Contains(t, logged.String(), `msg=notification text=begun`)
}

// A template that has no end ends all the same, and one that grows stops growing.
func TestATemplateHasBounds(t *testing.T) {
	t.Parallel()
	const long, slow = "T: the template does not fit: its text has more than 1048576 bytes", "T: the template does not fit: it takes more than 3s"
	for name, tt := range map[string]struct{ template, want string }{
		"going round":               {`{{range 1000000000000000000}}{{end}}`, slow},
		"deep inside":               {`{{if .}}{{with .Report}}{{else}}{{end}}{{with .Report}}{{range 1000000000000000000}}{{if false}}{{end}}{{end}}{{end}}{{end}}`, slow},
		"calling itself":            {`{{define "a"}}{{with slice . 1}}{{template "a" .}}{{template "a" .}}{{end}}{{end}}{{template "a" (printf "%100d" 1)}}`, slow},
		"writing":                   {`{{range 1000000000000000000}}` + strings.Repeat("again and ", 1000) + `{{end}}`, long},
		"a text of its own":         {`{{$x := "a"}}{{range 100}}{{$x = print $x $x}}{{end}}`, long},
		"one by its form":           {`{{$x := "a"}}{{range 100}}{{$x = printf "%s%s" $x $x}}{{end}}`, long},
		"one by quoting":            {`{{$x := "` + strings.Repeat(`\"`, 300_000) + `"}}{{range 100}}{{$x = ToJSON $x}}{{end}}`, long},
		"one by quoting for others": {`{{$x := printf "%0100000d" 1 | js}}{{range 100}}{{$x = printf "%s%s" $x $x | js}}{{end}}`, long},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			_, err := notify.New(notify.Config{Template: tt.template, TemplateSetting: "T", Report: true})
			require.EqualError(t, err, tt.want)
			assert.Less(t, time.Since(began), time.Minute)
		})
	}
}

// What a template makes of the sample it may not make of a pass: people hear of that all
// the same.
func TestATemplateThatFailsLaterCostsNoMessage(t *testing.T) {
	t.Parallel()
	web, posts := webReceiver(t, 200)
	var logged bytes.Buffer
	n, err := newNotifier(notify.Config{
		Services: to("generic+http://" + web), Template: "{{range .}}{{slice .Message 0 7}}{{end}}", Logger: slog.New(slog.NewTextHandler(&logged, nil)),
	})
	require.NoError(t, err)
	n.Started(at, "begun")
	closed(t, n)
	got := all(posts)
	require.Len(t, got, 1)
	assert.Equal(t, "begun\n", got[0].body)
	assert.Contains(t, logged.String(), "the template does not fit: the built-in one is used in its place")
}

// What templates of the predecessors' models may ask for is there.
func TestWhatTemplatesAreGiven(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		template string
		report   bool
		want     string
	}{
		"lines": {
			`{{range .}}{{if eq .Level "error"}}{{.Time.Format "2006-01-02"}} {{.Level | ToUpper}} {{.Data.container | Title}} {{RFC1123 .Time}}: {{.Message | ToLower}}{{println}}{{end}}{{end}}`,
			false, "2026-03-01 ERROR Back Sun, 01 Mar 2026 12:00:00 UTC: updating back (back:1) failed, and it was rolled back: unhealthy\n",
		},
		"a report": {
			`{{if .Report}}{{.Title}} at {{.Host}}{{with .Report}}: {{len .All}} {{len .Scanned}}
{{range .Updated}}{{.OldVersion}} {{.NewVersion}} {{.Source}} {{.ID.ShortID}} {{.Name}} {{.ImageName}} {{.CurrentImageID.ShortID}} {{.LatestImageID.ShortID}} {{.State}}
{{end}}{{range .Failed}}{{.Name}} {{.State}} {{.Error}} {{.RolledBack}}
{{end}}{{range .Skipped}}{{.Name}}: {{.Error}}
{{end}}{{range .Stale}}{{.Name}} {{.IsMonitorOnly}} {{end}}{{range .Fresh}}{{.Name}}{{end}}{{range .Restarted}} {{.Name}}{{end}}{{end}}{{end}}`,
			true, `Watchtower updates on host at host: 9 7
1.4.2 1.5.0 https://example.com/app 222222222222 updated updated:1 222222222222 bbbbbbbbbbbb Updated
back Failed unhealthy true
failed Failed no such image; at all false
pinned: pinned to a digest
left-out: ` + `
held false stale false fresh with-it`,
		},
		"one container as JSON":          {`{{range .Report.Updated}}{{ToJSON .Name}} {{ToJSON .State}}{{end}}`, true, `"updated" "Updated"`},
		"a report as JSON":               {`{{with .Report}}{{ToJSON . | printf "%.13s"}}{{end}}`, true, "{\n  \"scanned\""},
		"no report, and what asks of it": {`{{range .Report.Updated}}{{.Name}}{{end}}`, true, "updated"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web, posts := webReceiver(t, 200)
			n, err := newNotifier(notify.Config{Services: to("generic+http://" + web), Template: tt.template, Report: tt.report, Host: "host"})
			require.NoError(t, err)
			n.Started(at, "begun")
			observe(t, n, pass(everything())...)
			closed(t, n)
			got := all(posts)
			require.Len(t, got, 1, "nothing of the start")
			assert.Equal(t, tt.want, got[0].body)
		})
	}
}
