package registry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/registry"
)

// transport answers in a registry's place, in the bubble of a test: a bubble ends
// once every goroutine that was started in it has, and fails if one never does.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// silence says nothing until whoever asked gives up.
func silence(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// reading is a body that does so.
type reading struct{ r *http.Request }

func (b reading) Read([]byte) (int, error) {
	<-b.r.Context().Done()
	return 0, b.r.Context().Err()
}

func (b reading) Close() error { return nil }

func answer(r *http.Request, status int, header http.Header, body io.ReadCloser) *http.Response {
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: header, Body: body, Request: r, ContentLength: -1}
}

func TestACheckOfARegistryThatHangsLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	challenge := http.Header{"Www-Authenticate": {`Bearer realm="https://token.test/token",service="registry"`}}
	for name, answers := range map[string]transport{
		"no answer": silence,
		"no token": func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "token.test" {
				return silence(r)
			}
			return answer(r, http.StatusUnauthorized, challenge, http.NoBody), nil
		},
		"half an answer": func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodHead {
				return answer(r, http.StatusMethodNotAllowed, http.Header{}, http.NoBody), nil
			}
			return answer(r, http.StatusOK, http.Header{}, reading{r}), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, patience := range []time.Duration{time.Second, time.Hour} { // the caller's
				synctest.Test(t, func(t *testing.T) { ask(t, answers, patience) })
			}
		})
	}
}

// ask checks images of three registries that hang, and expects an end of it when
// the caller loses patience, or the client itself.
func ask(t *testing.T, answers transport, patience time.Duration) {
	t.Helper()
	c, err := registry.New(registry.WithTransport(answers), registry.WithTimeout(30*time.Second))
	require.NoError(t, err)
	var queries []registry.Query
	for i := range 20 {
		queries = append(queries, registry.Query{Reference: fmt.Sprintf("registry%d.test/app%d:1", i%3, i)})
	}
	gone := errors.New("somebody left")
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, gone)
	defer cancel()
	begun := time.Now()
	verdicts := c.Check(ctx, queries)
	took := time.Since(begun)
	assert.LessOrEqual(t, took, min(patience, 5*time.Minute))
	for _, v := range verdicts {
		if took == patience {
			require.ErrorIs(t, v.Err, gone)
		} else {
			assert.True(t, errdefs.IsUnavailable(v.Err), "%v", v.Err)
		}
	}
}

func TestACheckWaitsForAnotherNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := registry.New(registry.WithTransport(transport(silence)))
		require.NoError(t, err)
		go c.Check(t.Context(), []registry.Query{{Reference: "registry.test/app:1"}})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		verdicts := c.Check(ctx, []registry.Query{{Reference: "registry.test/app:1"}, {Reference: "registry.test/other:1"}})
		assert.Equal(t, time.Second, time.Since(begun))
		for _, v := range verdicts {
			require.ErrorIs(t, v.Err, context.DeadlineExceeded)
			assert.True(t, strings.HasPrefix(v.Err.Error(), "registry: head registry.test/"), "%v", v.Err)
		}
	})
}
