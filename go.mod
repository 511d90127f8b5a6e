module github.com/watchtower-go/watchtower

go 1.26.0

require (
	github.com/containerd/errdefs v1.0.0
	github.com/opencontainers/go-digest v1.0.0
)
