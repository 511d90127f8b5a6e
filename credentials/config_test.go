package credentials_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
)

func TestEntriesOfAConfigFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, fmt.Sprintf(`{"auths":{
		"https://index.docker.io/v1/":{"auth":%q},
		"registry.example":{"auth":%q},
		"registry.example/team":{"username":"team","password":"p"},
		"HTTPS://Upper.Example:5000/v2/":{"auth":%q},
		"token.example":{"auth":%q,"identitytoken":"refresh"},
		"bearer.example":{"registrytoken":"bearer"},
		"marked.example":{},
		"bad.example":{"auth":"not base64!"},
		"registry.example/spoilt":{"auth":"not base64!"},
		"alphabet.example":{"auth":"dX5-Ojpw"},
		"line.example":{"auth":"dTpwCg=="},
		"empty.example":{"auth":"dTo="},
		"worse.example":17}}`,
		auth("hub", "p"), auth("root", "a:b"), auth("upper", "p"), auth("00000000-0000-0000-0000-000000000000", "")))
	file, err := credentials.File(path)
	require.NoError(t, err)
	for host, user := range map[string]string{
		"docker.io": "hub", "docker.io/library/nginx": "hub", "index.docker.io": "hub", "registry-1.docker.io": "hub",
		"https://index.docker.io/v1/": "hub", "https://index.docker.io/v1": "hub", "http://docker.io/": "hub", "Docker.IO/org/app": "hub",
		"registry.example": "root", "registry.example/other/app": "root", "registry.example/teams/app": "root",
		"registry.example/team": "team", "registry.example/team/app": "team",
		"upper.example:5000/app": "upper", "upper.example": "", "alphabet.example": "u~~", "elsewhere.example": "", "marked.example": "",
	} {
		assert.Equal(t, user, ask(t, file, host).Username, host)
	}
	assert.Equal(t, "a:b", ask(t, file, "registry.example").Password.Reveal(), "a password may hold a colon")
	assert.Equal(t, "p", ask(t, file, "line.example").Password.Reveal(), "the end of a line is none of it")
	assert.Equal(t, credentials.Credential{Username: "u", Source: path}, ask(t, file, "empty.example"), "a password may be empty")
	assert.False(t, ask(t, file, "empty.example").IsZero())
	assert.Equal(t, "refresh", ask(t, file, "token.example").IdentityToken.Reveal())
	assert.Equal(t, "bearer", ask(t, file, "bearer.example").RegistryToken.Reveal())
	assert.Equal(t, path, ask(t, file, "registry.example").Source)
	for _, host := range []string{"bad.example", "worse.example/app", "registry.example/spoilt/app"} {
		_, err := file.Credential(t.Context(), host)
		require.Error(t, err)
		assert.True(t, errdefs.IsInvalidArgument(err))
		assert.Contains(t, err.Error(), path)
		assert.NotContains(t, err.Error(), "not base64!")
		var e *credentials.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "decode", e.Op)
		assert.Equal(t, path, e.Source)
	}
}

// What editors and scripts make of the file.
func TestAConfigFileWrittenByHand(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.json")
	one, two := fmt.Sprintf(`{"r.example":{"auth":%q}}`, auth("one", "p")), fmt.Sprintf(`{"s.example":{"Auth":%q}}`, auth("two", "p"))
	for text, want := range map[string][2]string{
		"\ufeff{\"auths\":" + one + "}\r\n":            {"one", ""}, // a mark of its encoding
		`{"AUTHS":` + one + `}`:                        {"one", ""},
		`{"auths":` + one + `,"Auths":` + two + `}`:    {"one", "two"},
		`{"auths":` + one + `,"auths":` + two + `}`:    {"one", "two"},
		`{"auths":null,"credHelpers":null,"other":[]}`: {"", ""},
		"\ufeff": {"", ""},
	} {
		write(t, path, text)
		file, err := credentials.File(path)
		require.NoError(t, err, text)
		assert.Equal(t, want[0], ask(t, file, "r.example").Username, text)
		assert.Equal(t, want[1], ask(t, file, "s.example").Username, text)
	}
}

func TestOneRegistrySpeltTwiceAnswersTheSameEachTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.json")
	write(t, path, fmt.Sprintf(`{"auths":{
		"docker.io":{"auth":%q},"https://index.docker.io/v1/":{"auth":%q},"registry-1.docker.io":{"auth":%q},
		"HTTPS://R.example":{"auth":%q},"https://r.example":{"auth":%q},"r.example":{"auth":%q},
		"https://user:canary@u.example/":{"auth":"!"}}}`,
		auth("no", "p"), auth("hub", "p"), auth("no", "p"), auth("no", "p"), auth("no", "p"), auth("plain", "p")))
	for range 20 {
		file, err := credentials.File(path)
		require.NoError(t, err)
		assert.Equal(t, "hub", ask(t, file, "docker.io").Username, "the spelling Docker writes")
		assert.Equal(t, "plain", ask(t, file, "r.example").Username, "the spelling Docker writes")
		_, err = file.Credential(t.Context(), "u.example")
		require.EqualError(t, err, "credentials: decode u.example from "+path+`: its "auth" is not the base64 of user:password`)
	}
	static := map[string]credentials.Credential{
		"docker.io": {Username: "no"}, "https://index.docker.io/v1/": {Username: "hub"}, "index.docker.io": {Username: "no"},
	}
	for range 20 {
		assert.Equal(t, "hub", ask(t, credentials.Static(static), "docker.io").Username)
	}
}
