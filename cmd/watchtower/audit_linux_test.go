package main

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnAuditIntoAPipeThatNobodyReadsIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	s, err := parse(t, map[string]string{"WATCHTOWER_AUDIT_LOG": path})
	require.NoError(t, err)
	_, err = auditOf(&session{settings: s})
	require.ErrorIs(t, err, syscall.ENXIO)
	require.ErrorContains(t, err, "WATCHTOWER_AUDIT_LOG: ")
}
