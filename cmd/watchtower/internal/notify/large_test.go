package notify_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/notify"
)

// Five hundred containers that all failed, with much to say about it, in whatever pieces a
// service takes: none is left out, and none comes twice.
func TestAReportOfManyContainersArrivesWhole(t *testing.T) { // not in parallel: it changes how Go's own client dials
	const many = 500
	report := &watchtower.Report{Kind: watchtower.PassUpdate}
	for i := range many {
		e := entry("1", fmt.Sprintf("container-%03d", i), watchtower.StatusRolledBack)
		e.Container.ID, e.Latest = fmt.Sprintf("%064d", i), digest("2")
		e.Err = errors.New("unhealthy: " + strings.Repeat("<no \"answer\" & äöü> ", 10))
		report.Entries = append(report.Entries, e)
	}
	uuid := "cacacaca-caca-caca-caca-cacacacacaca"
	for url, most := range map[string]int{
		"discord://token@1234": 1 << 15, // ten texts of 2000
		"telegram://123456789:abcdefghijklmnopqrstuvwxyzabcdefghi@telegram?chats=@me":                                                              1 << 15,
		"teams+https://org.webhook.office.com/webhookb2/" + uuid + "@" + uuid + "/IncomingWebhook/" + strings.Repeat("ca", 16) + "/" + uuid + "/x": 28_000,
		"ntfy://LOCAL/topic?scheme=http":                                                4096,
		"googlechat://chat.googleapis.com/v1/spaces/space/messages?key=key&token=token": 32_000,
	} {
		name, _, _ := strings.Cut(url, ":")
		t.Run(name, func(t *testing.T) {
			got := make(chan received, 2*many)
			handler := func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if len(body) > most {
					w.WriteHeader(http.StatusRequestEntityTooLarge)
					return
				}
				got <- received{body: string(body)}
				if r.Host == "discord.com" {
					w.WriteHeader(http.StatusNoContent)
					return
				}
				_, _ = io.WriteString(w, `{"ok":true}`)
			}
			redirected(t, handler)
			local := httptest.NewServer(http.HandlerFunc(handler))
			t.Cleanup(local.Close)
			url := strings.Replace(url, "LOCAL", strings.TrimPrefix(local.URL, "http://"), 1)
			var logged bytes.Buffer
			n, err := newNotifier(notify.Config{Services: to(url), Report: true, Host: "host", Logger: slog.New(slog.NewTextHandler(&logged, nil))})
			require.NoError(t, err)
			observe(t, n, pass(report)...)
			closed(t, n)
			assert.Empty(t, logged.String())
			count := map[string]int{}
			messages := all(got)
			for _, m := range messages {
				for _, name := range regexp.MustCompile(`container-\d{3} `).FindAllString(m.body, -1) {
					count[name]++
				}
			}
			t.Logf("%d messages", len(messages))
			assert.Len(t, count, many)
			for name, n := range count {
				assert.Equal(t, 1, n, name)
			}
		})
	}
}
