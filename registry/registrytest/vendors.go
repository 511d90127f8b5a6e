package registrytest

import (
	"net/http"
	"strings"
	"time"
)

// Vendors returns the profiles of well-known registries. What is said of each is
// what its clients see; where nothing is known they do as the specification says.
func Vendors() []Profile {
	return []Profile{
		DockerHub(), GHCR(), LSCR(), GitLab(), Harbor(), Harbor1(), Quay(),
		ACR(), ECR(), GoogleArtifactRegistry(), Nexus(), Artifactory(),
	}
}

// DockerHub reproduces Docker Hub: references say docker.io, the API is at
// registry-1.docker.io and the token service at auth.docker.io. It counts the
// manifests that are read, here up to 100 in 6 hours, tells what is left in
// RateLimit-Limit and RateLimit-Remaining ("76;w=21600"), and answers 429
// beyond that; a HEAD does not count.
func DockerHub() Profile {
	return Profile{
		Name: "Docker Hub", Host: "docker.io", Endpoint: "registry-1.docker.io", Auth: Bearer,
		Realm: "https://auth.docker.io/token", Service: "registry.docker.io",
		Limit: Limit{Manifests: 100, Window: 6 * time.Hour},
	}
}

// GHCR reproduces GitHub's registry: the public needs a token, too, the token
// service says 401 to anybody who asks for what is private and 403 to a wrong
// login, and its answer has no expiry. A manifest whose media type is not
// accepted is unknown.
func GHCR() Profile {
	return Profile{
		Name: "GHCR", Host: "ghcr.io", Auth: Bearer, Realm: "https://ghcr.io/token", Answer: answerToken,
		NobodyStatus: http.StatusUnauthorized, LoginStatus: http.StatusForbidden,
	}
}

// LSCR reproduces LinuxServer's registry: another name for GHCR, whose token
// service and service name are GHCR's.
func LSCR() Profile {
	p := GHCR()
	p.Name, p.Host, p.Service = "lscr.io", "lscr.io", "ghcr.io"
	return p
}

// GitLab reproduces GitLab's registry: the token service is GitLab itself, on
// another host, answers with a token alone, which lives for 15 minutes, and says
// 403 to anybody who asks for what is private.
func GitLab() Profile {
	return Profile{
		Name: "GitLab", Host: "registry.gitlab.com", Auth: Bearer,
		Realm: "https://gitlab.com/jwt/auth", Service: "container_registry",
		Answer: answerToken, Expires: 15 * time.Minute, NobodyStatus: http.StatusForbidden,
	}
}

// Harbor reproduces Harbor 2: a wrong login gets a token as anybody does, the
// API takes the login itself, too, and who comes with a token that does not do
// is asked for that: its challenge is then Basic.
func Harbor() Profile {
	return Profile{
		Name: "Harbor", Host: "harbor.example", Auth: Bearer, Realm: "https://harbor.example/service/token",
		Service: "harbor-registry", TakesBasic: true, LoginStatus: http.StatusOK,
		Challenges: func(c Challenge) []string {
			if c.Carried {
				return []string{`Basic realm="harbor"`}
			}
			return []string{c.bearer()}
		},
	}
}

// Harbor1 reproduces what was seen of Harbor 1: of several scopes its tokens are
// good for the first.
func Harbor1() Profile {
	return Profile{
		Name: "Harbor 1", Host: "harbor.example", Auth: Bearer, Realm: "https://harbor.example/service/token",
		Service: "harbor-registry", FirstScopeOnly: true, LoginStatus: http.StatusOK,
	}
}

// Quay reproduces quay.io: its challenge was seen to name no scope, and its token
// service answers with a token alone.
func Quay() Profile {
	return Profile{
		Name: "Quay", Host: "quay.io", Auth: Bearer, Realm: "https://quay.io/v2/auth", Answer: answerToken,
		Challenges: func(c Challenge) []string {
			c.Scope = ""
			return []string{c.bearer()}
		},
	}
}

// ACR reproduces Azure's registry: nothing is public unless it is made so,
// identity tokens are exchanged at /oauth2/token, and the answer has an
// access_token alone.
func ACR() Profile {
	return Profile{
		Name: "ACR", Host: "contoso.azurecr.io", Auth: Bearer, Private: true,
		Realm: "https://contoso.azurecr.io/oauth2/token", Answer: answerAccessToken, NobodyStatus: http.StatusUnauthorized,
	}
}

// ECR reproduces Amazon's private registry: nothing is public, and it takes the
// login itself, whose user is AWS.
func ECR() Profile {
	const host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
	return Profile{
		Name: "ECR", Host: host, Auth: Basic, Private: true, Usernames: []string{"AWS"},
		Realm: "https://" + host + "/", Service: "ecr.amazonaws.com",
		Challenges: func(c Challenge) []string {
			return []string{`Basic realm="` + c.Realm + `",service="` + c.Service + `"`}
		},
	}
}

// GoogleArtifactRegistry reproduces Google's, and gcr.io, which it serves: the
// users are oauth2accesstoken and _json_key, and the challenge at /v2/ names a
// realm only.
func GoogleArtifactRegistry() Profile {
	return Profile{
		Name: "Google Artifact Registry", Host: "europe-docker.pkg.dev", Auth: Bearer,
		Realm: "https://europe-docker.pkg.dev/v2/token", ServiceOptional: true,
		Usernames: []string{"oauth2accesstoken", "_json_key", "_json_key_base64"},
		Challenges: func(c Challenge) []string {
			if c.Scope == "" {
				c.Service = ""
			}
			return []string{c.bearer()}
		},
	}
}

// Nexus reproduces Sonatype's repository manager: it takes the login itself,
// spells the scheme in capitals, and was seen to answer 404 to each HEAD for a
// manifest.
func Nexus() Profile {
	return Profile{
		Name: "Nexus", Host: "nexus.example", Auth: Basic, Realm: "Sonatype Nexus Repository Manager",
		HeadStatus: http.StatusNotFound,
		Challenges: func(c Challenge) []string { return []string{`BASIC realm="` + c.Realm + `"`} },
	}
}

// Artifactory reproduces JFrog's: the realm and the service's name spell the port
// out, and the token service is below the path of a repository. Where those are
// not told by host names, names of images begin with one: "docker-local/app".
func Artifactory() Profile {
	const host = "artifactory.example:443"
	return Profile{
		Name: "Artifactory", Host: strings.TrimSuffix(host, ":443"), Auth: Bearer,
		Realm: "https://" + host + "/artifactory/api/docker/docker-local/v2/token", Service: host,
	}
}
