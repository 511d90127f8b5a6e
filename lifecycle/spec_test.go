package lifecycle

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func doc(t *testing.T, text string) Document {
	t.Helper()
	d, err := ParseDocument([]byte(text))
	require.NoError(t, err)
	return d
}

// What a user set is carried, what the old image gave is not, so that the new
// image's defaults come through. The want is the spec's Config; the last column
// what the engine would make of it on the new image.
func TestUserConfigIsWhatDiffersFromTheOldImage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, image, config, want string
	}{
		{
			"environment by key", `{"Env":["PATH=/bin","MODE=old","GONE=1"]}`,
			`{"Env":["USER_SET=1","MODE=mine","PATH=/bin","GONE=1"]}`, `{"Env":["USER_SET=1","MODE=mine"]}`,
		},
		{
			"labels by key", `{"Labels":{"a":"1","b":"1"}}`,
			`{"Labels":{"a":"1","b":"2","c":"3","com.centurylinklabs.watchtower.swap.of":"x"}}`, `{"Labels":{"b":"2","c":"3"}}`,
		},
		{
			"command of the image", `{"Entrypoint":["/e"],"Cmd":["c"]}`,
			`{"Entrypoint":["/e"],"Cmd":["c"]}`, `{}`,
		},
		{
			"command of the user on the image's entrypoint", `{"Entrypoint":["/e"],"Cmd":["c"]}`,
			`{"Entrypoint":["/e"],"Cmd":["mine"]}`, `{"Cmd":["mine"]}`,
		},
		{
			"entrypoint of the user keeps a command equal to the image's", `{"Entrypoint":["/e"],"Cmd":["c"]}`,
			`{"Entrypoint":["/mine"],"Cmd":["c"]}`, `{"Entrypoint":["/mine"],"Cmd":["c"]}`,
		},
		{
			"entrypoint cleared by the user", `{"Entrypoint":["/e"],"Cmd":["c"]}`,
			`{"Entrypoint":null,"Cmd":["sh"]}`, `{"Entrypoint":[""],"Cmd":["sh"]}`,
		},
		{
			"health check field by field", `{"Healthcheck":{"Test":["CMD","x"],"Interval":1000000000,"Retries":3}}`,
			`{"Healthcheck":{"Test":["CMD","x"],"Interval":5000000000,"Retries":3}}`, `{"Healthcheck":{"Interval":5000000000}}`,
		},
		{
			"health check of the image", `{"Healthcheck":{"Test":["CMD","x"]}}`,
			`{"Healthcheck":{"Test":["CMD","x"]}}`, `{"Healthcheck":null}`,
		},
		{
			"scalars", `{"User":"app","WorkingDir":"/old","StopSignal":"SIGINT"}`,
			`{"User":"app","WorkingDir":"/mine","StopSignal":"SIGINT","StopTimeout":30,"Tty":true}`,
			`{"WorkingDir":"/mine","StopTimeout":30,"Tty":true}`,
		},
		{
			"what engines do not take from images", `{"Shell":["sh"],"Tty":true,"Hostname":"built","OnBuild":["RUN x"]}`,
			`{"Shell":["sh"],"Tty":true}`, `{"Shell":["sh"],"Tty":true}`,
		},
		{
			"an empty label over the image's", `{"Labels":{"a":"1"}}`, `{"Labels":{"a":""}}`, `{"Labels":{"a":""}}`,
		},
		{
			"a command that the image's entrypoint was to forget", `{"Entrypoint":["/e"],"Cmd":["c"]}`,
			`{"Entrypoint":["/e"],"Cmd":null}`, `{"Entrypoint":["/e"],"Cmd":null}`,
		},
		{
			"an empty list for the entrypoint", `{"Entrypoint":null,"Cmd":["c"]}`,
			`{"Entrypoint":[],"Cmd":["c"]}`, `{"Entrypoint":[]}`,
		},
		{
			"ports and volumes by key", `{"ExposedPorts":{"80/tcp":{}},"Volumes":{"/data":{}}}`,
			`{"ExposedPorts":{"80/tcp":{},"81/tcp":{}},"Volumes":{"/data":{},"/mine":{}}}`,
			`{"ExposedPorts":{"81/tcp":{}},"Volumes":{"/mine":{}}}`,
		},
		{
			"fields this module has never heard of", `{"Later":{"a":1}}`,
			`{"Later":{"a":2},"Newer":[12345678901234567890]}`, `{"Later":{"a":2},"Newer":[12345678901234567890]}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			image, config := doc(t, tt.image), doc(t, tt.config)
			user := userConfig(config, image)
			assert.Equal(t, plain(doc(t, tt.want)), plain(user))
			// On the same image the engine must make of it what there was.
			assert.Empty(t, drift(Spec{Config: user}, Image{Config: image},
				Snapshot{Config: withoutSwap(config)}), "the round trip on the old image")
		})
	}
}

func withoutSwap(config Document) Document {
	out := config.Clone()
	if labels := out.Object("Labels"); labels != nil {
		out["Labels"] = map[string]any(withoutSwapLabels(labels))
	}
	return out
}

func TestACopyOnTheSameImageIsTheSame(t *testing.T) {
	t.Parallel()
	image := Image{Config: doc(t, `{"Entrypoint":["/e"],"Cmd":["c"],"Env":["A=1"],"Healthcheck":{"Test":["CMD","x"]}}`)}
	for _, config := range []string{
		`{"Entrypoint":null,"Cmd":["sh"],"Env":["A=1"],"Healthcheck":{"Test":["NONE"]}}`,
		`{"Entrypoint":[],"Cmd":["c"],"Env":["A="],"Healthcheck":{"Test":["CMD","x"]}}`,
		`{"Entrypoint":["/e"],"Cmd":null,"Env":["A=1","B=2"],"Healthcheck":{"Test":["CMD","x"]}}`,
	} {
		spec := copySpec(Snapshot{Config: doc(t, config)}, nil)
		got := effective(spec.Config, image.Config)
		for _, field := range []string{"Entrypoint", "Cmd", "Env", "Healthcheck"} {
			assert.True(t, same(plain(doc(t, config)[field]), plain(got[field])), "%s of %s: %v", field, config, got[field])
		}
	}
}

func TestGeneratedValuesAreNotFrozenIn(t *testing.T) {
	t.Parallel()
	old := Snapshot{
		Container: Container{ID: oldID, Name: "web", Image: "app:1", ImageID: "sha256:1"},
		Config:    doc(t, `{"Hostname":"0123456789ab","Env":null,"ExposedPorts":{"80/tcp":{}}}`),
		HostConfig: doc(t, `{"NetworkMode":"front","PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]},
			"Binds":["named:/named"],"Mounts":[{"Type":"volume","Source":"","Target":"/anon-mount"}]}`),
		Networks: map[string]Document{
			"front": doc(t, `{"IPAMConfig":{"IPv4Address":"10.1.0.5"},"Aliases":["api","0123456789ab"],"NetworkID":"n1",
				"IPAddress":"10.1.0.5","MacAddress":"02:42:0a:01:00:05","Gateway":"10.1.0.1","DriverOpts":null}`),
			"back": doc(t, `{"IPAMConfig":null,"Aliases":["0123456789ab"],"IPAddress":"10.2.0.7","NetworkID":"n2"}`),
		},
		Mounts: []Mount{
			{Type: "volume", Name: "named", Destination: "/named"},
			{Type: "volume", Name: "a1", Destination: "/anon-mount"},
			{Type: "volume", Name: "a2", Destination: "/data", ReadOnly: true},
			{Type: "volume", Name: "theirs", Destination: "/inherited"},
			{Type: "bind", Source: "/etc/x", Destination: "/x"},
		},
	}
	image := Image{Config: doc(t, `{"ExposedPorts":{"80/tcp":{}}}`)}
	spec := successorSpec(old, image, Member{Reference: "app:1", ImageID: "sha256:2"}, []string{"/inherited"}, nil)

	assert.Equal(t, plain(doc(t, `{"Image":"app:1","Env":null,"ExposedPorts":{"80/tcp":{}}}`)), plain(spec.Config))
	assert.Equal(t, []string{"named:/named", "a2:/data:ro"}, spec.HostConfig.Texts("Binds"))
	assert.Equal(t, plain(doc(t, `{"m":[{"Type":"volume","Source":"a1","Target":"/anon-mount"}]}`)["m"]), plain(spec.HostConfig["Mounts"]))
	assert.Equal(t, map[string]Document{
		"front": doc(t, `{"IPAMConfig":{"IPv4Address":"10.1.0.5"},"Aliases":["api"]}`),
		"back":  {},
	}, spec.Networks)
	assert.Equal(t, "", old.HostConfig["Mounts"].([]any)[0].(map[string]any)["Source"], "the snapshot is not written to")
}

func TestAPathMayBeWrittenInManyWays(t *testing.T) {
	t.Parallel()
	old := Snapshot{
		HostConfig: doc(t, `{"Binds":["named:/named/","/a:/b/../a"],"Mounts":[{"Type":"volume","Target":"/anonymous/"}]}`),
		Mounts: []Mount{
			{Type: "volume", Name: "named", Destination: "/named"},
			{Type: "volume", Name: "v1", Destination: "/anonymous"},
			{Type: "volume", Name: "v2", Destination: "/images"},
		},
	}
	host := successorSpec(old, Image{}, Member{Reference: "app:1"}, nil, nil).HostConfig
	assert.Equal(t, []string{"named:/named/", "/a:/b/../a", "v2:/images"}, host.Texts("Binds"))
	assert.Equal(t, plain(doc(t, `{"m":[{"Type":"volume","Source":"v1","Target":"/anonymous/"}]}`)["m"]), plain(host["Mounts"]))
}

// An engine refuses two mounts at one path.
func TestAHelperMountsNothingTwice(t *testing.T) {
	t.Parallel()
	own := Snapshot{
		HostConfig: doc(t, `{"VolumesFrom":["store"],"Binds":["/a:/a:ro"],"Mounts":[{"Type":"bind","Source":"/b","Target":"/b"}]}`),
		Mounts: []Mount{
			{Type: "bind", Source: "/a", Destination: "/a", ReadOnly: true},
			{Type: "bind", Source: "/b", Destination: "/b"},
			{Type: "bind", Source: "/c", Destination: "/theirs", ReadOnly: true},
			{Type: "volume", Name: "v", Source: "/var/lib/v", Destination: "/theirs-too"},
		},
	}
	host := helperSpec(own, "tower.wt-self-1", "", []string{"/tower"}).HostConfig
	assert.ElementsMatch(t, []string{"/a:/a:ro", "v:/theirs-too", "/c:/theirs:ro"}, host.Texts("Binds"))
	assert.Empty(t, host.Texts("VolumesFrom"))
}

func TestNetworkModes(t *testing.T) {
	t.Parallel()
	endpoint := `{"NetworkID":"n1","IPAddress":"10.0.0.2"}`
	tests := []struct {
		name, mode, network string
		want                map[string]Document
		hostname            bool
	}{
		{"default bridge says nothing", "default", "bridge", map[string]Document{}, true},
		{"user network", "front", "front", map[string]Document{"front": {}}, true},
		{"user network by ID", "n1", "front", map[string]Document{"n1": {}}, true},
		{"host", "host", "host", nil, true},
		{"none", "none", "none", nil, true},
		{"another container's", "container:" + leadID, "", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			old := Snapshot{
				Container:  Container{ID: oldID},
				Config:     Document{"Hostname": "given"},
				HostConfig: Document{"NetworkMode": tt.mode},
				Networks:   map[string]Document{tt.network: doc(t, endpoint)},
			}
			spec := successorSpec(old, Image{}, Member{Reference: "app"}, nil, nil)
			assert.Equal(t, tt.want, spec.Networks)
			assert.Equal(t, tt.hostname, spec.Config["Hostname"] != nil)
		})
	}
}

func TestMACAddresses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, mac, ip, configured, want string }{
		{"none while it is down", "", "", "", ""},
		{"derived from the address", "02:42:0a:01:00:05", "10.1.0.5", "", ""},
		{"random", "1e:77:0a:01:00:05", "10.1.0.5", "", ""},
		{"given in Docker's own range", "02:42:ac:11:65:43", "10.1.0.5", "", "02:42:ac:11:65:43"},
		{"given, of a vendor", "00:50:56:00:00:01", "10.1.0.5", "", "00:50:56:00:00:01"},
		{"given for the container", "00:50:56:00:00:01", "10.1.0.5", "00:50:56:00:00:01", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spec := successorSpec(Snapshot{
				Config:     Document{"MacAddress": tt.configured},
				HostConfig: Document{"NetworkMode": "front"},
				Networks:   map[string]Document{"front": {"MacAddress": tt.mac, "IPAddress": tt.ip}},
			}, Image{}, Member{}, nil, nil)
			assert.Equal(t, tt.want, spec.Networks["front"].Text("MacAddress"))
			assert.Equal(t, tt.configured, spec.Config.Text("MacAddress"))
		})
	}
}

func TestComposeIsToldOfTheNewImage(t *testing.T) {
	t.Parallel()
	old := Snapshot{Config: doc(t, `{"Labels":{"com.docker.compose.image":"sha256:1","com.docker.compose.service":"web"}}`)}
	spec := successorSpec(old, Image{}, Member{Reference: "app", ImageID: "sha256:2"}, nil, nil)
	assert.Equal(t, "sha256:2", spec.Config.Object("Labels").Text("com.docker.compose.image"))
	assert.Equal(t, "sha256:1", old.Config.Object("Labels").Text("com.docker.compose.image"), "the snapshot is not written to")
}

func TestDriftNamesEachFieldOnce(t *testing.T) {
	t.Parallel()
	spec := Spec{
		Config:     doc(t, `{"Env":["A=1"],"Hostname":"mine","Labels":{"x":"1"}}`),
		HostConfig: doc(t, `{"Memory":1024,"Privileged":false,"CapAdd":null,"NanoCpus":0,"Links":["/db:/web/sql"]}`),
		Networks:   map[string]Document{"front": doc(t, `{"Aliases":["api"],"IPAMConfig":{"IPv4Address":"10.1.0.5"}}`), "back": {}},
	}
	got := Snapshot{
		Config:     doc(t, `{"Env":["A=2"],"Hostname":"other","Labels":{"x":"1"},"Tty":false}`),
		HostConfig: doc(t, `{"Memory":0,"Privileged":false,"CapAdd":[],"Extra":7,"Links":["/db:/web.wt-new-1-2/sql"]}`),
		Networks:   map[string]Document{"front": doc(t, `{"Aliases":["0123"],"IPAMConfig":{"IPv4Address":"10.1.0.6"}}`)},
	}
	var fields []string
	for _, d := range drift(spec, Image{}, got) {
		fields = append(fields, d.String())
	}
	assert.Equal(t, []string{
		`Config.Env: want ["A=1"], got ["A=2"]`,
		`HostConfig.Memory: want 1024, got 0`,
		`Networks.back: want {}, got null`,
		`Networks.front.Aliases: want ["api"], got ["0123"]`,
		`Networks.front.IPAMConfig: want {"IPv4Address":"10.1.0.5"}, got {"IPv4Address":"10.1.0.6"}`,
	}, fields)
}

// What a container follows is written down where it is not what it is created by.
func TestWhatIsFollowedIsNotLost(t *testing.T) {
	t.Parallel()
	const id = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	for name, tt := range map[string]struct {
		image, label, reference string
		want                    any
	}{
		"by its reference":              {"app:1", "", "app:1", nil},
		"by an ID":                      {"app:1", "", id, "app:1"},
		"by an ID that nobody can name": {id, "", id, nil},
		"with a label":                  {"app:1", "app:1", "app:1", "app:1"},
		"with a label, to another tag":  {"app:1", "app:1", "app:2", "app:2"},
		"with a label, by an ID":        {"app:1", "app:1", id, "app:1"},
	} {
		old := Snapshot{Config: Document{}, HostConfig: Document{}}
		if tt.label != "" {
			old.Config["Labels"] = map[string]any{LabelOriginalImage: tt.label}
		}
		m := Member{Container: Container{Image: tt.image}, Reference: tt.reference}
		spec := successorSpec(old, Image{}, m, nil, nil)
		assert.Equal(t, tt.want, spec.Config.Object("Labels")[LabelOriginalImage], name)
	}
}
