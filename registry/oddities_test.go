package registry_test

import "github.com/watchtower-go/watchtower/registry/registrytest"

// oddity is what 5 repositories cost at a profile that differs, in one situation
// or, if that is empty, in all that there are for it. Later ones win.
type oddity struct {
	profile, situation string
	outcome
}

func oddities() []oddity {
	type counts = registrytest.Counts
	// Where HEAD is refused the first shows it. Each manifest is read.
	read := outcome{first: counts{Head: 1, Manifest: 5}, second: counts{Manifest: 5}}
	// Each has its own token, and each may have tried the shared one.
	own := outcome{first: counts{Token: 5, Head: 10}, varies: true}
	// One for all is refused first.
	refused := outcome{first: counts{Token: 6, Head: 6}}
	// The token service says of all, and then of each, that there is nothing for
	// anybody; and at the next check again.
	nothing := func(bad int) outcome {
		return outcome{first: counts{Token: 11, Head: 1}, second: counts{Token: 10}, bad: bad}
	}
	// Forbidden may be about the repository, so that the login is tried for all
	// together and then for one, for three repositories.
	forbidden := outcome{first: counts{Token: 9, Head: 6}, bad: 6}
	return []oddity{
		{"GHCR", "stale login", forbidden},
		{"GHCR", "wrong login", outcome{first: counts{Token: 15, Head: 1}, second: counts{Token: 10}, bad: 6}},
		{"lscr.io", "stale login", forbidden},
		{"lscr.io", "wrong login", outcome{first: counts{Token: 15, Head: 1}, second: counts{Token: 10}, bad: 6}},
		{"GitLab", "wrong login", nothing(1)},
		{"ACR", "wrong login", nothing(1)},
		// A wrong login gets a token as anybody does.
		{"Harbor", "stale login", outcome{first: counts{Token: 1, Head: 6}}},
		{"Harbor", "wrong login", outcome{first: counts{Token: 6, Head: 17}, second: counts{Token: 5, Head: 10}, bad: 2}},
		{"Harbor 1", "", own},
		{"Harbor 1", "stale login", outcome{first: counts{Token: 5, Head: 10}, varies: true, bad: 5}},
		{"Harbor 1", "wrong login", outcome{first: counts{Token: 11, Head: 16}, bad: 6}},
		{"Nexus", "public", read},
		{"Nexus", "login", outcome{first: counts{Head: 2, Manifest: 5}, second: counts{Manifest: 5}}},
		// A 404 may hide what a login would show.
		{"Nexus", "stale login", outcome{first: counts{Ping: 1, Head: 3, Manifest: 5}, second: counts{Manifest: 5}}},
		{"no digest header", "", read},
		{"manifests are elsewhere on the host", "", outcome{first: counts{Head: 5, Other: 5}, second: counts{Head: 5, Other: 5}}},
		{"scopes with a prefix", "", own},
		{"scopes with a prefix", "stale login", outcome{first: counts{Token: 6, Head: 10}, varies: true}},
		{"scopes with a prefix", "wrong login", outcome{first: counts{Token: 11, Head: 15}, second: counts{Token: 10, Head: 10}, varies: true}},
		{"a batch of scopes is refused", "", refused},
		{"a batch of scopes is refused", "stale login", outcome{first: counts{Token: 7, Head: 6}}},
		{"a batch of scopes is refused", "wrong login", outcome{first: counts{Token: 7, Head: 6}}},
		{"a batch of scopes breaks it", "", refused},
		{"a batch of scopes breaks it", "stale login", outcome{first: counts{Token: 7, Head: 6}}},
		{"a batch of scopes breaks it", "wrong login", outcome{first: counts{Token: 7, Head: 6}}},
		{"the first scope only", "", own},
		{"the first scope only", "stale login", outcome{first: counts{Token: 6, Head: 10}, varies: true}},
		{"the first scope only", "wrong login", outcome{first: counts{Token: 7, Head: 11}}},
		// One for all is too long to be sent, one for two is not.
		{"long tokens", "", outcome{first: counts{Token: 4, Head: 6}}},
		{"long tokens", "stale login", outcome{first: counts{Token: 5, Head: 6}}},
		{"long tokens", "wrong login", outcome{first: counts{Token: 7, Head: 11}}},
		{"a wrong login is forbidden", "stale login", forbidden},
		{"a wrong login is forbidden", "wrong login", outcome{first: counts{Token: 13, Head: 10}, second: counts{Token: 5, Head: 6}, bad: 6}},
		{"what is private is not there", "public", outcome{first: counts{Head: 5}}},
		{"what is private is not there", "login", outcome{first: counts{Ping: 1, Token: 1, Head: 6}}},
		{"what is private is not there", "identity token", outcome{first: counts{Ping: 1, Token: 1, Head: 6}}},
		{"what is private is not there", "stale login", outcome{first: counts{Head: 5}}},
		{"what is private is not there", "wrong login", outcome{first: counts{Ping: 1, Token: 7, Head: 11}}},
		{"HEAD is refused with 400", "", read},
		{"HEAD is refused with 404", "", read},
		{"HEAD is refused with 405", "", read},
		{"HEAD is refused with 501", "", read},
	}
}
