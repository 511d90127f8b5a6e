package watchtower_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// unset says why an option may have no value in any container of the test: what
// it needs, or the API that brought it.
var unset = map[string]string{
	"HostConfig.CpuPercent":                                  "Windows",
	"HostConfig.KernelMemory":                                "control groups of version 1, API 1.41 at most",
	"HostConfig.KernelMemoryTCP":                             "control groups of version 1",
	"HostConfig.MemorySwappiness":                            "control groups of version 1",
	"HostConfig.OomKillDisable":                              "control groups of version 1",
	"HostConfig.IOMaximumIOps":                               "Windows",
	"HostConfig.IOMaximumBandwidth":                          "Windows",
	"HostConfig.StorageOpt":                                  "a file system with quotas",
	"HostConfig.BlkioWeight":                                 "a kernel with weights for disks",
	"HostConfig.BlkioWeightDevice[].Path":                    "a kernel with weights for disks",
	"HostConfig.BlkioWeightDevice[].Weight":                  "a kernel with weights for disks",
	"HostConfig.CpuRealtimePeriod":                           "a kernel with real-time groups",
	"HostConfig.CpuRealtimeRuntime":                          "a kernel with real-time groups",
	"HostConfig.Annotations":                                 "API 1.43",
	"HostConfig.Mounts[].BindOptions.CreateMountpoint":       "API 1.43",
	"HostConfig.Mounts[].BindOptions.ReadOnlyNonRecursive":   "API 1.44",
	"HostConfig.Mounts[].BindOptions.ReadOnlyForceRecursive": "API 1.44",
	"HostConfig.Mounts[].VolumeOptions.Subpath":              "API 1.45",
	"HostConfig.Mounts[].TmpfsOptions.Options":               "API 1.46",
	"HostConfig.Mounts[].ImageOptions.Subpath":               "API 1.48",
	"Config.Healthcheck.StartInterval":                       "API 1.44",
	"Networks.*.GwPriority":                                  "API 1.48",
	"Networks.*.DNSNames":                                    "the engine's own",
}

// fields are the create call's parts as the engine's client knows them.
var fields = map[string]reflect.Type{
	"Config":     reflect.TypeFor[container.Config](),
	"HostConfig": reflect.TypeFor[container.HostConfig](),
	"Networks":   reflect.TypeFor[map[string]network.EndpointSettings](),
}

// leaves calls visit for every option of a type with the values it has in vs:
// "HostConfig.Ulimits[].Name".
func leaves(path string, typ reflect.Type, vs []any, visit func(path string, values []any)) {
	switch kind := typ.Kind(); {
	case kind == reflect.Pointer:
		leaves(path, typ.Elem(), vs, visit)
	case kind == reflect.Struct:
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				name = f.Name
			}
			if f.Anonymous {
				leaves(path, f.Type, vs, visit)
			} else {
				leaves(path+"."+name, f.Type, inside(vs, func(key string) bool { return key == name }), visit)
			}
		}
	case kind == reflect.Slice && composite(typ.Elem()):
		leaves(path+"[]", typ.Elem(), inside(vs, nil), visit)
	case kind == reflect.Map && composite(typ.Elem()):
		leaves(path+".*", typ.Elem(), inside(vs, func(string) bool { return true }), visit)
	default:
		visit(path, vs)
	}
}

// composite: the type has options of its own.
func composite(typ reflect.Type) bool {
	return typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Struct && typ.NumField() > 0 ||
		typ.Kind() == reflect.Slice && composite(typ.Elem())
}

// inside are the elements of lists, and of objects those with the right key.
func inside(vs []any, key func(string) bool) (out []any) {
	for _, v := range vs {
		switch v := v.(type) {
		case []any:
			out = append(out, v...)
		case object:
			for _, k := range sortedKeys(v) {
				if key(k) && v[k] != nil {
					out = append(out, v[k])
				}
			}
		}
	}
	return out
}

func sortedKeys(o object) []string {
	keys := make([]string, 0, len(o))
	for key := range o {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// said leaves out what says nothing: 0, "", false, and empty lists.
func said(values []any) []string {
	var out []string
	for _, v := range values {
		switch data, _ := json.Marshal(v); string(data) {
		case `0`, `""`, `false`, `[]`, `{}`, `null`, `[0,0]`:
		default:
			out = append(out, string(data))
		}
	}
	return out
}

// options are the containers that use them all between them: "created" ones
// ask for what this machine cannot start, or what excludes something else.
func options(ref, other string) map[string]object {
	command := []string{"/bin/sh", "-c"}
	return map[string]object{
		"opts-run": {
			"Image": ref, "Hostname": "mine", "Domainname": "example.org", "User": "0:0", "AttachStdin": true, "AttachStdout": true,
			"AttachStderr": true, "Tty": true, "OpenStdin": true, "StdinOnce": true, "Env": []string{"MINE=1", "EMPTY="},
			"ExposedPorts": object{"81/tcp": object{}}, "Entrypoint": command, "Cmd": enginehost.Forever[2:],
			"Volumes": object{"/anonymous": object{}}, "WorkingDir": "/etc", "MacAddress": "02:42:0a:5d:00:4d",
			"OnBuild": []string{"RUN true"}, "Labels": object{"mine": "1"}, "StopSignal": "SIGINT", "StopTimeout": 7, "Shell": []string{"/bin/ash"},
			"Healthcheck": object{
				"Test": []string{"CMD", "true"}, "Interval": 500e6, "Timeout": 3e9, "StartPeriod": 2e9, "StartInterval": 1e9, "Retries": 4,
			},
			"HostConfig": object{
				"Binds": []string{"opts-named:/named:ro"}, "ContainerIDFile": "/tmp/cid", "LogConfig": object{"Type": "json-file", "Config": object{"max-size": "1m"}},
				"NetworkMode": "opts-net", "PortBindings": object{"81/tcp": []object{{"HostIp": "127.0.0.1", "HostPort": "18181"}}},
				"RestartPolicy": object{"Name": "on-failure", "MaximumRetryCount": 3}, "VolumeDriver": "local", "VolumesFrom": []string{other + ":ro"},
				"ConsoleSize": []int{30, 100}, "CapAdd": []string{"NET_ADMIN"}, "CapDrop": []string{"MKNOD"}, "CgroupnsMode": "private",
				"Dns": []string{"10.0.0.53"}, "DnsOptions": []string{"ndots:2"}, "DnsSearch": []string{"example.org"}, "ExtraHosts": []string{"other:10.0.0.9"},
				"GroupAdd": []string{"10"}, "IpcMode": "private", "OomScoreAdj": 10, "PublishAllPorts": true, "ReadonlyRootfs": true,
				"SecurityOpt": []string{"no-new-privileges"}, "Tmpfs": object{"/scratch": "size=1m"}, "ShmSize": 32 << 20,
				"Sysctls": object{"net.ipv4.ip_forward": "1"}, "Runtime": "runc", "MaskedPaths": []string{"/proc/keys"}, "ReadonlyPaths": []string{"/proc/bus"},
				"Init": true, "CpuShares": 512, "Memory": 64 << 20, "CgroupParent": "/opts", "CpuPeriod": 50000, "CpuQuota": 40000, "CpusetCpus": "0",
				"CpusetMems": "0", "MemoryReservation": 32 << 20, "MemorySwap": 128 << 20, "MemorySwappiness": 10, "OomKillDisable": true, "PidsLimit": 100,
				"Devices":           []object{{"PathOnHost": "/dev/null", "PathInContainer": "/dev/mine", "CgroupPermissions": "rw"}},
				"DeviceCgroupRules": []string{"c 1:3 rwm"}, "Ulimits": []object{{"Name": "nofile", "Soft": 1024, "Hard": 2048}},
				"Annotations": object{"mine": "1"}, "BlkioWeight": 300,
				"Mounts": []object{
					{
						"Type": "bind", "Source": "/usr", "Target": "/bound", "ReadOnly": true, "Consistency": "cached",
						"BindOptions": object{"Propagation": "private", "NonRecursive": true},
					},
					{"Type": "volume", "Target": "/nameless"},
					{"Type": "volume", "Source": "opts-labelled", "Target": "/labelled", "VolumeOptions": object{
						"NoCopy": true, "Labels": object{"mine": "1"}, "DriverConfig": object{"Name": "local", "Options": object{"type": "tmpfs", "device": "tmpfs"}},
					}},
					{"Type": "tmpfs", "Target": "/sized", "TmpfsOptions": object{"SizeBytes": 1 << 20, "Mode": 0o700}},
				},
			},
			"NetworkingConfig": object{"EndpointsConfig": object{"opts-net": object{
				"IPAMConfig": object{"IPv4Address": "10.93.0.77", "IPv6Address": "fd00:93::77", "LinkLocalIPs": []string{"169.254.93.77"}},
				"Aliases":    []string{"api"}, "Links": []string{other + ":linked"}, "DriverOpts": object{"com.example.mine": "1"},
			}}},
		},
		"opts-host": {
			"Image": ref, "HostConfig": object{
				"NetworkMode": "host", "PidMode": "host", "UTSMode": "host", "IpcMode": "host", "UsernsMode": "host", "CgroupnsMode": "host",
				"NanoCpus": 5e8,
			},
		},
		"opts-created": {
			"Image": ref, "ArgsEscaped": true, "NetworkDisabled": true, "HostConfig": object{
				"CpuCount": 1, "Isolation": "default", "Cgroup": "mine",
				"AutoRemove": true, "Privileged": true, "Links": []string{other + ":linked"}, "KernelMemory": 64 << 20, "KernelMemoryTCP": 64 << 20,
				"DeviceRequests": []object{{
					"Driver": "nvidia", "Count": -1, "Capabilities": [][]string{{"gpu"}}, "Options": object{"mine": "1"},
				}, {"DeviceIDs": []string{"0"}, "Capabilities": [][]string{{"gpu"}}}},
				"BlkioWeightDevice":   []object{{"Path": "/dev/vda", "Weight": 200}},
				"BlkioDeviceReadBps":  []object{{"Path": "/dev/vda", "Rate": 1 << 20}},
				"BlkioDeviceWriteBps": []object{{"Path": "/dev/vda", "Rate": 2 << 20}},
				"BlkioDeviceReadIOps": []object{{"Path": "/dev/vda", "Rate": 100}}, "BlkioDeviceWriteIOps": []object{{"Path": "/dev/vda", "Rate": 200}},
			},
		},
	}
}

// Containers that use every option of the create call between them stay as
// they are over two updates. An option the engine's client learns to know makes
// this test fail until it is used here, or said why not.
func TestEveryCreateOptionSurvivesTwoUpdates(t *testing.T) {
	t.Parallel()
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	image := func(version string) enginehost.Image {
		return enginehost.Image{Labels: map[string]string{"version": version}}
	}
	ref, _ := reg.Push(t, "opts:1", image("1"))
	host.Pull(t, ref, "")
	beside, _ := reg.Push(t, "opts-other:1", enginehost.Image{Volumes: []string{"/theirs"}})
	host.Pull(t, beside, "")
	host.Volume(t, "opts-named")
	host.Volume(t, "opts-labelled")
	host.API(t, "POST", "/networks/create", object{
		"Name": "opts-net", "EnableIPv6": true,
		"IPAM": object{"Config": []object{{"Subnet": "10.93.0.0/24"}, {"Subnet": "fd00:93::/64"}}},
	}, nil)
	t.Cleanup(func() { host.Status(t, "DELETE", "/networks/opts-net", nil) })
	host.Run(t, "opts-other", object{"Image": beside})
	host.API(t, "POST", "/networks/opts-net/connect", object{"Container": "opts-other"}, nil)
	bodies := options(ref, "opts-other")
	for _, name := range sortedKeys(asObject(bodies)) {
		host.Create(t, name, bodies[name])
		if name != "opts-created" {
			host.API(t, "POST", "/containers/"+name+"/start", nil, nil)
		}
	}
	look := func() (all []object) {
		for _, name := range sortedKeys(asObject(bodies)) {
			all = append(all, host.Inspect(t, name))
		}
		return all
	}

	before := look()
	tw := tower(t, host, []string{"opts-(run|host|created)"}, quick(), watchtower.WithStates(lifecycle.StateRunning, lifecycle.StateCreated))
	for _, version := range []string{"2", "3"} {
		reg.Push(t, "opts:1", image(version))
		r := update(t, tw)
		require.NoError(t, r.Err())
		for name := range bodies {
			e := entry(t, r, name)
			require.Equal(t, watchtower.StatusUpdated, e.Status, "%s: %s", name, e.Reason)
		}
	}
	after := look()

	for i := range before {
		assert.NotEqual(t, before[i]["Id"], after[i]["Id"])
		assert.Equal(t, before[i]["State"].(object)["Status"], after[i]["State"].(object)["Status"])
		assert.Empty(t, unexplained(difference(before[i], after[i])), before[i]["Name"])
	}
	now := values(after)
	table := []string{"option | before | after two updates"}
	for option, was := range values(before) {
		row := fmt.Sprintf("%s | %s | %s", option, strings.Join(was, " "), strings.Join(now[option], " "))
		if reason := unset[option]; len(was) == 0 {
			assert.NotEmpty(t, reason, "%s is used by no container", option)
			row = option + " | not here: " + reason
		}
		table = append(table, row)
	}
	slices.Sort(table[1:])
	t.Logf("%d options of API %s:\n%s", len(table)-1, host.APIVersion, strings.Join(table, "\n"))
}

func asObject(m map[string]object) object {
	out := object{}
	for key, v := range m {
		out[key] = v
	}
	return out
}

// values are what the containers say, by option.
func values(all []object) map[string][]string {
	out := map[string][]string{}
	for part, typ := range fields {
		var vs []any
		for _, in := range all {
			if part == "Networks" {
				vs = append(vs, networks(in))
			} else {
				vs = append(vs, in[part])
			}
		}
		leaves(part, typ, vs, func(path string, values []any) { out[path] = said(values) })
	}
	return out
}

// unexplained leaves out what an update is to change: the image's label, and
// that anonymous volumes are mounted by their name.
func unexplained(text []string) []string {
	anonymous := regexp.MustCompile(`^HostConfig\.(Binds\[\d+\]:  -> "[0-9a-f]{64}:|Mounts\[\d+\]\.Source:  -> "[0-9a-f]{64}")`)
	return slices.DeleteFunc(text, func(line string) bool {
		return line == `Config.Labels.version: "1" -> "3"` || anonymous.MatchString(line)
	})
}
