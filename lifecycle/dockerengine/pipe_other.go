//go:build !windows

package dockerengine

import (
	"context"
	"errors"
	"net"
)

const hasPipes = false

func dialPipe(context.Context, string) (net.Conn, error) {
	return nil, errors.New("named pipes are for Windows")
}
