#!/bin/bash
# What scripts/apidiff.sh says of a change since a release, shown on modules made for it: usage: scripts/test-apidiff.sh
set -euo pipefail

script=$(cd "$(dirname "$0")" && pwd)/apidiff.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GIT_CONFIG_GLOBAL=/dev/null GOWORK=off
unset CDPATH GIT_DIR

before=$'// Package a is one.\npackage a\n\n// F is public.\nfunc F(int) {}\n'
added=$before$'\n// G is public, too.\nfunc G() {}\n'
changed=${before/int/string}
failed=0

# shows NAME, RELEASED, SOURCE, CHANGELOG, OUTCOME, WORDS: from the source before to SOURCE, the script ends with OUTCOME and says WORDS.
shows() {
	local dir="$work/$1" outcome=0 out
	mkdir -p "$dir/a"
	cd "$dir"
	printf 'module example.com/outside\n\ngo 1.26.0\n' >go.mod
	printf '%s' "$before" >a/a.go
	git init -q
	git add .
	git -c user.name=test -c user.email=test@example.com commit -qm begin
	if [ "$2" = released ]; then git tag v0.1.0; fi
	printf '%s' "$3" >a/a.go
	printf '# Changelog\n\n%b' "$4" >CHANGELOG.md
	out=$("$script" 2>&1) || outcome=$?
	if [ "$outcome" = "$5" ] && [[ $out == *"$6"* ]]; then
		echo "ok      $1"
	else
		printf 'FAILED  %s: outcome %s, wanted %s and the words "%s":\n%s\n' "$1" "$outcome" "$5" "$6" "$out" >&2
		failed=1
	fi
}

shows "no release" unreleased "$changed" '## [Unreleased]\n' 0 'there is no release yet'
shows "something was added" released "$added" '## [Unreleased]\n' 0 $'./a.G: added\nthe API is compatible with v0.1.0'
shows "something was changed" released "$changed" '## [Unreleased]\n' 1 'no "### Breaking"'
shows "something was changed and is told of" released "$changed" '## [Unreleased]\n\n### Breaking\n\n- F takes text.\n' 0 'CHANGELOG.md tells of it'
shows "told of an earlier one" released "$changed" '## [Unreleased]\n\n## [0.1.0]\n\n### Breaking\n\n- E is gone.\n' 1 'no "### Breaking"'
exit $failed
