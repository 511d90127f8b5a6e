package credentials_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/credentials"
)

// Every way in which people and tools write Docker Hub down, by every way in
// which it is asked for.
func TestDockerHubHasManySpellings(t *testing.T) {
	t.Parallel()
	for _, saved := range []string{
		"docker.io", "index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1/",
		"https://index.docker.io/v1", "https://registry-1.docker.io/v2/", "http://docker.io/", "Index.Docker.IO/v1/",
	} {
		path := filepath.Join(t.TempDir(), "config.json")
		write(t, path, fmt.Sprintf(`{"auths":{%q:{"auth":%q},"other.example":{"auth":%q}}}`, saved, auth("hub", "p"), auth("other", "p")))
		file, err := credentials.File(path)
		require.NoError(t, err)
		static := credentials.Static(map[string]credentials.Credential{saved: {Username: "hub"}})
		for _, asked := range []string{"docker.io/library/nginx", "index.docker.io", "https://index.docker.io/v1/"} {
			assert.Equal(t, "hub", ask(t, file, asked).Username, "saved for %s, asked for %s", saved, asked)
			assert.Equal(t, "hub", ask(t, static, asked).Username, "saved for %s, asked for %s", saved, asked)
		}
		assert.Empty(t, ask(t, file, "docker.io.example/library/nginx").Username)
	}
}

func TestTheLongestKeyThatFitsWins(t *testing.T) {
	t.Parallel()
	store := credentials.Static(map[string]credentials.Credential{
		"docker.io": {Username: "hub"}, "docker.io/org": {Username: "org"}, "https://index.docker.io/v1/org/app/": {Username: "no"},
		"R.Example:5000": {Username: "root"}, "r.example:5000/Team": {Username: "Team"}, "https://r.example:5000/team/app": {Username: "app"},
		"https://tls.example:443/v2/": {Username: "tls"}, "bare.example": {Username: "bare"}, "bare.example:443/team": {Username: "team"},
		"both.example": {Username: "without"}, "both.example:443": {Username: "with"}, "[::1]:5000/": {Username: "six"},
	})
	for asked, user := range map[string]string{
		"docker.io/org/app": "org", "index.docker.io/org": "org", "docker.io/organ/app": "hub", "docker.io/library/org": "hub",
		"r.example:5000/team/app": "app", "r.example:5000/team/app/sub": "app", "r.example:5000/team/apps": "root",
		"r.example:5000/Team/app": "Team", "r.example/team/app": "", "R.EXAMPLE:5000/": "root", "r.example:5001": "",
		"tls.example/app": "tls", "tls.example:443/app": "tls", "tls.example:8443": "",
		"bare.example:443/app": "bare", "bare.example/team/app": "bare", "bare.example:443/team/app": "team",
		"both.example/app": "without", "both.example:443/app": "with", "[::1]:5000/app": "six",
	} {
		assert.Equal(t, user, ask(t, store, asked).Username, asked)
	}
}
