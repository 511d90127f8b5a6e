package watchtower_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// Everything a user can set on one container, and a new image whose defaults
// differ from the old one's: after the update the difference of the two inspects
// is what the new image explains, and nothing else.
func TestAnUpdateKeepsTheConfiguration(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	v1 := enginehost.Image{
		Env:    []string{"VERSION=1", "GONE=1", "MODE=default"},
		Labels: map[string]string{"version": "1", "gone": "1"}, Volumes: []string{"/data"}, Ports: []string{"80/tcp"},
		Healthcheck: object{"Test": []string{"CMD", "true"}, "Interval": 1e9}, WorkingDir: "/tmp",
	}
	v2 := v1
	v2.Env = []string{"VERSION=2", "NEW=2", "MODE=default"}
	v2.Labels = map[string]string{"version": "2", "new": "2"}
	v2.Cmd = []string{"/bin/sh", "-c", enginehost.Forever[2] + " # 2"}
	v2.WorkingDir = "/bin"
	ref, _ := reg.Push(t, "kept:1", v1)
	host.Pull(t, ref, "")
	host.Network(t, "kept-front", "10.91.0.0/24")
	host.Network(t, "kept-back", "10.92.0.0/24")
	host.Volume(t, "kept-named")
	host.Create(t, "kept", object{
		"Image": ref, "Env": []string{"MODE=mine", "USER_SET=1"}, "Labels": object{"mine": "1"},
		"Healthcheck": object{"Interval": 500e6}, "StopTimeout": 7,
		"ExposedPorts": object{"80/tcp": object{}},
		"HostConfig": object{
			"NetworkMode": "kept-front", "Memory": 64 << 20, "RestartPolicy": object{"Name": "unless-stopped"},
			"PortBindings": object{"80/tcp": []object{{"HostPort": "18091"}}},
			"Binds":        []string{"kept-named:/named/:ro"}, "CapAdd": []string{"NET_ADMIN"}, "ExtraHosts": []string{"other:10.0.0.9"},
			"Ulimits": []object{{"Name": "nofile", "Soft": 1024, "Hard": 2048}}, "Sysctls": object{"net.ipv4.ip_forward": "1"},
			"Tmpfs": object{"/scratch": "size=1m"}, "LogConfig": object{"Type": "json-file", "Config": object{"max-size": "1m"}},
		},
		"NetworkingConfig": object{"EndpointsConfig": object{"kept-front": object{
			"IPAMConfig": object{"IPv4Address": "10.91.0.77"}, "Aliases": []string{"api"},
		}}},
	})
	host.API(t, "POST", "/networks/kept-back/connect", object{"Container": "kept", "EndpointConfig": object{"Aliases": []string{"api-back"}}}, nil)
	host.API(t, "POST", "/containers/kept/start", nil, nil)
	host.Exec(t, "kept", "sh", "-c", "echo precious > /data/file")
	before := host.Inspect(t, "kept")

	reg.Push(t, "kept:1", v2)
	e := entry(t, update(t, tower(t, host, []string{"kept"})), "kept")
	require.NoError(t, e.Err)
	require.Equal(t, watchtower.StatusUpdated, e.Status)
	assert.Empty(t, e.Warnings)
	after := host.Inspect(t, "kept")

	assert.Equal(t, "precious", host.Exec(t, "kept", "cat", "/data/file"), "the anonymous volume's data")
	assert.Equal(t, "mine 1 2 2", host.Exec(t, "kept", "sh", "-c", "echo $MODE $USER_SET $VERSION $NEW$GONE"))
	assert.Equal(t, "10.91.0.77", networks(after)["kept-front"].(object)["IPAddress"])
	assert.Contains(t, networks(after)["kept-front"].(object)["Aliases"], "api")
	assert.Contains(t, networks(after)["kept-back"].(object)["Aliases"], "api-back")

	text := difference(before, after)
	t.Log("the two inspects differ in:\n" + strings.Join(text, "\n"))
	anonymous := mountAt(before, "/data")
	assert.Equal(t, []string{
		`Config.Cmd[2]: ` + quote(enginehost.Forever[2]) + ` -> ` + quote(enginehost.Forever[2]+" # 2"),
		`Config.Env GONE=1 -> `, `Config.Env VERSION=1 -> VERSION=2`, `Config.Env  -> NEW=2`,
		`Config.Labels.gone: "1" -> `, `Config.Labels.new:  -> "2"`, `Config.Labels.version: "1" -> "2"`,
		`Config.WorkingDir: "/tmp" -> "/bin"`,
		`HostConfig.Binds[1]:  -> ` + quote(anonymous+":/data"),
	}, text)
	host.Status(t, "DELETE", "/volumes/"+anonymous, nil)
}

func networks(inspect object) object {
	return inspect["NetworkSettings"].(object)["Networks"].(object)
}

func mountAt(inspect object, destination string) string {
	for _, m := range inspect["Mounts"].([]any) {
		if m := m.(object); m["Destination"] == destination {
			return m["Name"].(string)
		}
	}
	return ""
}

func quote(s string) string {
	data, _ := json.Marshal(s)
	return string(data)
}

// difference lists what differs in what a user sets, without what an engine
// gives each container anew.
func difference(before, after object) []string {
	a, b := map[string]string{}, map[string]string{}
	for _, side := range []struct {
		in  object
		out map[string]string
	}{{before, a}, {after, b}} {
		config := maps.Clone(side.in["Config"].(object))
		delete(config, "Env")
		delete(config, "Hostname")
		flatten("Config", config, side.out)
		flatten("HostConfig", side.in["HostConfig"], side.out)
		for name, endpoint := range networks(side.in) {
			for _, field := range []string{"IPAMConfig", "Links", "DriverOpts"} {
				flatten("Networks."+name+"."+field, endpoint.(object)[field], side.out)
			}
		}
		for _, m := range side.in["Mounts"].([]any) {
			flatten("Mounts."+m.(object)["Destination"].(string), m.(object)["Name"], side.out)
		}
	}
	var out []string
	keys := slices.Sorted(maps.Keys(a))
	for key := range b {
		if _, ok := a[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		if a[key] != b[key] && !strings.Contains(key, ".watchtower.swap.") {
			out = append(out, fmt.Sprintf("%s: %s -> %s", key, a[key], b[key]))
		}
	}
	env := differentEnv(before, after)
	i := slices.IndexFunc(out, func(s string) bool { return s > "Config.Env" })
	return slices.Insert(out, max(i, 0), env...)
}

func differentEnv(before, after object) []string {
	read := func(in object) map[string]string {
		out := map[string]string{}
		for _, pair := range in["Config"].(object)["Env"].([]any) {
			key, _, _ := strings.Cut(pair.(string), "=")
			out[key] = pair.(string)
		}
		return out
	}
	a, b := read(before), read(after)
	var out []string
	for _, key := range slices.Sorted(maps.Keys(a)) {
		if a[key] != b[key] {
			out = append(out, fmt.Sprintf("Config.Env %s -> %s", a[key], b[key]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(b)) {
		if _, ok := a[key]; !ok {
			out = append(out, fmt.Sprintf("Config.Env  -> %s", b[key]))
		}
	}
	return out
}

func flatten(path string, v any, into map[string]string) {
	switch v := v.(type) {
	case object:
		for key, value := range v {
			flatten(path+"."+key, value, into)
		}
	case []any:
		for i, value := range v {
			flatten(fmt.Sprintf("%s[%d]", path, i), value, into)
		}
	case nil:
	default:
		data, _ := json.Marshal(v)
		into[path] = string(data)
	}
}
