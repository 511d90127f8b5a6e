package enginehost_test

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// Nodes run what one registry serves, reach each other's tasks, and may be lost.
func TestASwarmOfSeveralNodes(t *testing.T) {
	t.Parallel()
	nodes := enginehost.StartSwarm(t, 1, 1)
	reg := enginehost.StartRegistry(t)
	serves := `trap "exit 0" TERM; mkdir www; hostname > www/index.html; httpd -f -p 8080 -h www & while :; do sleep 1000 & wait $!; done`
	ref, digest := reg.Push(t, "spread:1", enginehost.Image{Cmd: []string{"/bin/sh", "-c", serves}})
	for _, n := range nodes {
		n.Reach(t, reg.Addr)
	}
	nodes[0].API(t, "POST", "/networks/create", enginehost.Object{"Name": "crowd", "Driver": "overlay", "Attachable": true}, nil)
	id := nodes[0].Serve(t, enginehost.Object{
		"Name": "spread", "EndpointSpec": enginehost.Object{"Mode": "dnsrr"}, "Mode": enginehost.Object{"Global": enginehost.Object{}},
		"TaskTemplate": enginehost.Object{
			"ContainerSpec": enginehost.Object{"Image": ref + "@" + digest, "Hostname": "{{.Node.Hostname}}"},
			"Networks":      []enginehost.Object{{"Target": "crowd"}},
		},
	})
	require.Len(t, nodes[0].Tasks(t, id), 2)
	nodes[0].Run(t, "asks", enginehost.Object{"Image": ref + "@" + digest, "HostConfig": enginehost.Object{"NetworkMode": "crowd"}})
	serve := func() []string {
		var names []string
		for _, address := range regexp.MustCompile(`10\.\d+\.\d+\.\d+`).FindAllString(nodes[0].Exec(t, "asks", "nslookup", "spread"), -1) {
			names = append(names, nodes[0].Exec(t, "asks", "wget", "-q", "-O", "-", "http://"+address+":8080/"))
		}
		slices.Sort(names)
		return names
	}
	all := []string{"n1", "n2"}
	require.Eventually(t, func() bool { return slices.Equal(all, serve()) }, time.Minute, 50*time.Millisecond)
	require.NoError(t, nodes[1].Kill())
	require.Error(t, nodes[1].Kill(), "it is gone")
	nodes[0].AwaitNode(t, "n2", "down")
	require.NoError(t, nodes[1].Start())
	nodes[0].AwaitNode(t, "n2", "ready")
	require.Eventually(t, func() bool { return slices.Equal(all, serve()) }, time.Minute, 50*time.Millisecond)
	next, digest := reg.Push(t, "spread:2", enginehost.Image{Env: []string{"VERSION=2"}})
	nodes[1].Pull(t, next+"@"+digest, "")
}
