#!/bin/bash
# What the public API has become since a release: usage: scripts/apidiff.sh [COMMIT], the last tag v… by default.
#
# A change that could break a build of somebody's fails, unless CHANGELOG.md tells of it under "### Breaking" in its first section.
set -euo pipefail

if ! top=$(git rev-parse --show-toplevel); then
	echo "this is no git checkout: there is no history to compare the API with"
	exit 0
fi
cd "$top"
APIDIFF="golang.org/x/exp/cmd/apidiff@v0.0.0-20261113113407-e3970619a1a4"

base=${1:-$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)}
if [ -z "$base" ]; then
	echo "there is no release yet, and so no promise to break; to see what changed since a commit: scripts/apidiff.sh COMMIT"
	exit 0
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
