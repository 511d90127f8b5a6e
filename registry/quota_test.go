package registry

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseQuota(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name   string
		header []string
		want   *Quota
	}{
		{"Docker Hub", []string{"ratelimit-limit", "100;w=21600", "ratelimit-remaining", "76;w=21600"}, &Quota{Limit: 100, Remaining: 76, Window: 6 * time.Hour}},
		{"the draft's", []string{"RateLimit-Limit", "100, 100;w=60", "RateLimit-Remaining", "0", "RateLimit-Reset", "30"}, &Quota{Limit: 100, Window: time.Minute, Reset: now.Add(30 * time.Second)}},
		{"with X", []string{"X-RateLimit-Limit", "180", "X-RateLimit-Remaining", "179", "X-RateLimit-Reset", "1767323100"}, &Quota{Limit: 180, Remaining: 179, Reset: time.Unix(1767323100, 0)}},
		{"both, the standard's count", []string{"X-RateLimit-Remaining", "1", "RateLimit-Remaining", "2"}, &Quota{Remaining: 2}},
		{"no limit", []string{"RateLimit-Remaining", "2"}, &Quota{Remaining: 2}},
		{"a limit alone", []string{"RateLimit-Limit", "2"}, nil},
		{"none", nil, nil},
		{"no number", []string{"RateLimit-Remaining", "many"}, nil},
		{"negative", []string{"RateLimit-Remaining", "-1"}, nil},
		{"beyond all numbers", []string{"RateLimit-Remaining", "99999999999999999999"}, nil},
		{"a window without end", []string{"RateLimit-Remaining", "1;w=99999999999999999999"}, &Quota{Remaining: 1}},
	}
	for _, tt := range tests {
		h := http.Header{}
		for i := 0; i < len(tt.header); i += 2 {
			h.Set(tt.header[i], tt.header[i+1])
		}
		q, ok := parseQuota(h, now)
		require.Equal(t, tt.want != nil, ok, tt.name)
		if ok {
			tt.want.At = now
			assert.Equal(t, *tt.want, q, tt.name)
		}
	}
}

func FuzzParseLimit(f *testing.F) {
	f.Add("100, 100;w=60")
	f.Add("1;q=2;w=99999999999999999999")
	f.Fuzz(func(t *testing.T, text string) {
		n, window, ok := parseLimit(text)
		if n < 0 || window < 0 || !ok && (n != 0 || window != 0) {
			t.Errorf("%q: %d %v %t", text, n, window, ok)
		}
	})
}

func TestQuotasAreTheLastThatWereTold(t *testing.T) {
	t.Parallel()
	remaining := "10"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if remaining != "" {
			w.Header().Set("RateLimit-Limit", "100;w=21600")
			w.Header().Set("RateLimit-Remaining", remaining)
		}
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	c, err := New()
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	assert.Empty(t, c.Quotas())
	for _, remaining = range []string{"10", "9", ""} {
		c.Check(t.Context(), []Query{{Reference: host + "/app:1"}})
	}
	quotas := c.Quotas()
	require.Len(t, quotas, 1, "a refusal tells it as well; what says nothing changes nothing")
	at := quotas[0].At
	assert.WithinDuration(t, time.Now(), at, time.Minute)
	assert.Equal(t, []Quota{{Host: host, Limit: 100, Remaining: 9, Window: 6 * time.Hour, At: at}}, quotas)
	data, err := json.Marshal(quotas[0])
	require.NoError(t, err)
	stamp, err := json.Marshal(at)
	require.NoError(t, err)
	assert.JSONEq(t, `{"host":"`+host+`","limit":100,"remaining":9,"window_seconds":21600,"at":`+string(stamp)+`}`, string(data))
}
