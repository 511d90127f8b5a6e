# Watchtower in an image that holds one file: certificate roots and time zones are in the binary.
#
# It runs as root because the engine's socket belongs to root. It needs no more than the socket: with
# `--user 65532 --group-add <group of the socket> --read-only --cap-drop ALL --security-opt no-new-privileges` it works
# as well, if that user may read the mounted logins. `watchtower preflight` says what is missing.

# The builder's base is an argument, so that a mirror or an image already here can stand in for it.
ARG GO_IMAGE=golang:1.26
FROM ${GO_IMAGE} AS build
ARG GOPROXY
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /watchtower ./cmd/watchtower

FROM scratch
# The first label marks an instance of watchtower, so that it knows itself and its like.
LABEL com.centurylinklabs.watchtower=true \
      org.opencontainers.image.title=watchtower \
      org.opencontainers.image.description="Keeps running containers on the newest image their reference points at" \
      org.opencontainers.image.licenses=Apache-2.0
COPY --from=build /watchtower /watchtower
# The first question comes after the interval, so that it must be short: an update of watchtower itself waits for the
# answer. It is asked on a socket in the container's own network, which takes no place to write.
HEALTHCHECK --interval=10s --timeout=10s --start-period=10s --retries=3 CMD ["/watchtower", "--health-check"]
# Opens nothing, and is nobody's until the HTTP API is asked for: proxies that find containers by the ports of their images
# find it here, as they do in those of the predecessors.
EXPOSE 8080
ENTRYPOINT ["/watchtower"]
