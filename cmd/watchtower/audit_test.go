package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
)

func TestAnAuditIsAppendedToItsFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	require.NoError(t, os.WriteFile(path, []byte("before\n"), 0o600))
	var log bytes.Buffer
	audit := func() watchtower.Observer {
		s, err := parse(t, map[string]string{"WATCHTOWER_AUDIT_LOG": path})
		require.NoError(t, err)
		observers, err := auditOf(&session{settings: s, logger: slog.New(slog.NewTextHandler(&log, nil))})
		require.NoError(t, err)
		require.Len(t, observers, 1)
		return observers[0]
	}
	step := watchtower.StepStarted{Step: lifecycle.Step{Container: "web", Action: "stop"}}
	const line = `{"time":"0001-01-01T00:00:00Z","event":"step","container":"web","action":"stop"}` + "\n"
	read := func(path string) string {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(data)
	}
	o := audit()
	o.Observe(t.Context(), step)
	audit().Observe(t.Context(), step)
	assert.Equal(t, "before\n"+line+line, read(path), "by two processes")

	require.NoError(t, os.Rename(path, path+".1"))
	o.Observe(t.Context(), step)
	assert.Equal(t, line, read(path), "one that was moved away is begun anew")
	info, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}

	require.NoError(t, os.RemoveAll(filepath.Dir(path)))
	o.Observe(t.Context(), step)
	o.Observe(t.Context(), step)
	assert.Equal(t, 1, strings.Count(log.String(), "the audit lacks a line"), "said once: %s", log.String())
}

func TestACheckMakesNoAuditFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	opened := 0
	open := func(se *session) (fleet, error) {
		opened++
		_, err := auditOf(se)
		return fleet{&fake{report: &watchtower.Report{}}}, err
	}
	call := func(args ...string) int {
		return run(append(args, "--audit-log", path), io.Discard, io.Discard, nil, open)
	}
	require.Equal(t, exitOK, call("check"))
	assert.NoFileExists(t, path)
	require.Equal(t, exitOK, call("--run-once"))
	assert.FileExists(t, path)
	assert.Equal(t, 2, opened)
}

func TestAnAuditThatCannotBeWrittenIsKnownAtTheStart(t *testing.T) {
	t.Parallel()
	s, err := parse(t, map[string]string{"WATCHTOWER_AUDIT_LOG": t.TempDir()})
	require.NoError(t, err)
	_, err = auditOf(&session{settings: s})
	require.ErrorContains(t, err, "WATCHTOWER_AUDIT_LOG: "+`"`+s.auditLog+`": want a file that can be written: `)
	observers, err := auditOf(&session{})
	require.NoError(t, err)
	assert.Empty(t, observers)
}
