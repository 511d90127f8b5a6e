#!/bin/bash
# Sees that the programs the tests and the demo need are here: usage: deps.sh [demo|test]
#
# On Debian, as root, it installs what is missing and prints the packages' names on standard output; elsewhere it says
# in one line what is missing and ends with 1.
set -euo pipefail

die() {
	printf 'deps.sh: %s\n' "$*" >&2
	exit 1
}

has() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null; }

# A busybox that needs libraries cannot run in an image that holds nothing else.
has_static_busybox() { has busybox && ! ldd "$(command -v busybox)" >/dev/null 2>&1; }

missing=()
need() { has "$1" || missing+=("$2"); }
need dockerd docker.io
need docker docker.io
need docker-registry docker-registry
has_static_busybox || missing+=(busybox-static)
need iptables iptables
need ip iproute2
need unshare util-linux
if [ "${1:-test}" = test ]; then
	need podman podman
	# The status page is shown to a real browser.
	need chromium chromium
	# The race detector is linked by the C compiler.
	need gcc gcc
	[ -e /usr/include/stdlib.h ] || missing+=(libc6-dev)
fi

has go || die "go is missing: install $(sed -n 's/^go /go /p' "$(dirname "$0")/../go.mod") or newer, see https://go.dev/doc/install"
[ ${#missing[@]} -gt 0 ] || exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

if ! has apt-get || [ "$(id -u)" != 0 ]; then
	die "missing, and only installed on Debian as root: ${missing[*]}"
fi
echo "deps.sh: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >&2 || die "apt-get update does not work: cannot install ${missing[*]}"
# Newer releases have the command in a package of its own.
if ! has docker && apt-cache show docker-cli >/dev/null 2>&1; then missing+=(docker-cli); fi
apt-get install -qq -y --no-install-recommends "${missing[@]}" >&2 || die "apt-get cannot install ${missing[*]}"
printf '%s\n' "${missing[*]}"
