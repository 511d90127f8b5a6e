#!/bin/bash
# Tests install.sh on a real engine of its own, with the real binary. Every line says what it proves; the first proof
# that fails ends the run.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)

if [ "${1:-}" != --inside ]; then
	if ! command -v dockerd >/dev/null || [ "$(id -u)" != 0 ]; then
		echo "test-install.sh: NOT TESTED: install.sh needs root and dockerd for an engine of its own" >&2
		[ "${CI:-}" != true ]
		exit
	fi
	# Out here the modules can still be downloaded.
	go build -C "$root" -o /dev/null ./cmd/watchtower
	ENGINE_FLAGS='-H tcp://127.0.0.1:2375' exec "$root/scripts/private-engine.sh" "$0" --inside
fi

checkout=$SCRATCH/checkout
output=$SCRATCH/output
errors=$SCRATCH/errors
# Go's caches stay where they are when HOME moves.
GOCACHE=$(go env GOCACHE) GOMODCACHE=$(go env GOMODCACHE)
export GOCACHE GOMODCACHE HOME=$SCRATCH/home TMPDIR=$SCRATCH/tmp
export DOCKER_CONFIG=$HOME/.docker
mkdir "$HOME" "$TMPDIR"

# A copy, to be broken and mended.
mkdir "$checkout"
tar -C "$root" --exclude=./.git --exclude=./bin --exclude=./dist -c . | tar -C "$checkout" -x

# proof DESCRIPTION COMMAND...: the command must succeed.
proof() {
	local what=$1
	shift
	if ! "$@"; then
		printf 'FAIL  %s\n      %s\n' "$what" "$*"
		tail -n 40 "$output" "$errors"
		docker ps -a
		exit 1
	fi
	printf 'ok    %s\n' "$what"
}

equal() {
	[ "$1" = "$2" ] || {
		printf '      got:  %s\n      want: %s\n' "$1" "$2"
		return 1
	}
}

not() { ! "$@"; }
with() { env "$@" >"$output" 2>"$errors"; }
install() { with "$checkout/install.sh" "$@"; }
gone() { ! docker image inspect "$1" >/dev/null 2>&1; }
of() { docker inspect --format "$2" "$1"; }
id() { of watchtower '{{.Id}}'; }
setting() { of watchtower '{{json .Config.Env}}' | grep -qF "$1"; }
works() { with docker exec watchtower /watchtower check; }

# refused LINE COMMAND...: the command ends with 1 and says one line, which holds LINE.
refused() {
	local line=$1 status=0
	shift
	"$@" >"$output" 2>"$errors" || status=$?
	equal "$status" 1 && equal "$(wc -l <"$errors")" 1 && grep -qF -- "$line" "$errors"
}

# The tools install.sh asks for, and no others.
tools=$SCRATCH/tools
mkdir "$tools"
for tool in sh awk cat dirname docker env grep mkdir mktemp printenv rm sed sleep sort tail tar; do
	ln -s "$(command -v "$tool")" "$tools/$tool"
done

echo "== What is missing is said in one line"
mkdir "$SCRATCH/alone" "$SCRATCH/dockerless"
cp "$checkout/install.sh" "$SCRATCH/alone"
cp -P "$tools"/* "$SCRATCH/dockerless"
rm "$SCRATCH/dockerless/docker"
proof "no docker" refused "docker is missing" env PATH="$SCRATCH/dockerless" "$checkout/install.sh"
proof "no engine" refused "does not answer" env DOCKER_HOST=unix:///nowhere.sock "$checkout/install.sh"
proof "no checkout" refused "no checkout" "$SCRATCH/alone/install.sh"
proof "no Go, no builder image" refused "no builder image" \
	env PATH="$tools" GO_IMAGE=127.0.0.1:9/none "$checkout/install.sh"
proof "an unknown option" refused "unknown option --frobnicate" "$checkout/install.sh" --frobnicate
proof "an option without its value" refused "--name needs a value" "$checkout/install.sh" --name
proof "nothing was made" equal "$(docker ps -aq; docker images -aq)" ""

echo "== A dry run changes nothing"
rm -rf "$DOCKER_CONFIG"
export REPO_PASS=hunter2
proof "it ends well" install --dry-run
proof "it shows the commands" grep -q '^docker create .*--name watchtower' "$output"
proof "it shows no value" not grep -rq hunter2 "$output" "$errors"
proof "no container, no image" equal "$(docker ps -aq; docker images -aq)" ""
proof "no temporary file, no directory of logins" equal "$(ls -A "$TMPDIR")$(test ! -e "$DOCKER_CONFIG" || echo made)" ""

echo "== Installing"
template=$'line one\n\'two\' \\ "three"'
proof "it ends well" with WATCHTOWER_POLL_INTERVAL=3600 WATCHTOWER_NOTIFICATION_TEMPLATE="$template" REPO_USER=me TZ=UTC \
	"$checkout/install.sh" -- web 'd b'
first=$(id)
proof "the container runs" equal "$(of watchtower '{{.State.Status}}')" running
proof "it reaches the engine" works
proof "it restarts unless stopped" equal "$(of watchtower '{{.HostConfig.RestartPolicy.Name}}')" unless-stopped
proof "it has two minutes to stop" equal "$(of watchtower '{{.Config.StopTimeout}}')" 120
proof "it has the socket and the logins, read-only" equal "$(of watchtower '{{join .HostConfig.Binds "\n"}}' | sort -t: -k2)" \
	"$DOCKER_CONFIG:/docker-config:ro"$'\n'"$SCRATCH/docker.sock:/var/run/docker.sock" # the docker command puts them in any order
proof "the directory of the logins was made for its owner alone" equal "$(stat -c %a "$DOCKER_CONFIG")" 700
proof "it is marked as a watchtower" equal "$(of watchtower '{{index .Config.Labels "com.centurylinklabs.watchtower"}}')" true
proof "it is asked for its health" equal "$(of watchtower '{{json .Config.Healthcheck.Test}}')" '["CMD","/watchtower","--health-check"]'
proof "it names the port of its API" equal "$(of watchtower '{{json .Config.ExposedPorts}}')" '{"8080/tcp":{}}'
proof "it has the settings" setting '"WATCHTOWER_POLL_INTERVAL=3600"'
proof "a value of several lines arrives whole" equal \
	"$(docker inspect watchtower | grep -F WATCHTOWER_NOTIFICATION_TEMPLATE | sed 's/^ *//; s/,$//')" \
	'"WATCHTOWER_NOTIFICATION_TEMPLATE=line one\n'"'two'"' \\ \"three\""'
proof "it has the login" setting '"REPO_PASS=hunter2"'
proof "it has its arguments" equal "$(of watchtower '{{json .Config.Cmd}}')" '["web","d b"]'
proof "no value was shown" not grep -rqE 'hunter2|line one' "$output" "$errors"
proof "nothing is left in the temporary directory" equal "$(ls -A "$TMPDIR")" ""
echo '{"auths":{"registry.example":{}}}' >"$DOCKER_CONFIG/config.json.new"
mv "$DOCKER_CONFIG/config.json.new" "$DOCKER_CONFIG/config.json"
proof "a login made while it runs is seen in the container" \
	grep -q registry.example "/proc/$(of watchtower '{{.State.Pid}}')/root/docker-config/config.json"

echo "== Installing again"
unset REPO_PASS
first_image=$(of watchtower '{{.Image}}')
proof "it ends well" with WATCHTOWER_POLL_INTERVAL=7200 "$checkout/install.sh"
second=$(id)
proof "it is a new container" test "$second" != "$first"
proof "it runs" equal "$(of watchtower '{{.State.Status}}')" running
proof "the one before is gone" equal "$(docker ps -aq --no-trunc)" "$second"
proof "so is its image" gone "$first_image"
proof "what was given anew is in force" setting '"WATCHTOWER_POLL_INTERVAL=7200"'
proof "what was not is kept" setting '"REPO_PASS=hunter2"'
proof "several lines stay whole" setting "line one\\n'two' \\\\ \\\"three\\\""
proof "the arguments are kept" equal "$(of watchtower '{{json .Config.Cmd}}')" '["web","d b"]'

echo "== An upgrade that fails"
started=$(of watchtower '{{.State.StartedAt}}')
image=$(of watchtower:local '{{.Id}}')
images=$(docker images -aq --no-trunc)
mv "$checkout/cmd/watchtower" "$SCRATCH/good"
mkdir "$checkout/cmd/watchtower"
echo 'package main; func main() { broken }' >"$checkout/cmd/watchtower/main.go"
proof "a build that fails is an error" not install
proof "the container was not touched" equal "$(id) $(of watchtower '{{.State.StartedAt}}')" "$second $started"
echo 'package main; func main() { panic("out of order") }' >"$checkout/cmd/watchtower/main.go"
proof "a binary that does not run is an error" not install
proof "its last words are shown" grep -q "out of order" "$errors"
proof "the container before it is back" equal "$(docker ps -q --no-trunc)" "$second"
proof "under its name, alone" equal "$(docker ps -a --format '{{.Names}}')" watchtower
proof "so is its image, alone" equal "$(of watchtower:local '{{.Id}}') $(docker images -aq --no-trunc)" "$image $images"
rm -r "$checkout/cmd/watchtower"
mv "$SCRATCH/good" "$checkout/cmd/watchtower"

echo "== A run that was cut short"
docker stop watchtower >/dev/null
docker rename watchtower watchtower-install-previous
docker create --name watchtower watchtower:local >/dev/null
docker create --name watchtower-install-next watchtower:local >/dev/null
proof "the next one ends well" install
proof "one container is left, and runs" equal "$(docker ps -a --format '{{.Names}} {{.State}}')" "watchtower running"
proof "with the settings" setting '"REPO_PASS=hunter2"'

echo "== Uninstalling"
docker tag watchtower:local other
docker create --name other other >/dev/null
docker volume create other >/dev/null
proof "it ends well" install --uninstall
proof "the container is gone, others stay" equal "$(docker ps -a --format '{{.Names}}')" other
proof "the image is gone, others stay" equal "$(docker images --format '{{.Repository}}')" other
proof "volumes stay" equal "$(docker volume ls -q)" other
proof "so do the logins" test -f "$DOCKER_CONFIG/config.json"
proof "once more is no error" install --uninstall
docker rm other >/dev/null
docker image rm other >/dev/null

echo "== Names that are taken, other names, single passes, tcp"
tar -C "$SCRATCH" -c output | docker import - foreign >/dev/null
docker create --name watchtower foreign /nothing >/dev/null
proof "a container that is no watchtower is not replaced" refused "is no watchtower" "$checkout/install.sh"
proof "nor removed" refused "is no watchtower" "$checkout/install.sh" --uninstall
proof "beside it there is room" install --name tower --image tower:test
proof "it runs" equal "$(of tower '{{.State.Status}} {{.Config.Image}}')" "running tower:test"
proof "its image goes with it" install --uninstall --name tower
proof "nothing else" equal "$(docker images --format '{{.Repository}}')" foreign
docker rm watchtower >/dev/null
docker image rm foreign >/dev/null
proof "a single pass is made" with WATCHTOWER_RUN_ONCE=true "$checkout/install.sh"
docker wait watchtower >/dev/null
proof "and not repeated" equal \
	"$(of watchtower '{{.State.ExitCode}} {{.RestartCount}} {{.HostConfig.RestartPolicy.Name}}')" "0 0 no"
proof "its container is removed" install --uninstall
proof "an engine at a tcp address will do" with DOCKER_HOST=tcp://127.0.0.1:2375 "$checkout/install.sh"
proof "the container has no socket" equal "$(of watchtower '{{join .HostConfig.Binds " "}}')" "$DOCKER_CONFIG:/docker-config:ro"
proof "and reaches the engine" works
proof "it is removed" install --uninstall

echo "== Without Go"
# A builder image made of the Go that is here; modules come from its cache, through a proxy on the engine's bridge.
builder=$SCRATCH/builder goroot=$(go env GOROOT)
mkdir -p "$builder/bin" "$builder/tmp" "$builder/usr/local/go"
cp "$(command -v busybox)" "$builder/bin/sh"
cp -rL "$goroot"/{bin,src,pkg,go.env} "$builder/usr/local/go"
# A distribution's Go may need libraries.
{ ldd "$goroot"/bin/go "$goroot"/pkg/tool/*/* 2>/dev/null || true; } | sed -n 's/^[^:]*[ \t]\(\/[^ ]*\) (.*/\1/p' | sort -u |
	xargs -r cp -L --parents -t "$builder"
tar -C "$builder" -c . | docker import \
	-c 'ENV PATH=/usr/local/go/bin:/bin GOTOOLCHAIN=local GOFLAGS=-mod=mod GOCACHE=/tmp/cache' - builder >/dev/null
busybox httpd -p 172.17.0.1:8081 -h "$GOMODCACHE/cache/download"
proof "the builder image builds it" with PATH="$tools" GO_IMAGE=builder GOPROXY=http://172.17.0.1:8081 \
	"$checkout/install.sh"
proof "the container runs" equal "$(of watchtower '{{.State.Status}}')" running
proof "it reaches the engine" works
proof "its image is marked as a watchtower" \
	equal "$(of watchtower:local '{{index .Config.Labels "com.centurylinklabs.watchtower"}}')" true
proof "it is removed" install --uninstall
proof "with its image" gone watchtower:local
echo "install.sh: all proofs hold"
