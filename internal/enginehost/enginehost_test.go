package enginehost_test

import (
	"encoding/base64"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

func TestMain(m *testing.M) { os.Exit(enginehost.Run(m)) }

func TestTheEngineRunsWhatTheRegistryServes(t *testing.T) {
	host := enginehost.Engine(t)
	login := base64.URLEncoding.EncodeToString([]byte(`{"username":"user","password":"secret"}`))
	for name, tt := range map[string]struct {
		opts []enginehost.RegistryOption
		auth string
	}{
		"open":  {},
		"basic": {[]enginehost.RegistryOption{enginehost.WithBasicAuth(t, "user", "secret")}, login},
		"token": {[]enginehost.RegistryOption{enginehost.WithTokenAuth(t, "user", "secret")}, login},
	} {
		t.Run(name, func(t *testing.T) {
			reg := enginehost.StartRegistry(t, tt.opts...)
			ref, _ := reg.Push(t, "app:1", enginehost.Image{Env: []string{"VERSION=1"}, Files: map[string]string{"hello": "world"}})
			host.Pull(t, ref, tt.auth)
			host.Run(t, "harness-"+name, enginehost.Object{"Image": ref})
			assert.Equal(t, "world", host.Exec(t, "harness-"+name, "cat", "/hello"))
			assert.Equal(t, "1", host.Exec(t, "harness-"+name, "sh", "-c", "echo $VERSION"))
		})
	}
}
