package main

func engineRows(s *settings) []setting {
	return []setting{
		{
			flag: "host", short: "H", env: "DOCKER_HOST", target: text(&s.host), def: "the local socket", has: originFork,
			usage: "engine to watch: unix://, tcp:// or ssh://",
		},
		{
			flag: "hosts", env: "WATCHTOWER_HOSTS", target: hosts(&s.hosts),
			usage: "engines to watch instead of one: name=address, split by commas",
		},
		{
			flag: "tlsverify", short: "v", env: "DOCKER_TLS_VERIFY", target: toggle(&s.tlsVerify), has: originFork,
			usage: "verify the engine's certificate",
		},
		{
			flag: "cert-path", env: "DOCKER_CERT_PATH", target: text(&s.certPath), def: "~/.docker", has: originFork,
			usage: "directory with ca.pem, cert.pem and key.pem",
		},
		{
			flag: "api-version", short: "a", env: "DOCKER_API_VERSION", target: text(&s.apiVersion), def: "negotiated", has: originFork,
			usage: "version of the engine's API",
		},
		{
			flag: "disable-memory-swappiness", env: "WATCHTOWER_DISABLE_MEMORY_SWAPPINESS", target: of(kindSwitch), has: fork,
			usage: "create containers without their memory swappiness, for Podman", status: later, note: noPodman,
		},
		{
			flag: "cpu-copy-mode", env: "WATCHTOWER_CPU_COPY_MODE", target: of(kindChoice), def: "auto", has: fork,
			usage: "which limits of CPU are kept, for Podman", status: later, note: noPodman,
		},
		{
			env: "CONTAINER", target: of(kindText), has: fork,
			usage: "podman or oci: run by Podman", status: ignored, note: "nothing here depends on whether this is Podman",
		},
	}
}

const noPodman = "containers are created with all their limits, and no engine but Docker is tested"
