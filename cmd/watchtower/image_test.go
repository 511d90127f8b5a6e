package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Proxies that find containers by the ports of their images find the API.
func TestTheImageNamesTheAPIsPort(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../Dockerfile")
	require.NoError(t, err)
	assert.Regexp(t, `(?m)^EXPOSE 8080$`, string(data))
	assert.Equal(t, 8080, defaultPort)
}
