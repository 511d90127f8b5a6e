#!/bin/bash
# What the public API has become since a release: usage: scripts/apidiff.sh [COMMIT], the last tag v… by default.
#
# A change that could break a build of somebody's fails, unless CHANGELOG.md tells of it under "### Breaking" in its first section.
# A clone may lack tags, or the history that leads to them. So it is said which release is taken, and it fails where CHANGELOG.md
# tells of one that has no tag here, but for one that is about to be tagged: nothing stands above it.
set -euo pipefail

# It may belong to somebody else, as in a container: who runs a script of it trusts it.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
if ! top=$(LC_ALL=C git rev-parse --show-toplevel 2>&1); then
	if [[ $top != *"not a git repository"* ]]; then
		echo "$top" >&2
		exit 1
	fi
	echo "this is no git checkout: there is no history to compare the API with"
	exit 0
fi
cd "$top"
APIDIFF="golang.org/x/exp/cmd/apidiff@v0.0.0-20261113113407-e3970619a1a4"

if [ $# -gt 0 ]; then
	base=$1
else
	told=$(awk '
		/^## / && match($0, /[0-9]+\.[0-9]+\.[0-9]+[^] ]*/) && (later || n++) {print "v" substr($0, RSTART, RLENGTH); exit}
		/^## /{inside = 1; next}
		inside && NF {later = 1}
	' CHANGELOG.md)
	if [ -n "$told" ] && ! git rev-parse --quiet --verify "refs/tags/$told" >/dev/null; then
		echo "CHANGELOG.md tells of a release whose tag is not here: git fetch origin tag $told; or say what to compare with: scripts/apidiff.sh COMMIT" >&2
		exit 1
	fi
	highest=$(git -c versionsort.suffix=- tag --list 'v[0-9]*' --sort=-version:refname | sed -n 1p)
	if [ -z "$highest" ]; then
		echo "there is no release yet, and so no promise to break; to see what changed since a commit: scripts/apidiff.sh COMMIT"
		exit 0
	fi
	if ! base=$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null); then
		base=$highest
		echo "no release is in this commit's history, as far as that is here: $base is the highest there is"
	elif [ "$base" != "$highest" ]; then
		echo "$base is the last release in this commit's history, $highest is not in it"
	fi
fi

module=$(go list -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Of each package that is internal it says that it is left out.
apidiff() { go run "$APIDIFF" -m "$@" 2> >(grep -v '^Ignoring internal package' >&2); }
git archive --prefix=base/ "$base" | tar -x -C "$work"
(cd "$work/base" && apidiff -w "$work/base.api" "$module")
apidiff -w "$work/now.api" "$module"
apidiff "$work/base.api" "$work/now.api" | tee "$work/changes"
breaking=$(apidiff -incompatible "$work/base.api" "$work/now.api")

if [ -z "$breaking" ]; then
	echo "the API is compatible with $base"
elif awk '/^## /{n++} n==1 && /^### Breaking/{found=1} END{exit !found}' CHANGELOG.md; then
	echo "the API is not compatible with $base; CHANGELOG.md tells of it"
else
	echo "the API is not compatible with $base, and the first section of CHANGELOG.md has no \"### Breaking\"" >&2
	exit 1
fi
