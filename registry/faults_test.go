package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// anew asks about n repositories in which something moved.
func anew(r *registrytest.Registry, n int) []registry.Query {
	qs := pushed(r, n)
	for i := range qs {
		qs[i].Known = nil
		qs[i].Platforms = func(context.Context) ([]string, error) { return []string{"linux/amd64"}, nil }
	}
	return qs
}

type faultCase struct {
	name  string
	on    registrytest.Kind
	fault registrytest.Fault
	is    func(error) bool // nil: all is answered
	text  string
	took  time.Duration
	most  int // requests of the kind
}

// What each fault does to a check of 5 references that has to read manifests:
// what it says, how long it takes, and how much is asked all the same.
func TestFaults(t *testing.T) {
	t.Parallel()
	const head, manifest, token = registrytest.KindHead, registrytest.KindManifest, registrytest.KindToken
	inAMinute := registrytest.TooManyUntil(time.Date(2000, 1, 1, 0, 1, 0, 0, time.UTC)) // a bubble's first minute
	tests := []faultCase{
		{"hangs", head, registrytest.Hang(), errdefs.IsUnavailable, "no answer within 30s", 30 * time.Second, 1},
		{"hangs", manifest, registrytest.Hang(), errdefs.IsUnavailable, "no answer within 30s", 30 * time.Second, 1},
		{"hangs", token, registrytest.Hang(), errdefs.IsUnavailable, "no answer within 30s", 30 * time.Second, 1},
		{"resets", head, registrytest.Reset(), errdefs.IsUnavailable, "unexpected EOF", 0, 5},
		{"resets", manifest, registrytest.Reset(), errdefs.IsUnavailable, "unexpected EOF", 0, 5},
		{"resets", token, registrytest.Reset(), errdefs.IsUnavailable, "unexpected EOF", 0, 10},
		{"truncates", manifest, registrytest.Truncate(), errdefs.IsUnavailable, "unexpected EOF", 0, 5},
		{"truncates", token, registrytest.Truncate(), errdefs.IsUnavailable, "unexpected EOF", 0, 10},
		{"drips fast", manifest, registrytest.Drip(time.Millisecond), nil, "", time.Second, 5},
		{"drips fast", token, registrytest.Drip(time.Millisecond), nil, "", time.Second, 1},
		{"drips", manifest, registrytest.Drip(time.Second), errdefs.IsUnavailable, "no answer within 30s", 30 * time.Second, 1},
		{"drips", token, registrytest.Drip(time.Second), errdefs.IsUnavailable, "no answer within 30s", 30 * time.Second, 1},
		{"redirects for ever", head, registrytest.RedirectLoop(), errdefs.IsFailedPrecondition, "too many redirects", 0, 5 * 5},
		{"redirects for ever", manifest, registrytest.RedirectLoop(), errdefs.IsFailedPrecondition, "too many redirects", 0, 5 * 5},
		{"redirects for ever", token, registrytest.RedirectLoop(), errdefs.IsFailedPrecondition, "too many redirects", 0, 5 * 5},
		{"sends too much", manifest, registrytest.Huge(5 << 20), errdefs.IsUnavailable, "a manifest of more than 4194304 bytes", 0, 5},
		{"sends too much", token, registrytest.Huge(1 << 20), errdefs.IsUnavailable, "a token of more than 131072 bytes", 0, 5},
		{"sends a page", head, registrytest.Reply(http.StatusOK, "<html>"), nil, "", 0, 1}, // and is not asked so again
		{"sends a page", manifest, registrytest.Reply(http.StatusOK, "<html>"), errdefs.IsUnavailable, "is something else", 0, 5},
		{"sends a page", token, registrytest.Reply(http.StatusOK, "<html>"), errdefs.IsUnavailable, "answer is not JSON", 0, 5},
		{"sends no token", token, registrytest.Reply(http.StatusOK, `{"expires_in":60}`), errdefs.IsUnavailable, "holds no token", 0, 5},
		{"is down", head, registrytest.Status(http.StatusServiceUnavailable), errdefs.IsUnavailable, "503 Service Unavailable", 0, 5},
		{"is down", manifest, registrytest.Status(http.StatusServiceUnavailable), errdefs.IsUnavailable, "503 Service Unavailable", 0, 5},
		{"is down", token, registrytest.Status(http.StatusServiceUnavailable), errdefs.IsUnavailable, "503 Service Unavailable", 0, 2},
		{"is down for a minute", head, registrytest.Status(http.StatusServiceUnavailable, "Retry-After", "60"), errdefs.IsUnavailable, "503", 0, 1},
		{"429, a minute", head, registrytest.TooMany(time.Minute), errdefs.IsResourceExhausted, "429 Too Many Requests", 0, 1},
		{"429, a minute", manifest, registrytest.TooMany(time.Minute), errdefs.IsResourceExhausted, "429 Too Many Requests", 0, 1},
		{"429, a minute", token, registrytest.TooMany(time.Minute), errdefs.IsResourceExhausted, "429 Too Many Requests", 0, 1},
		{"429, a date", head, inAMinute, errdefs.IsResourceExhausted, "429 Too Many Requests", 0, 1},
		{"429, no time", head, registrytest.Status(http.StatusTooManyRequests), errdefs.IsResourceExhausted, "429 Too Many Requests", 0, 1},
	}
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "fault\ton\trequests\ttook\tresult")
	for _, tt := range tests {
		t.Run(tt.name+"/"+string(tt.on), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { _, _ = fmt.Fprintln(table, tt.name+"\t"+string(tt.on)+"\t"+tt.run(t)) })
		})
	}
	require.NoError(t, table.Flush())
	t.Log("\n" + b.String())
}

// run returns its part of a row.
func (tt faultCase) run(t *testing.T) string {
	t.Helper()
	r := simulate(t, registrytest.Profile{Auth: registrytest.Bearer})
	qs, c := anew(r, 5), client(t, reach(r))
	r.SetFault(tt.fault, tt.on)
	start := time.Now()
	verdicts := c.Check(t.Context(), qs)
	took := time.Since(start)
	requests := r.Requests()
	result := "answered"
	for i, v := range verdicts {
		if tt.is == nil {
			require.NoError(t, v.Err)
			require.Len(t, v.Images, 1)
			continue
		}
		result = v.Err.Error()
		assert.Empty(t, v.Digest)
		require.ErrorContains(t, v.Err, v.Reference)
		if i > 0 && strings.Contains(result, "not asked: ") {
			assert.True(t, errdefs.IsResourceExhausted(v.Err), "%v", v.Err)
			continue
		}
		assert.True(t, tt.is(v.Err), "%v", v.Err)
		assert.ErrorContains(t, v.Err, tt.text)
	}
	if tt.is == nil {
		assert.LessOrEqual(t, took, tt.took)
	} else {
		assert.Equal(t, tt.took, took)
	}
	asked := 0
	for _, request := range requests {
		if request.Kind == tt.on {
			asked++
		}
	}
	assert.LessOrEqual(t, asked, tt.most, "%s", requests)

	// Once it is over, and the time that was asked for, all is well.
	r.SetFault(nil)
	time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
	requireAll(t, c.Check(t.Context(), qs))
	return fmt.Sprintf("%s\t%v\t%s", requests.Counts(), took, result)
}

// One host of five answers nothing any more and another sets a limit, 100
// references on each: they fail alone, and the check ends.
func TestOneBadHostAmongFive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 100
		var registries []*registrytest.Registry
		var qs []registry.Query
		for i := range 5 {
			r := simulate(t, registrytest.Profile{Host: fmt.Sprintf("host%d.example", i), Auth: registrytest.Bearer})
			registries = append(registries, r)
			qs = append(qs, pushed(r, n)...)
		}
		registries[1].SetFault(registrytest.Hang())
		registries[3].SetFault(registrytest.TooMany(time.Hour))
		c := client(t, reach(registries...), registry.WithTimeout(10*time.Second))
		start := time.Now()
		verdicts := c.Check(t.Context(), qs)
		assert.Equal(t, 10*time.Second, time.Since(start), "one request's bound")
		for i, v := range verdicts {
			switch i / n {
			case 1:
				require.ErrorContains(t, v.Err, "no answer within 10s")
				assert.True(t, errdefs.IsUnavailable(v.Err))
			case 3:
				var e *registry.Error
				require.True(t, errors.As(v.Err, &e) && errdefs.IsResourceExhausted(v.Err), "%v", v.Err)
				assert.Equal(t, start.Add(time.Hour), e.RetryAfter)
			default:
				require.NoError(t, v.Err)
				require.Equal(t, qs[i].Known[0], v.Digest)
			}
		}
		for i, want := range []registrytest.Counts{
			{Token: 1, Head: n + 1}, {Head: 1}, {Token: 1, Head: n + 1}, {Head: 1}, {Token: 1, Head: n + 1},
		} {
			assert.Equal(t, want, registries[i].Requests().Counts(), "host %d", i)
		}

		// It went bad between two requests: those that are under way share the bound.
		registries[0].SetFault(registrytest.Hang())
		start = time.Now()
		for i, v := range c.Check(t.Context(), qs) {
			assert.Equal(t, i/n == 0 || i/n == 1 || i/n == 3, v.Err != nil, "%v", v.Err)
		}
		assert.Equal(t, 10*time.Second, time.Since(start))
		assert.Zero(t, registries[3].Requests().Counts().All(), "its hour is not over")
	})
}
