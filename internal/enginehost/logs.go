package enginehost

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// Logs is what a container has said so far; nothing if it is gone or about to be, as
// one of a task may be at any time.
func (h *Host) Logs(t testing.TB, container string) (text string) {
	t.Helper()
	status, err := h.call(context.Background(), http.MethodGet, "/containers/"+container+"/logs?stdout=1&stderr=1", nil, &text)
	if status != http.StatusNotFound && status != http.StatusConflict {
		require.NoError(t, err)
	}
	return text
}
