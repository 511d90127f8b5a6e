package notify_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/notify"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// namesakes are a service that was rolled back and a container of its name that was
// updated, and one of the service's tasks.
func namesakes() *watchtower.Report {
	service := entry("1", "web", watchtower.StatusRolledBack)
	service.Container.Service = &lifecycle.Service{Mode: lifecycle.ModeGlobal}
	service.Err, service.Latest = errors.New("unhealthy"), digest("e")
	container := entry("2", "web", watchtower.StatusUpdated)
	container.NewImageID, container.Latest = digest("b"), digest("c")
	task := entry("3", "web.1.x", watchtower.StatusSkipped)
	task.TaskOf = "web"
	return &watchtower.Report{Kind: watchtower.PassUpdate, Entries: []watchtower.Entry{service, container, task}}
}

func TestServicesAreToldFromContainers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		template string
		report   bool
		want     []string
	}{
		"report": {
			"", true,
			[]string{"1 Scanned, 0 Updated, 1 Failed\n- service web (web:1): Rolled back: unhealthy\n", "1 Scanned, 1 Updated, 0 Failed\n- web (web:1): 222222222222 updated to bbbbbbbbbbbb\n"},
		},
		"lines": {
			"", false, []string{
				"Found a new image for service web (web:1): eeeeeeeeeeee\nStopping service web\nStarting service web\nUpdating service web (web:1) failed, and it was rolled back: unhealthy\n",
				"Found a new image for web (web:1): cccccccccccc\nStopping web\nStarting web\nUpdated web (web:1): 222222222222 to bbbbbbbbbbbb\n",
			},
		},
		"data": {
			"{{range .Report.All}}{{.Name}}:{{.Service}}{{end}}{{range .Entries}} {{.Data.service}}{{end}}", true,
			[]string{"web: <no value> <no value> <no value> <no value>", "web:global global global global global"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			web, posts := webReceiver(t, 200)
			n, err := newNotifier(notify.Config{Services: to("generic+http://" + web), Template: tt.template, Report: tt.report, Split: true})
			require.NoError(t, err)
			observe(t, n, pass(namesakes())...)
			closed(t, n)
			var got []string
			for _, m := range all(posts) {
				got = append(got, m.body)
			}
			slices.Sort(got)
			assert.Equal(t, tt.want, got)
		})
	}
}

// What is told of the one is no news of the other.
func TestNewsOfAServiceIsNoneOfItsNamesake(t *testing.T) {
	t.Parallel()
	r := namesakes()
	r.Entries[1].Status, r.Entries[1].Latest = watchtower.StatusFresh, ""
	text, err := notify.Porcelain("json", r, nil)
	require.NoError(t, err)
	assert.Contains(t, text, `{"name":"web","service":"global","image":"web:1"`)
	assert.Contains(t, text, `{"name":"web","image":"web:1"`)
	assert.Contains(t, text, `{"name":"web.1.x","task_of":"web","image":"web.1.x:1"`)

	web, posts := webReceiver(t, 200)
	n, err := newNotifier(notify.Config{Services: to("generic+http://" + web), Template: "{{range .Report.Recovered}}{{.Service}} {{.Name}}{{end}}", Report: true})
	require.NoError(t, err)
	observe(t, n,
		watchtower.PassStarted{At: at, Kind: r.Kind},
		watchtower.CheckFailed{At: at, Reference: "web:1", Services: []string{"web"}, Err: errors.New("no answer")},
		watchtower.PassEnded{At: at, Kind: r.Kind, Report: r})
	r.Entries[0].Status, r.Entries[0].Err = watchtower.StatusFresh, nil
	observe(t, n, watchtower.PassStarted{At: at, Kind: r.Kind}, watchtower.PassEnded{At: at, Kind: r.Kind, Report: r})
	closed(t, n)
	var got []string
	for _, m := range all(posts) {
		got = append(got, m.body)
	}
	assert.Equal(t, []string{"global web"}, got)
}
