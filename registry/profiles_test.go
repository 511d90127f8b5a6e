package registry_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// situation is who asks a registry for what.
type situation struct {
	name     string
	private  bool
	password string // "right" or "wrong"; empty for none
	identity bool   // the password is an identity token
}

// at brings a registry of that profile into the situation, with n repositories.
func (s situation) at(t testing.TB, p registrytest.Profile, n int) (*registrytest.Registry, []registry.Query, registry.Option) {
	t.Helper()
	r := simulate(t, p)
	user := "robot"
	if len(p.Usernames) > 0 {
		user = p.Usernames[0]
	}
	r.SetLogin(user, "right")
	r.SetIdentityToken("right")
	access, c := registrytest.Public, credentials.Credential{Source: "test"}
	if s.private {
		access = registrytest.Private
	}
	qs := pushed(r, n)
	for i := range n {
		r.SetAccess(fmt.Sprintf("team/app%d", i), access)
	}
	switch {
	case s.identity:
		c.IdentityToken = credentials.NewSecret(s.password)
	case s.password != "":
		c.Username, c.Password = user, credentials.NewSecret(s.password)
	}
	return r, qs, storeOf(c, nil)
}

// What 5 repositories cost at each registry, at the first check and at the second.
func TestProfiles(t *testing.T) {
	t.Parallel()
	situations := []situation{
		{name: "public"},
		{name: "login", private: true, password: "right"},
		{name: "identity token", private: true, password: "right", identity: true},
		{name: "stale login", password: "wrong"},
		{name: "wrong login", private: true, password: "wrong"},
	}
	profiles := append(registrytest.Vendors(), registrytest.Quirks()...)
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(cells ...any) { _, _ = fmt.Fprintf(table, strings.Repeat("%v\t", len(cells))+"\n", cells...) }
	row("profile", "situation", "first check", "result", "second check", "result", "bad logins")
	for _, p := range profiles {
		for _, s := range situations {
			if skipped(p, s) {
				continue
			}
			t.Run(p.Name+"/"+s.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { row(askTwice(t, p, s)...) })
			})
		}
	}
	assert.NoError(t, table.Flush())
	t.Log("\n" + b.String())
}

// askTwice is a row of the table.
func askTwice(t *testing.T, p registrytest.Profile, s situation) []any {
	t.Helper()
	r, qs, login := s.at(t, p, 5)
	c, want := client(t, reach(r), login), wanted(p, s)
	cells, bad := []any{p.Name, s.name}, 0
	for _, most := range []registrytest.Counts{want.first, want.second} {
		verdicts := c.Check(t.Context(), qs)
		requests := r.Requests()
		counts := requests.Counts()
		bad += requests.BadLogins()
		cells = append(cells, counts, results(verdicts))
		assert.Equal(t, want.result, results(verdicts), "%s", requests)
		for i, v := range verdicts {
			assert.True(t, v.Err != nil || v.Digest == qs[i].Known[0])
		}
		if want.varies {
			assert.LessOrEqual(t, counts.Token, most.Token, "%s", requests)
			assert.LessOrEqual(t, counts.Head, most.Head, "%s", requests)
		} else {
			assert.Equal(t, most, counts, "%s", requests)
		}
	}
	assert.LessOrEqual(t, bad, want.bad)
	return append(cells, bad)
}

// skipped: where nothing is asked for there are no logins, where nothing is public
// nothing is, and what takes the login itself takes no identity token.
func skipped(p registrytest.Profile, s situation) bool {
	switch p.Auth {
	case registrytest.None:
		return s.name != "public"
	case registrytest.Basic:
		return s.identity || p.Private && !s.private
	default:
		return p.Private && !s.private
	}
}

// outcome is what a profile is wanted to cost, and to answer.
type outcome struct {
	first, second registrytest.Counts
	varies        bool // with the order in which answers come: these are the most
	result        string
	bad           int // logins, at most
}

// wanted is what 5 repositories cost where nothing is odd, and what of that is
// otherwise.
func wanted(p registrytest.Profile, s situation) outcome {
	out := outcome{second: registrytest.Counts{Head: 5}, result: "5 answered"}
	switch p.Auth {
	case registrytest.None:
		out.first = registrytest.Counts{Head: 5}
	case registrytest.Basic:
		out.first = registrytest.Counts{Head: 6}
	default:
		out.first = registrytest.Counts{Token: 1, Head: 6}
	}
	if s.password == "wrong" {
		out.bad = 1
		out.first.Token++
	}
	if s.password == "wrong" && s.private {
		// Each has a token of its own tried, and all are asked again at the next check.
		out.result, out.varies = "5 unauthorized", true
		out.first, out.second = registrytest.Counts{Token: 7, Head: 11}, registrytest.Counts{Token: 5, Head: 5}
		if p.Auth == registrytest.Basic {
			out.first, out.second = registrytest.Counts{Head: 7}, registrytest.Counts{Head: 5}
		}
	}
	for _, o := range oddities() {
		if o.profile == p.Name && (o.situation == s.name || o.situation == "") {
			out.first, out.second = cmp.Or(o.first, out.first), cmp.Or(o.second, out.second)
			out.varies, out.bad, out.result = out.varies || o.varies, cmp.Or(o.bad, out.bad), cmp.Or(o.result, out.result)
		}
	}
	return out
}

func results(verdicts []registry.Verdict) string {
	answered, unauthorized, other := 0, 0, ""
	for _, v := range verdicts {
		switch {
		case v.Err == nil:
			answered++
		case errdefs.IsUnauthorized(v.Err), errdefs.IsPermissionDenied(v.Err):
			unauthorized++
		default:
			other += " " + v.Err.Error()
		}
	}
	if unauthorized > 0 {
		other += fmt.Sprintf(" %d unauthorized", unauthorized)
	}
	if answered > 0 {
		other += fmt.Sprintf(" %d answered", answered)
	}
	return strings.TrimSpace(other)
}
