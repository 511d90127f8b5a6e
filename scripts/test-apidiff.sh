#!/bin/bash
# What scripts/apidiff.sh says of a change since a release, shown on modules made for it: usage: scripts/test-apidiff.sh
set -euo pipefail

script=$(cd "$(dirname "$0")" && pwd)/apidiff.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GOWORK=off
unset CDPATH GIT_DIR

before=$'// Package a is one.\npackage a\n\n// F is public.\nfunc F(int) {}\n'
added=$before$'\n// G is public, too.\nfunc G() {}\n'
changed=${before/int/string}
failed=0

commit() { git -c user.name=test -c user.email=test@example.com commit -q --allow-empty -m "$@"; }

# shows NAME, RELEASED, SOURCE, CHANGELOG, OUTCOME, WORDS: from the source before to SOURCE, the script ends with OUTCOME and says WORDS.
# RELEASED is a command that makes tags and the like of a repository with one commit.
shows() {
	local dir="$work/$1" outcome=0 out
	mkdir -p "$dir/a"
	cd "$dir"
	printf 'module example.com/outside\n\ngo 1.26.0\n' >go.mod
	printf '%s' "$before" >a/a.go
	git init -q
	git add .
	commit begin
	$2
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

unreleased() { :; }
released() { git tag v0.1.0; }
# A release was made beside this commit, after one that is in its history.
beside() {
	released
	git checkout -qb side
	commit fix
	git tag v0.10.0
	git checkout -q -
}
# Of the history that leads to the release nothing is here, as in a shallow clone; and a candidate of it is no higher.
shallow() {
	git tag v0.1.0-rc.1
	released
	git checkout -q --orphan cut
	commit later
}
# It belongs to somebody git would not trust.
elsewhose() { released; export GIT_TEST_ASSUME_DIFFERENT_OWNER=1; }
# It is a tree of files, and no repository.
unpacked() { rm -rf .git; }

none='## [Unreleased]\n'
told='## [Unreleased]\n\n### Fixed\n\n- F.\n\n## [0.1.0] - 2026-01-02\n'
shows "no release" unreleased "$changed" "$none" 0 'there is no release yet'
shows "the first release is prepared" unreleased "$changed" '## [0.1.0] - 2026-01-02\n' 0 'there is no release yet'
shows "and nothing comes after it" unreleased "$changed" '## [Unreleased]\n\n## [0.1.0] - 2026-01-02\n\n- F.\n' 0 'there is no release yet'
shows "a release whose tag is not here" unreleased "$changed" "$told" 1 'tells of a release whose tag is not here: git fetch origin tag v0.1.0'
shows "another's tag is" released "$changed" '## [Unreleased]\n\n- F.\n\n## 0.2.0\n\n## 0.1.0\n' 1 'git fetch origin tag v0.2.0'
shows "a release beside this commit" beside "$changed" "$none" 1 "v0.1.0 is the last release in this commit's history, v0.10.0 is not in it"
shows "history that is not here" shallow "$changed" "$told" 1 $'v0.1.0 is the highest there is\n'
shows "no git checkout" unpacked "$changed" "$told" 0 'no git checkout'
shows "somebody else's checkout" elsewhose "$added" "$none" 0 'the API is compatible with v0.1.0'
unset GIT_TEST_ASSUME_DIFFERENT_OWNER
shows "something was added" released "$added" "$none" 0 $'./a.G: added\nthe API is compatible with v0.1.0'
shows "something was changed" released "$changed" "$none" 1 'no "### Breaking"'
shows "something was changed and is told of" released "$changed" '## [Unreleased]\n\n### Breaking\n\n- F takes text.\n' 0 'CHANGELOG.md tells of it'
shows "told of an earlier one" released "$changed" '## [Unreleased]\n\n## [0.1.0]\n\n### Breaking\n\n- E is gone.\n' 1 'no "### Breaking"'
exit $failed
