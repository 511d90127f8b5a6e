#!/bin/sh
# Installs watchtower as a container on the Docker engine at hand: see usage.
#
# The container's name is the only record kept. While an upgrade is under way the running installation is
# NAME-install-previous and its successor NAME-install-next, so that whatever interrupts the script, the next run
# knows what to put back.
set -eu

usage() {
	cat <<'TEXT'
Usage: ./install.sh [options] [-- arguments of watchtower]

Builds watchtower from this checkout, makes an image of it and starts it as a container that survives reboots. Run
again, it upgrades: settings that are not given again are kept, and the old container comes back if the new one does
not stay up.

Options:
  --name NAME    name of the container (default: watchtower)
  --image IMAGE  name of the image (default: watchtower:local)
  --uninstall    remove the container and its image, nothing else
  --dry-run      print the commands, change nothing
  --help         print this

Settings are read from the environment and handed to the container:
  WATCHTOWER_*                     see the README, or `watchtower --help`
  REPO_USER, REPO_PASS, REPO_HOST  a login for the registries that REPO_HOST lists and config.json does not name
  DOCKER_AUTH_CONFIG               logins in the form of a config.json
  DOCKER_API_VERSION, TZ, HTTP_PROXY, HTTPS_PROXY, NO_PROXY
An empty value takes back a setting of an earlier installation; a `--` with nothing behind it, its arguments.

  DOCKER_HOST    the engine, here and for watchtower: unix:// (mounted) or tcp:// (default: the docker context's)
  DOCKER_CONFIG  directory of the config.json that `docker login` writes (default: ~/.docker). The directory is
                 mounted read-only at /docker-config, so a later login is seen
  GO_IMAGE       image to build with where there is no Go (default: golang:1.26)

Ports, networks and further mounts of an earlier container are not kept.
TEXT
}

name=watchtower
image=watchtower:local
uninstall=
dry=
marker=com.centurylinklabs.watchtower
# How long a new container must run without a restart: a setting it refuses ends it within the first.
settle=5

die() {
	printf 'install.sh: %s\n' "$*" >&2
	exit 1
}

say() { printf '%s\n' "$*"; }

# run executes a command that changes something; with --dry-run it prints it in a form a shell can read.
exec 3>&1
run() {
	if [ -z "$dry" ]; then
		"$@"
		return
	fi
	line=
	for word in "$@"; do
		case $word in
		'' | *[!A-Za-z0-9_./:=,@%+-]*) word="'$(printf %s "$word" | sed "s/'/'\\\\''/g")'" ;;
		esac
		line="$line${line:+ }$word"
	done
	printf '%s\n' "$line" >&3
}

# field prints what a Go template makes of a container, and fails without a word when there is none.
field() { docker container inspect --format "$2" "$1" 2>/dev/null; }

exists() { field "$1" '{{.Id}}' >/dev/null; }

# ours fails the script when a name is taken by a container that is no watchtower.
ours() {
	[ "$(field "$1" "{{index .Config.Labels \"$marker\"}}")" = true ] ||
		die "the container $1 is no watchtower: remove it or choose another name with --name"
}

image_id() { docker image inspect --format '{{.Id}}' "$1" 2>/dev/null || true; }

# restore makes the previous container the installation again.
restore() {
	if exists "$name"; then
		ours "$name"
		run docker rm -f "$name" >/dev/null
	fi
	run docker rename "$name-install-previous" "$name"
}

# recover repairs what a run that was cut short has left.
recover() {
	if exists "$name-install-previous"; then
		ours "$name-install-previous"
		say "an earlier run was cut short: putting its previous container back"
		restore
		run docker start "$name" >/dev/null
	fi
	if exists "$name-install-next"; then
		ours "$name-install-next"
		run docker rm -f "$name-install-next" >/dev/null
	fi
}

prerequisites() {
	command -v docker >/dev/null 2>&1 ||
		die "docker is missing: install it first, see https://docs.docker.com/engine/install/"
	if ! engine=$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}' 2>&1); then
		die "the Docker engine does not answer: $(printf '%s\n' "$engine" | sed '/^$/d' | tail -n 1)"
	fi
}

remove() {
	if exists "$name"; then
		ours "$name"
		image=$(field "$name" '{{.Config.Image}}')
		# Stopped first, and not by force: a swap in hand is finished or undone.
		run docker stop "$name" >/dev/null
		run docker rm "$name" >/dev/null
		say "removed the container $name"
	fi
	if [ -n "$(image_id "$image")" ]; then
		if run docker image rm "$image" >/dev/null; then
			say "removed the image $image"
		else
			say "the image $image stays: something else uses it"
		fi
	fi
}

# build makes the image: with the Go at hand if go.mod accepts it, else with the Dockerfile's builder.
build() {
	if command -v go >/dev/null 2>&1 && GOTOOLCHAIN=local go -C "$here" list -m >/dev/null 2>&1; then
		dir=${TMPDIR:-/tmp}/watchtower-install
		[ "$dry" ] || dir=$(mktemp -d) tmp=$dir
		os=${engine%/*} arch=${engine#*/} arm=
		# The oldest ARM with a floating point unit: it runs on all that came later.
		[ "$arch" != arm ] || arm=6
		run env CGO_ENABLED=0 GOTOOLCHAIN=local GOOS="$os" GOARCH="$arch" GOARM="$arm" \
			go -C "$here" build -buildvcs=false -trimpath -ldflags='-s -w' -o "$dir/watchtower" ./cmd/watchtower
		run tar -C "$dir" -cf "$dir/image.tar" watchtower
		run docker import --platform "$engine" --change 'ENTRYPOINT ["/watchtower"]' --change "LABEL $marker=true" \
			--change "$(grep '^HEALTHCHECK ' "$here/Dockerfile")" --change "$(grep '^EXPOSE ' "$here/Dockerfile")" \
			--change 'LABEL org.opencontainers.image.title=watchtower' "$dir/image.tar" "$image" >/dev/null
		return
	fi
	go_image=${GO_IMAGE:-golang:1.26}
	if [ -z "$(image_id "$go_image")" ] && ! reason=$(run docker pull "$go_image" 2>&1 >&3); then
		die "no Go that go.mod accepts, and no builder image (install Go or set GO_IMAGE): $reason"
	fi
	set --
	for variable in GOPROXY HTTP_PROXY HTTPS_PROXY NO_PROXY; do
		if printenv "$variable" >/dev/null; then set -- "$@" --build-arg "$variable"; fi
	done
	run docker build --build-arg GO_IMAGE="$go_image" "$@" -t "$image" "$here"
}

is_setting() {
	case $1 in
	WATCHTOWER_*[!A-Za-z0-9_]*) return 1 ;;
	WATCHTOWER_?* | REPO_USER | REPO_PASS | REPO_HOST | DOCKER_AUTH_CONFIG | DOCKER_API_VERSION | TZ) ;;
	HTTP_PROXY | HTTPS_PROXY | NO_PROXY | http_proxy | https_proxy | no_proxy) ;;
	*) return 1 ;;
	esac
}

# keep takes NAME=VALUE of the previous container into the environment, unless the caller has given the name.
keep() {
	# shellcheck disable=SC2163 # what is exported is the assignment in the argument
	if is_setting "${1%%=*}" && ! printenv "${1%%=*}" >/dev/null; then export "$1"; fi
}

# quoted is a template for the string at hand as one word of shell, line feeds included.
quoted="'{{join (split . \"'\") \"'\\\\''\"}}'"

# stays_up is the proof that the new container is good; one that was asked for a single pass may also have ended well.
stays_up() {
	i=0
	while [ "$i" -lt "$settle" ]; do
		sleep 1
		case $(field "$name" '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}') in
		'running 0 0') ;;
		'exited 0 0')
			[ "$restart" = no ]
			return
			;;
		*) return 1 ;;
		esac
		i=$((i + 1))
	done
}

# What undo needs to know: whether there is something to undo, the image the name stood for, how the old container was.
exchanging=
old_tag=
was_running=
created=
tmp=

# undo runs however the script ends, and takes an unfinished exchange back.
undo() {
	status=$?
	trap - EXIT
	[ -z "$tmp" ] || rm -rf "$tmp"
	[ "$exchanging" ] || exit "$status"
	set +e
	# By its ID: it may have either name.
	[ -z "$created" ] || docker rm -f "$created" >/dev/null
	if exists "$name-install-previous"; then
		restore
		say "the previous container is back" >&2
	fi
	[ "$was_running" != true ] || docker start "$name" >/dev/null
	new_tag=$(image_id "$image")
	if [ -n "$new_tag" ] && [ "$new_tag" != "$old_tag" ]; then
		[ -z "$old_tag" ] || docker tag "$old_tag" "$image"
		docker image rm "$new_tag" >/dev/null
	fi
	exit "$status"
}

# exchange puts a container of the new image in the place of the old one, if there is one. "$@" are watchtower's arguments.
exchange() {
	set -- "$image" "$@"
	# shellcheck disable=SC2013 # names of variables, one word each
	for variable in $(awk 'BEGIN { for (name in ENVIRON) print name }' | sort); do
		# The name alone: docker takes the value from the environment, and no command line ever shows it.
		if is_setting "$variable"; then set -- -e "$variable" "$@"; fi
	done
	set -- -e "DOCKER_HOST=$inner_host" -e DOCKER_CONFIG=/docker-config -v "$config:/docker-config:ro" "$@"
	[ -z "$socket" ] || set -- -v "$socket:/var/run/docker.sock" "$@"
	[ -z "$certs" ] || set -- -e DOCKER_TLS_VERIFY -e DOCKER_CERT_PATH=/docker-certs -v "$certs:/docker-certs:ro" "$@"
	[ -z "$network" ] || set -- --network "$network" "$@"
	# Not to be watched itself: no registry has what is built here. Time to stop: what a swap in hand may take to end.
	set -- --name "$name-install-next" --restart "$restart" --stop-timeout 120 --read-only \
		--label "$marker.enable=false" "$@"
	created=$(run docker create "$@")
	if exists "$name"; then
		run docker stop "$name" >/dev/null
		run docker rename "$name" "$name-install-previous"
	fi
	run docker rename "$name-install-next" "$name"
	run docker start "$name" >/dev/null
}

# follow_engine finds out how the container reaches the engine that the docker command uses.
follow_engine() {
	host=${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}')}
	inner_host=$host socket='' certs='' network=''
	case $host in
	unix://*)
		inner_host=unix:///var/run/docker.sock
		socket=${host#unix://}
		# Its engine is in a virtual machine, where the socket is at the usual place.
		if [ "$(docker info --format '{{.OperatingSystem}}')" = 'Docker Desktop' ]; then socket=/var/run/docker.sock; fi
		;;
	tcp://127.* | tcp://localhost:* | tcp://\[::1\]:*) network=host ;;
	tcp://*) ;;
	*) die "a container cannot reach the engine at $host: set DOCKER_HOST to a unix:// or tcp:// address" ;;
	esac
	if [ -z "$socket" ] && [ -n "${DOCKER_TLS_VERIFY:-}" ]; then certs=${DOCKER_CERT_PATH:-$config}; fi
}

install() {
	here=$(cd "$(dirname "$0")" && pwd)
	if ! grep -qs '^module .*/watchtower$' "$here/go.mod" || ! [ -d "$here/cmd/watchtower" ]; then
		die "$here is no checkout of watchtower: run the install.sh of a complete one"
	fi
	config=${DOCKER_CONFIG:-$HOME/.docker}
	# Made with the mode docker gives it: the engine would make a missing one world-readable.
	[ -d "$config" ] || run mkdir -p -m 700 "$config"
	if [ -d "$config" ]; then config=$(cd "$config" && pwd); fi
	if [ -L "$config/config.json" ]; then
		say "install.sh: $config/config.json is a symbolic link, which leads nowhere in the container:" \
			"set DOCKER_CONFIG to the directory of the file itself" >&2
	fi
	follow_engine
	recover

	old_image=''
	if exists "$name"; then
		ours "$name"
		old_image=$(field "$name" '{{.Image}}')
		was_running=$(field "$name" '{{.State.Running}}')
		eval "$(field "$name" "{{range .Config.Env}}keep $quoted{{println}}{{end}}")"
		if [ -z "$arguments" ]; then
			eval "set -- $(field "$name" "{{range .Config.Cmd}}$quoted {{end}}")"
		fi
	fi
	restart=unless-stopped
	case ${WATCHTOWER_RUN_ONCE:-} in 1 | t | T | true | TRUE | True) restart=no ;; esac

	old_tag=$(image_id "$image")
	[ "$dry" ] || exchanging=yes
	build
	exchange "$@"
	if [ -z "$dry" ] && ! stays_up; then
		docker logs --tail 20 "$name" >&2
		die "the new container did not stay up: its last lines are above"
	fi
	exchanging=

	if [ -n "$old_image" ]; then
		run docker rm "$name-install-previous" >/dev/null
		if [ "$(docker image inspect --format '{{len .RepoTags}}' "$old_image")" = 0 ]; then
			run docker image rm "$old_image" >/dev/null || true
		fi
	fi
	[ "$dry" ] || say "watchtower is installed and runs as the container $name: docker logs -f $name"
}

arguments=
while [ $# -gt 0 ]; do
	case $1 in
	--name | --image)
		[ $# -ge 2 ] || die "$1 needs a value"
		if [ "$1" = --name ]; then name=$2; else image=$2; fi
		shift
		;;
	--uninstall) uninstall=yes ;;
	--dry-run) dry=yes ;;
	--help | -h)
		usage
		exit
		;;
	--)
		arguments=given
		shift
		break
		;;
	*) die "unknown option $1: see --help" ;;
	esac
	shift
done

trap undo EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
prerequisites
if [ "$uninstall" ]; then
	recover
	remove
else
	install "$@"
fi
