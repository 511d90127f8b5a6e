package enginehost

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// StartSwarm starts engines that are a swarm, managers first, each as if on a machine
// of its own: with a network that reaches the others', and its own processes, mounts
// and host name, n1 and so on. A node that is killed is a machine that is lost with all
// that ran on it; started again, it comes back with what was on its disk. Swarms may
// stand side by side, and end with their tests. Services are as for Host.Swarm.
func StartSwarm(t testing.TB, managers, workers int) []*Host {
	t.Helper()
	dir := besideDir(t)
	segment := newSegment(t)
	hosts := make([]*Host, managers+workers)
	errs := make([]error, len(hosts))
	var group sync.WaitGroup
	for i := range hosts {
		n := &node{
			name: nodeName(i), dir: filepath.Join(dir, nodeName(i)), reached: map[string]net.Listener{},
			wire: func(pid int) error { return segment.wire(pid, nodeAddress(i)) },
		}
		n.address = "unix://" + filepath.Join(n.dir, "docker.sock")
		require.NoError(t, os.Mkdir(n.dir, 0o700))
		t.Cleanup(n.stop)
		group.Go(func() {
			if errs[i] = n.start(); errs[i] != nil {
				return
			}
			if hosts[i], errs[i] = attach(n.address); errs[i] == nil {
				hosts[i].engine = n
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	hosts[0].API(t, http.MethodPost, "/swarm/init", Object{
		"ListenAddr": nodeAddress(0) + ":2377", "AdvertiseAddr": nodeAddress(0), "DataPathAddr": nodeAddress(0), "Spec": quick(),
	}, nil)
	var swarm struct {
		JoinTokens struct{ Manager, Worker string }
	}
	hosts[0].API(t, http.MethodGet, "/swarm", nil, &swarm)
	for i, h := range hosts[1:] {
		token := swarm.JoinTokens.Manager
		if i+1 >= managers {
			token = swarm.JoinTokens.Worker
		}
		h.API(t, http.MethodPost, "/swarm/join", Object{
			"ListenAddr": nodeAddress(i+1) + ":2377", "AdvertiseAddr": nodeAddress(i + 1), "DataPathAddr": nodeAddress(i + 1),
			"RemoteAddrs": []string{nodeAddress(0) + ":2377"}, "JoinToken": token,
		}, nil)
	}
	for i := range hosts {
		hosts[0].AwaitNode(t, nodeName(i), "ready")
	}
	return hosts
}

// nodeName is a node's host name, and nodeAddress its address, on a network that no other
// swarm reaches.
func nodeName(i int) string    { return fmt.Sprint("n", i+1) }
func nodeAddress(i int) string { return fmt.Sprintf("10.99.0.%d", i+1) }

// segments tells the networks of swarms apart.
var segments atomic.Int32

// segment is what the nodes of one swarm are plugged into: a link with an end of its own
// for each of them. It is not seen by the firewall of the tests' own engine.
type segment string

func newSegment(t testing.TB) segment {
	t.Helper()
	s := segment(fmt.Sprint("seg", segments.Add(1)))
	peer := string(s) + "p"
	ip(t, "link", "add", string(s), "type", "veth", "peer", "name", peer)
	t.Cleanup(func() { ip(t, "link", "del", string(s)) })
	ip(t, "link", "set", string(s), "up")
	ip(t, "link", "set", peer, "up")
	return s
}

// wire gives the network of a process an end with the address.
func (s segment) wire(pid int, address string) error {
	target := strconv.Itoa(pid)
	there := "--net=/proc/" + target + "/ns/net"
	link := "n" + target // for as long as it is here
	for _, args := range [][]string{
		{"ip", "link", "add", "link", string(s), "name", link, "type", "macvlan", "mode", "bridge"},
		{"ip", "link", "set", link, "netns", target, "name", "node"},
		{"nsenter", there, "ip", "address", "add", address + "/24", "dev", "node"},
		{"nsenter", there, "ip", "link", "set", "node", "up"},
		{"nsenter", there, "ip", "link", "set", "lo", "up"},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", args, err, out)
		}
	}
	return nil
}
