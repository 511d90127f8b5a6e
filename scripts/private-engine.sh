#!/bin/bash
# Runs a command beside a Docker engine of its own: usage: private-engine.sh COMMAND [ARGUMENT...]
#
# Engine and command live in network, mount and process namespaces made for them, so that ports, bridges, firewall
# rules and /etc/docker are theirs alone, and everything ends with the command. The command finds the engine in
# DOCKER_HOST and a directory of its own, removed at the end, in SCRATCH. ENGINE_FLAGS are handed to dockerd.
set -euo pipefail

die() {
	printf 'private-engine.sh: %s\n' "$*" >&2
	exit 1
}

inside() {
	ip link set lo up
	mount -t tmpfs tmpfs /run
	mount -t tmpfs tmpfs /etc/docker
	mkdir /run/docker
	# shellcheck disable=SC2086 # several flags, each a word
	dockerd ${ENGINE_FLAGS:-} --data-root "$SCRATCH/data" --exec-root "$SCRATCH/exec" -p "$SCRATCH/docker.pid" -H "$DOCKER_HOST" \
		>"$SCRATCH/dockerd.log" 2>&1 &
	local engine=$!
	for ((i = 0; i < 300; i++)); do
		! docker version >/dev/null 2>&1 || break
		kill -0 "$engine" 2>/dev/null || break
		sleep 0.1
	done
	if ! docker version >/dev/null 2>&1; then
		tail -n 20 "$SCRATCH/dockerd.log" >&2
		die "the engine does not start: its last lines are above"
	fi
	local status=0
	"$@" || status=$?
	# Asked to end, it unmounts what its containers have used; killed, it leaves their cgroups behind.
	kill "$engine"
	wait "$engine" || true
	exit "$status"
}

if [ "${1:-}" = --inside ]; then
	shift
	inside "$@"
fi

[ $# -gt 0 ] || die "no command given"
[ "$(id -u)" = 0 ] || die "a private engine needs root: run as root, or set DOCKER_HOST to an engine that answers"

SCRATCH=$(mktemp -d)
made_etc=
[ -d /etc/docker ] || { mkdir /etc/docker && made_etc=yes; }
cleanup() {
	rm -rf "$SCRATCH"
	[ -z "$made_etc" ] || rmdir --ignore-fail-on-non-empty /etc/docker
}
trap cleanup EXIT
export SCRATCH DOCKER_HOST=unix://$SCRATCH/docker.sock
unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_API_VERSION
export DOCKER_CONFIG=$SCRATCH/docker-config
# In the background, for a signal to be heard while it runs: its namespaces end with it.
unshare --net --mount --pid --fork --mount-proc --kill-child "$0" --inside "$@" &
trap 'kill -KILL $!; exit 130' INT TERM HUP
wait $!
