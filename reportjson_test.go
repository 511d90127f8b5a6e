package watchtower_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

func TestAReportCanBeReadBack(t *testing.T) {
	t.Parallel()
	v := newTown(t)
	v.run("vpn", "old", nil)
	v.run("app", "new", v.in("vpn"))
	v.run("other", "new", nil, watchtower.MonitorOnlyLabel, "true")
	v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
	r, err := memory(t, v.Engine).Check(t.Context())
	require.NoError(t, err)
	at := time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC)
	r.Quotas = []registry.Quota{{Host: "docker.io", Limit: 100, Remaining: 7, Reset: at, At: at}}
	r.Entries = append(r.Entries, watchtower.Entry{
		Container: watchtower.Container{Name: "web", ID: "1", Image: "app:1", ImageID: "sha256:1", State: lifecycle.StateRunning},
		Status:    watchtower.StatusRolledBack, Reason: "it moved", OutOfDate: true, HeldUntil: at, Latest: "sha256:2", Endpoint: "docker.io",
		StaleMirror: "mirror", NewReference: "app:2", NewContainerID: "2", NewImageID: "sha256:3", Downtime: 1500 * time.Millisecond,
		Warnings: []string{"slow"}, Failure: &lifecycle.Failure{ExitCode: 3, OOMKilled: true, Probe: "503", Log: "last words"},
		Hooks: []lifecycle.HookResult{
			{Point: lifecycle.PreUpdate, Verdict: lifecycle.HookVerdict{Err: errors.New("no")}, ExitCode: 2, Output: "said", Duration: time.Second},
			{Point: lifecycle.PreCheck, Verdict: lifecycle.HookVerdict{Skip: "later"}},
			{Point: lifecycle.PostCheck, NotRun: "it is exited"},
		},
		Err: fmt.Errorf("watchtower: check web: %w", &registry.Error{
			Op: "head", Reference: "app:1", RetryAfter: at, Err: fmt.Errorf("429: %w", errdefs.ErrResourceExhausted),
		}),
	})
	data, err := json.Marshal(r)
	require.NoError(t, err)
	var read watchtower.Report
	require.NoError(t, json.Unmarshal(data, &read))
	again, err := json.Marshal(read)
	require.NoError(t, err)
	assert.JSONEq(t, string(data), string(again))

	assert.Equal(t, r.Plan, read.Plan)
	assert.Equal(t, r.Quotas, read.Quotas)
	assert.Equal(t, r.Summary(), read.Summary())
	assert.True(t, r.Started.Equal(read.Started))
	assert.Equal(t, "true", entry(t, &read, "other").Policy.Get("monitor-only").Value)
	was, is := entry(t, r, "web"), entry(t, &read, "web")
	require.EqualError(t, is.Err, was.Err.Error())
	assert.True(t, errdefs.IsResourceExhausted(is.Err))
	var limit *registry.Error
	require.ErrorAs(t, is.Err, &limit)
	assert.Equal(t, at, limit.RetryAfter)
	require.EqualError(t, is.Hooks[0].Verdict.Err, "no")
	was.Err, is.Err = nil, nil
	was.Hooks[0].Verdict.Err, is.Hooks[0].Verdict.Err = nil, nil
	assert.Equal(t, was, is)
}

func TestAnErrorThatIsReadBackHasItsClass(t *testing.T) {
	t.Parallel()
	for _, class := range []error{
		errdefs.ErrFailedPrecondition, errdefs.ErrConflict, errdefs.ErrAborted, errdefs.ErrUnavailable, errdefs.ErrNotFound,
		errdefs.ErrUnauthenticated, errdefs.ErrPermissionDenied, errdefs.ErrInvalidArgument, errdefs.ErrNotImplemented,
		context.Canceled, context.DeadlineExceeded, nil,
	} {
		data, err := json.Marshal(watchtower.Entry{Err: fmt.Errorf("web: %w", errors.Join(errors.New("it is so"), class))})
		require.NoError(t, err)
		var read watchtower.Entry
		require.NoError(t, json.Unmarshal(data, &read))
		if class == nil {
			assert.Equal(t, errdefs.ErrUnknown, errdefs.Resolve(read.Err))
			assert.NotContains(t, string(data), "error_class")
			continue
		}
		assert.Equal(t, class, errdefs.Resolve(read.Err))
		require.EqualError(t, read.Err, "web: it is so\n"+class.Error())
	}
}
