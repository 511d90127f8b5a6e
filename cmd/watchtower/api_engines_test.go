package main

import (
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// One program, one API, two engines, of which one takes calls and never answers: the
// other is told of and updated as if it were alone, and the answers say what is missing.
func TestTheAPIOfSeveralEngines(t *testing.T) {
	host, reg := enginehost.Engine(t), enginehost.StartRegistry(t)
	behind(t, host, reg, "api-near")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) }) // nobody accepts
	s := serving(t, []string{
		"WATCHTOWER_HOSTS=near=" + host.Address + ",far=http://" + l.Addr().String(),
		"WATCHTOWER_HTTP_API_ENDPOINTS=all", "WATCHTOWER_STABLE_TIME=1",
	}, "api-near")
	table := &rows{}
	for _, row := range []struct {
		method, path string
		code         int
		says         []string
	}{
		{"GET", "/readyz", 200, []string{"OK"}},
		{"GET", "/v1/containers", 200, []string{`"name":"api-near"`, `"engine":"near"`, `"errors":[{"engine":"far"`}},
		{"GET", "/v1/containers?engine=near", 200, []string{`"count":1`}},
		{"GET", "/v1/containers?engine=pi", 400, []string{`engine: \"pi\": want near, far`}},
		{"POST", "/v1/check?engine=near", 200, []string{`"update_available":true`, `"engine":"near"`}},
		{"POST", "/v1/update?engine=near&container=api-near", 200, []string{`"scanned":1,"updated":1,"failed":0`}},
		{"GET", "/v1/status", 200, []string{`"healthy":false`, `"engine":"near"`, `"engine":"far"`}},
		{"GET", "/v1/metrics", 200, []string{`watchtower_container_updates_total{container="api-near",engine="near"} 1`}},
	} {
		r := s.call(t, row.method, row.path, apiToken, "")
		table.add("", row.method+" "+row.path, short(http.StatusText(r.code)+" "+r.text))
		assert.Equal(t, row.code, r.code, "%s: %s", row.path, r.text)
		for _, text := range row.says {
			assert.Contains(t, r.text, text, row.path)
		}
	}
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	assert.Equal(t, exitOK, s.wait(t), s.stderr.String())
	t.Log(table)
}
