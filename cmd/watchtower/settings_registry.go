package main

// The logins, the proxy and the authorities are read by the packages whose they
// are; their rows are here for help and for the page in docs.
func registryRows(_ *settings) []setting {
	return []setting{
		{
			env: "DOCKER_CONFIG", target: of(kindText), def: "/, then ~/.docker", has: originFork,
			usage: "directory of the config.json that `docker login` writes",
		},
		{env: "DOCKER_AUTH_CONFIG", target: of(kindLogin), usage: "logins in the form of a config.json, which win over it"},
		{env: "REPO_USER", target: of(kindLogin), has: originFork, usage: "login, or REPO_USER_FILE: the file that holds it"},
		{env: "REPO_PASS", target: of(kindLogin), has: originFork, usage: "its password, or REPO_PASS_FILE: the file that holds it"},
		{env: "REPO_HOST", target: list(new([]string), "registries, or paths on them", nil), usage: "registries, or paths on them, that this login is for, unless config.json has one; without it, any that refuses to answer without a login"},
		{
			env: "HTTPS_PROXY", target: of(kindLogin), has: originFork,
			usage: "proxy to registries, also in lower case",
		},
		{env: "HTTP_PROXY", target: of(kindLogin), has: originFork, usage: "the same for registries without TLS"},
		{env: "NO_PROXY", target: of(kindText), has: originFork, usage: "hosts that are reached without it"},
		{env: "SSL_CERT_FILE", target: of(kindText), def: "the system's, else built in", has: originFork, usage: "certificate authorities"},
		{env: "SSL_CERT_DIR", target: of(kindText), has: originFork, usage: "a directory of them"},
		{
			flag: "warn-on-head-failure", env: "WATCHTOWER_WARN_ON_HEAD_FAILURE", target: of(kindChoice), def: "auto", has: originFork,
			usage: "whether a HEAD that a registry refuses is told", status: ignored,
			note: "a registry that refuses HEAD is asked by GET, and nothing is pulled for it: there is nothing to warn of",
		},
		{
			flag: "registry-tls-skip", env: "WATCHTOWER_REGISTRY_TLS_SKIP", target: of(kindSwitch), has: fork,
			usage: "verify no registry", status: ignored,
			note: "list the registry under the engine's insecure-registries, or put its authority into /etc/docker/certs.d",
		},
		{
			flag: "registry-tls-min-version", env: "WATCHTOWER_REGISTRY_TLS_MIN_VERSION", target: of(kindChoice), def: "TLS1.2", has: fork,
			usage: "oldest TLS that is spoken with registries", status: ignored,
			note: "it is TLS 1.2 for every registry, and TLS 1.3 with those that speak it",
		},
	}
}
