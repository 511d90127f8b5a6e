#!/bin/bash
# Shows the main job on a real engine with a real registry, step by step, and proves each step. Everything it makes is
# removed at the end, but for packages it had to install, which it names.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
steps=8

die() {
	printf 'demo.sh: %s\n' "$*" >&2
	exit 1
}

step=0
say() { printf '        %s\n' "$*"; }
step() {
	step=$((step + 1))
	printf '\n[%d/%d] %s\n' "$step" "$steps" "$1"
	shift
	local line
	for line in "$@"; do say "$line"; done
}

# show prints a command the way a user would type it, and runs it.
show() {
	printf '      $ %s\n' "$1"
	shift
	"$@" 2>&1 | sed 's/^/        /'
}

# proof DESCRIPTION GOT WANT
proof() {
	if [ "$2" != "$3" ]; then
		printf '  FAIL  %s\n        got:  %s\n        want: %s\n' "$1" "$2" "$3" >&2
		exit 1
	fi
	printf '  ok    %s: %s\n' "$1" "$2"
}

# On the machine itself: programs, the binary, and an engine.
if [ "${1:-}" != --inside ]; then
	installed=$("$root/scripts/deps.sh" demo)
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	step "Build watchtower" "One static binary, with the Go that is here."
	show "go build ./cmd/watchtower" env CGO_ENABLED=0 go build -C "$root" -trimpath -o "$work/watchtower" ./cmd/watchtower
	if docker version >/dev/null 2>&1; then
		host=${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}')}
		case $host in unix://*) ;; *) die "the engine at $host may not be on this machine: unset DOCKER_HOST" ;; esac
		DOCKER_HOST=$host SCRATCH=$work PREFIX=watchtower-demo- WATCHTOWER=$work/watchtower "$0" --inside shared
	else
		PREFIX='' WATCHTOWER=$work/watchtower "$root/scripts/private-engine.sh" "$0" --inside private
	fi
	printf '\nDone: every proof holds, nothing is left behind'
	if [ -n "$installed" ]; then printf ' but the packages that were missing: %s' "$installed"; fi
	printf '.\n'
	exit
fi

# Beside the engine.
kind=$2 step=1
web=${PREFIX}web front=${PREFIX}front back=${PREFIX}back
export DOCKER_CONFIG=$SCRATCH/docker-config
mkdir -p "$DOCKER_CONFIG"
registry_pid='' volume='' repository=''

cleanup() {
	if [ "$repository" ]; then
		docker rm -f -v "$web" || true
		docker network rm "$front" "$back" || true
		[ -z "$volume" ] || docker volume rm "$volume" || true
		docker images -q "$repository" | sort -u | xargs -r docker image rm -f || true
	fi >/dev/null 2>&1
	[ -z "$registry_pid" ] || kill "$registry_pid"
	registry_pid=
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# release VERSION: makes an image of the web server and pushes it, as a build elsewhere would: afterwards the engine
# has forgotten it, and its tag stands where it stood.
release() {
	local files=$SCRATCH/$1 before
	mkdir -p "$files/bin" "$files/www" "$files/tmp"
	cp "$(command -v busybox)" "$files/bin/busybox"
	ln -s busybox "$files/bin/sh"
	echo "$1" >"$files/www/version"
	# As the first process of its container the server would not hear the signal to stop.
	cat >"$files/start" <<-'START'
		#!/bin/sh
		trap 'exit 0' TERM
		[ ! -e /broken ] || { echo "this version cannot start" >&2; exit 1; }
		/bin/busybox sed "s/\$/ says $GREETING/" /www/version >/www/index.html
		/bin/busybox httpd -f -p 8080 -h /www &
		wait
	START
	chmod +x "$files/start"
	[ "$1" != v3 ] || touch "$files/broken"
	before=$(docker image inspect --format '{{.Id}}' "$reference" 2>/dev/null || true)
	tar -C "$files" -c . | docker import --change 'CMD ["/start"]' --change 'ENV GREETING=hello' \
		--change 'VOLUME /data' --change 'EXPOSE 8080' - "$reference" >/dev/null
	docker push "$reference" >/dev/null
	if [ -n "$before" ]; then
		local pushed
		pushed=$(docker image inspect --format '{{.Id}}' "$reference")
		docker tag "$before" "$reference"
		docker image rm "$pushed" >/dev/null 2>&1 || true
	fi
}

of() { docker inspect --format "$1" "$web"; }

# page is what the server says, once it is up.
page() {
	for ((i = 0; i < 50; i++)); do
		! busybox wget -q -O - "http://127.0.0.1:$port/" 2>/dev/null || return 0
		sleep 0.1
	done
}

note() { docker exec "$web" /bin/busybox cat /data/note; }
volume() { of '{{range .Mounts}}{{.Name}}{{end}}'; }
# shellcheck disable=SC2016 # the variables are the template's
networks() { of '{{range $name, $n := .NetworkSettings.Networks}}{{$name}} {{end}}'; }
free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

engine=$(docker version --format '{{.Server.Version}}')
if [ "$kind" = private ]; then
	step "Start a Docker engine" "None answered, so one runs for this demo in namespaces of its own: Docker $engine."
else
	step "Use the Docker engine that is here" "Docker $engine at $DOCKER_HOST. All names begin with $PREFIX; other containers are left alone."
fi

cat >"$SCRATCH/registry.yml" <<CONFIG
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: $SCRATCH/registry}}
http: {addr: "127.0.0.1:0"}
CONFIG
docker-registry serve "$SCRATCH/registry.yml" >"$SCRATCH/registry.log" 2>&1 &
registry_pid=$!
for ((i = 0; i < 100; i++)); do
	! grep -q 'listening on' "$SCRATCH/registry.log" || break
	sleep 0.1
done
address=$(grep -o 'listening on [0-9.:]*' "$SCRATCH/registry.log" | cut -d' ' -f3)
repository=$address/${PREFIX}web
reference=$repository:latest
step "Start a registry" "A throwaway one, at $address."

port=8080
while ! free "$port"; do port=$((port + 1)); done
step "Run version 1" "Its settings: an environment variable of the user, a published port, two networks," \
	"and a file in an anonymous volume."
release v1
docker network create "$front" >/dev/null
docker network create "$back" >/dev/null
show "docker run -d --name $web -e GREETING=bonjour -p $port:8080 --network $front $reference" \
	docker run -d --name "$web" -e GREETING=bonjour -p "127.0.0.1:$port:8080" --network "$front" "$reference"
show "docker network connect --alias www $back $web" docker network connect --alias www "$back" "$web"
docker exec "$web" /bin/sh -c 'echo precious >/data/note'
proof "the page" "$(page)" "v1 says bonjour"
volume=$(volume)
networks=$(networks)

step "Publish version 2" "Someone pushes it. The engine does not know yet; a check looks, and changes nothing."
release v2
old=$(of '{{.Id}}')
show "watchtower check $web" "$WATCHTOWER" check "$web"
proof "still the same container" "$(of '{{.Id}}')" "$old"

step "Update" "One pass: pull, create the successor, stop the old container, start the new one, see that it stays up."
show "watchtower --run-once $web" "$WATCHTOWER" --run-once "$web"
proof "the page" "$(page)" "v2 says bonjour"
proof "the file in the volume" "$(note)" precious
proof "the volume" "$(volume)" "$volume"
proof "the networks" "$(networks)" "$networks"
proof "the alias in $back" "$(of "{{json (index .NetworkSettings.Networks \"$back\").Aliases}}" | grep -o '"www"')" '"www"'
proof "the reference" "$(of '{{.Config.Image}}')" "$reference"
proof "a new container" "$([ "$(of '{{.Id}}')" = "$old" ] || echo yes)" yes

step "Publish a broken version 3" "It ends as soon as it starts. The update undoes itself, and says so with its exit status."
release v3
old=$(of '{{.Id}}')
status=0
show "watchtower --run-once $web" "$WATCHTOWER" --run-once "$web" || status=$?
proof "the exit status" "$status" 1
proof "the page" "$(page)" "v2 says bonjour"
proof "the container" "$(of '{{.Id}}')" "$old"
proof "the file in the volume" "$(note)" precious
proof "containers of that name" "$(docker ps -a --filter "name=$web" --format '{{.Names}}')" "$web"

step "Clean up"
cleanup
proof "containers, volumes, networks and images left" "$({
	docker ps -aq --filter "name=^$web"
	docker volume ls -q --filter "name=$volume"
	docker network ls -q --filter "name=^$front\$" --filter "name=^$back\$"
	docker images -q "$repository"
} | wc -l)" 0
