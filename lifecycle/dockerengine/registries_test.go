package dockerengine_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
)

func TestTheRegistryConfigurationOfARealEngine(t *testing.T) {
	host := enginehost.Engine(t)
	c, err := connect(t, host).RegistryConfig(t.Context())
	require.NoError(t, err)
	assert.Contains(t, c.Insecure, "127.0.0.0/8", "which every engine adds by itself")
	assert.NotContains(t, c.Insecure, "docker.io")
}

func TestTheRegistryConfiguration(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		info string
		want lifecycle.RegistryConfig
	}{
		"everything": {
			`{"RegistryConfig":{
				"InsecureRegistryCIDRs":["127.0.0.0/8","10.1.0.0/16"],
				"IndexConfigs":{
					"docker.io":{"Name":"docker.io","Mirrors":["https://mirror.example/"],"Secure":true,"Official":true},
					"registry.example:5000":{"Name":"registry.example:5000","Mirrors":[],"Secure":false,"Official":false},
					"a.example":{"Name":"a.example","Secure":false}},
				"Mirrors":["https://mirror.example/","http://second.example:5000/"]}}`,
			lifecycle.RegistryConfig{
				Mirrors:  []string{"https://mirror.example/", "http://second.example:5000/"},
				Insecure: []string{"10.1.0.0/16", "127.0.0.0/8", "a.example", "registry.example:5000"},
			},
		},
		"nothing":        {`{}`, lifecycle.RegistryConfig{}},
		"holes":          {`{"RegistryConfig":{"InsecureRegistryCIDRs":null,"IndexConfigs":{"a.example":null},"Mirrors":null}}`, lifecycle.RegistryConfig{}},
		"a null network": {`{"RegistryConfig":{"InsecureRegistryCIDRs":[null]}}`, lifecycle.RegistryConfig{}},
	} {
		e := fakeEngine(t, func() string { return "1.44" }, func(w http.ResponseWriter, _ *http.Request, path string) {
			assert.Equal(t, "/info", path)
			_, _ = w.Write([]byte(tt.info))
		})
		got, err := e.RegistryConfig(t.Context())
		require.NoError(t, err, name)
		assert.Equal(t, tt.want, got, name)
	}
}
