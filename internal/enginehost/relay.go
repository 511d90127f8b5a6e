package enginehost

import (
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// Relay makes an address that only this process reaches, as one on the loopback or a
// unix socket, reachable for containers: it returns where on the engine's bridge.
func (h *Host) Relay(t testing.TB, network, to string) (address string) {
	t.Helper()
	var bridge struct {
		IPAM struct{ Config []struct{ Subnet string } }
	}
	h.API(t, http.MethodGet, "/networks/bridge", nil, &bridge)
	require.NotEmpty(t, bridge.IPAM.Config)
	_, subnet, err := net.ParseCIDR(bridge.IPAM.Config[0].Subnet)
	require.NoError(t, err)
	gateway := subnet.IP.To4()
	gateway[3]++
	listener, err := net.Listen("tcp", net.JoinHostPort(gateway.String(), "0"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			go relay(in, network, to)
		}
	}()
	return listener.Addr().String()
}

func relay(in net.Conn, network, to string) {
	defer func() { _ = in.Close() }()
	out, err := net.Dial(network, to)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	go func() {
		_, _ = io.Copy(out, in)
		if half, ok := out.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}()
	_, _ = io.Copy(in, out)
}
