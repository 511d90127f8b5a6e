package dockerengine

import (
	"context"
	"net"

	"github.com/Microsoft/go-winio"
)

const hasPipes = true

func dialPipe(ctx context.Context, path string) (net.Conn, error) {
	return winio.DialPipeContext(ctx, path)
}
