package registry

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// QuotaTeller is a Checker that tells what registries still allow.
type QuotaTeller interface {
	// Quotas are those told last, one for each registry that tells, by host.
	Quotas() []Quota
}

// Quota is what a registry says it still allows, by the headers RateLimit-Limit
// and RateLimit-Remaining, as Docker Hub has them ("100;w=21600"), or by those
// that begin with X-RateLimit. Docker Hub counts pulls, which are manifests that
// are read; a HEAD is none.
type Quota struct {
	// Host is the registry, as references name it, or a mirror.
	Host string
	// Limit is how many requests are allowed in a window; 0 if it was not said.
	Limit int64
	// Remaining is how many of them are left.
	Remaining int64
	// Window is how long a window is; 0 if it was not said.
	Window time.Duration
	// Reset is when the next window begins; zero if it was not said.
	Reset time.Time
	// At is when the registry said so.
	At time.Time
}

// MarshalJSON writes host, remaining, at and, where they were said, limit,
// window_seconds and reset.
func (q Quota) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Host      string    `json:"host"`
		Limit     int64     `json:"limit,omitempty"`
		Remaining int64     `json:"remaining"`
		Window    int64     `json:"window_seconds,omitempty"`
		Reset     time.Time `json:"reset,omitzero"`
		At        time.Time `json:"at"`
	}{q.Host, q.Limit, q.Remaining, int64(q.Window / time.Second), q.Reset, q.At})
}

// Quotas tells what the registries have said they still allow, the last word of
// each that did, by host.
func (c *Client) Quotas() []Quota {
	var all []*host
	c.mu.Lock()
	for _, h := range c.hosts {
		all = append(append(all, h), h.mirrors...)
	}
	c.mu.Unlock()
	var out []Quota
	for _, h := range all {
		h.mu.Lock()
		if h.quota.Host != "" {
			out = append(out, h.quota)
		}
		h.mu.Unlock()
	}
	slices.SortFunc(out, func(a, b Quota) int { return strings.Compare(a.Host, b.Host) })
	return out
}

// observe takes in what an answer says of a quota. The caller holds the lock.
func (h *host) observe(header http.Header, now time.Time) {
	if q, ok := parseQuota(header, now); ok {
		q.Host = h.name
		h.quota = q
	}
}

// parseQuota reads the headers of one family, the standard's if both are there.
func parseQuota(header http.Header, now time.Time) (Quota, bool) {
	for _, family := range []string{"Ratelimit-", "X-Ratelimit-"} {
		remaining, window, ok := parseLimit(header.Get(family + "Remaining"))
		if !ok {
			continue
		}
		q := Quota{Remaining: remaining, Window: window, At: now}
		if limit, window, ok := parseLimit(header.Get(family + "Limit")); ok {
			q.Limit = limit
			q.Window = max(q.Window, window)
		}
		if reset, _, ok := parseLimit(header.Get(family + "Reset")); ok {
			q.Reset = resetAt(reset, now)
		}
		return q, true
	}
	return Quota{}, false
}

// maxNumber bounds what is believed of a header. As seconds it fits a Duration.
const maxNumber = 1 << 33

// parseLimit reads "100", "100;w=21600" and "100, 100;w=60".
func parseLimit(text string) (n int64, window time.Duration, ok bool) {
	for i, item := range strings.Split(text, ",") {
		number, params, _ := strings.Cut(item, ";")
		if i == 0 {
			value, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			if err != nil || value < 0 || value > maxNumber {
				return 0, 0, false
			}
			n = value
		}
		for param := range strings.SplitSeq(params, ";") {
			seconds, found := strings.CutPrefix(strings.TrimSpace(param), "w=")
			if w, err := strconv.ParseInt(seconds, 10, 64); found && err == nil && window == 0 && w > 0 && w <= maxNumber {
				window = time.Duration(w) * time.Second
			}
		}
	}
	return n, window, true
}

// resetAt is a time in seconds: for some from now on, for others since 1970.
func resetAt(seconds int64, now time.Time) time.Time {
	const unix = 1 << 30 // 2004; as a wait it would be 34 years
	if seconds >= unix {
		return time.Unix(seconds, 0)
	}
	return now.Add(time.Duration(seconds) * time.Second)
}
