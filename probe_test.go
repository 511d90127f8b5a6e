package watchtower_test

import (
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// page serves text at /health of port 8080, or what a script answers instead.
func page(version, script string) enginehost.Image {
	return enginehost.Image{
		Env: []string{"VERSION=" + version},
		Files: map[string]string{
			"www/health": version, "www/cgi-bin/health": "#!/bin/sh\n" + script,
		},
		Cmd: []string{"/bin/sh", "-c", `trap "exit 0" TERM; httpd -f -p 8080 -h /www & while :; do sleep 1000 & wait $!; done`},
	}
}

func TestAProbeDecidesOverASwap(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	host.Network(t, "probe-front", "")
	unready := page("2", `printf 'Status: 503 warming up\r\n\r\nno database yet'`)
	tests := []struct {
		name, probe string
		next        enginehost.Image
		host        object
		want        string // in the answer; empty: updated
	}{
		{"http_bridge", "http://:8080/health", page("2", ""), nil, ""},
		{"http_network", "http://:8080/health", page("2", ""), object{"NetworkMode": "probe-front"}, ""},
		{"http_host", "http://:8080/health", page("2", ""), object{"NetworkMode": "host"}, ""},
		{"http_503", "http://:8080/cgi-bin/health", unready, nil, "status 503 Service Unavailable: no database yet"},
		{"tcp_open", "tcp://:8080", page("2", ""), nil, ""},
		{"tcp_refused", "tcp://:8081", page("2", ""), nil, ":8081: connect: connection refused"},
		{"exec_well", "exec:test $VERSION = 2 && wget -qO- http://127.0.0.1:8080/health", page("2", ""), nil, ""},
		{"exec_fails", "exec:echo no disk; exit 1", page("2", ""), nil, "exit code 1: no disk"},
		{"exec_says_why", "exec:echo no database >&2; exit 2", page("2", ""), nil, "exit code 2: no database"},
		{"exec_hangs", "exec:sleep 1000", page("2", ""), nil, "no answer"},
		{"exec_missing", `exec:["/nowhere"]`, page("2", ""), nil, `exit code 126: OCI runtime exec failed`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			name := "probe_" + tt.name
			ref, _ := reg.Push(t, name+":1", page("1", ""))
			host.Pull(t, ref, "")
			labels := object{lifecycle.LabelProbe: tt.probe}
			if tt.want != "" {
				labels[lifecycle.LabelProbeTimeout] = "4s"
			}
			old := host.Run(t, name, object{"Image": ref, "HostConfig": tt.host, "Labels": labels})
			reg.Push(t, name+":1", tt.next)
			tw := tower(t, host, []string{name}, quick())
			e := entry(t, update(t, tw), name)
			t.Log(e.Err)

			after := host.Inspect(t, name)
			assert.Equal(t, true, after["State"].(object)["Running"])
			assert.Equal(t, []string{name}, named(t, host, name), "nothing else is left")
			if tt.want == "" {
				require.NoError(t, e.Err)
				assert.Equal(t, watchtower.StatusUpdated, e.Status)
				assert.NotEqual(t, old, after["Id"])
				return
			}
			assert.Equal(t, watchtower.StatusRolledBack, e.Status)
			assert.Equal(t, old, after["Id"])
			require.ErrorIs(t, e.Err, errdefs.ErrAborted)
			require.ErrorContains(t, e.Err, "verify: probe "+tt.probe+": ")
			require.NotNil(t, e.Failure)
			assert.Contains(t, e.Failure.Probe, tt.want)
			assert.Contains(t, e.Err.Error(), e.Failure.Probe)
			assert.Equal(t, watchtower.StatusSkipped, entry(t, update(t, tw), name).Status, "the digest is not tried again")
		})
	}
}

// One that lives in another's network is asked at the other's address, and one that
// is swapped start-first at its own while both are there.
func TestAProbeFindsItsContainer(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	p, err := lifecycle.ParseProbe("http://:8080/health")
	require.NoError(t, err)
	for name, next := range map[string]enginehost.Image{"good": page("2", ""), "bad": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, _ := reg.Push(t, "probed_"+name+"-first:1", page("1", ""))
			host.Pull(t, first, "")
			host.Network(t, "probed-"+name, "")
			id := host.Run(t, "probed_"+name+"-first", object{
				"Image": first, "HostConfig": object{"NetworkMode": "probed-" + name}, "NetworkingConfig": object{"EndpointsConfig": object{
					"probed-" + name: object{"Aliases": []string{"www"}},
				}},
			})
			child, _ := reg.Push(t, "probed_"+name+"-child:1", page("1", ""))
			host.Pull(t, child, "")
			parent, _ := reg.Push(t, "probed_"+name+"-parent:1", enginehost.Image{})
			host.Pull(t, parent, "")
			host.Run(t, "probed_"+name+"-parent", object{"Image": parent})
			inside := host.Run(t, "probed_"+name+"-child", object{"Image": child, "HostConfig": object{"NetworkMode": "container:probed_" + name + "-parent"}})
			reg.Push(t, "probed_"+name+"-first:1", next)
			reg.Push(t, "probed_"+name+"-child:1", next)
			r := update(t, tower(t, host, []string{"probed_" + name + "-first", "probed_" + name + "-child"}, quick(),
				watchtower.WithProbe(p, 3*time.Second), watchtower.WithUpdateOrder(lifecycle.StartFirst)))
			for service, old := range map[string]string{"probed_" + name + "-first": id, "probed_" + name + "-child": inside} {
				e := entry(t, r, service)
				t.Log(e.Err, e.Downtime)
				if name == "good" {
					require.NoError(t, e.Err)
					assert.Equal(t, watchtower.StatusUpdated, e.Status)
				} else {
					assert.Equal(t, watchtower.StatusRolledBack, e.Status)
					require.ErrorContains(t, e.Err, ":8080: connect: connection refused (tried for 3s)")
					assert.Equal(t, old, host.Inspect(t, service)["Id"])
				}
			}
			assert.Zero(t, entry(t, r, "probed_"+name+"-first").Downtime, "it was swapped start-first")
			assert.NotZero(t, entry(t, r, "probed_"+name+"-child").Downtime)
		})
	}
}
