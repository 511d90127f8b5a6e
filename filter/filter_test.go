package filter_test

import (
	"regexp"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
)

func named(name string) lifecycle.Container { return lifecycle.Container{Name: name} }

func TestNames(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern  string
		yes, not []string
	}{
		{"app", []string{"app"}, []string{"app1", "apps", "my-app", "APP"}},
		{"/app", []string{"app"}, []string{"app1"}},
		{"my.app", []string{"my.app"}, []string{"my-app", "myXapp"}},
		{"app.*", []string{"app", "app-db", "apps"}, []string{"my-app"}},
		{"^app$", []string{"app"}, []string{"app1"}},
		{"^/app$", []string{"app"}, []string{"app1", "my-app"}},
		{"/app|/web", []string{"app", "web"}, []string{"app1", "myweb"}},
		{"^/(app|db-.*)", []string{"app", "db-1"}, []string{"app1", "my-app"}},
		{"[^a]app", []string{"xapp"}, []string{"app"}},
		{"app|web", []string{"app", "web"}, []string{"app1", "web2", "myweb"}},
		{"a|ab", []string{"a", "ab"}, []string{"abc", "b"}},
		{"a.*?", []string{"a", "abc"}, []string{"ba"}},
		{`\Qa.b`, []string{"a.b"}, []string{"axb", "a.bc"}},
		{"_", []string{"_"}, []string{"a"}},
		{"db-[0-9]+", []string{"db-1", "db-22"}, []string{"db-", "db-a"}},
	}
	for _, tt := range tests {
		f, err := filter.Names(tt.pattern)
		require.NoError(t, err)
		except, err := filter.ExceptNames(tt.pattern)
		require.NoError(t, err)
		for _, name := range tt.yes {
			assert.True(t, f.Match(named(name)), "%s meets %s", tt.pattern, name)
			assert.False(t, except.Match(named(name)), "%s excludes %s", tt.pattern, name)
		}
		for _, name := range tt.not {
			assert.False(t, f.Match(named(name)), "%s does not meet %s", tt.pattern, name)
			assert.True(t, except.Match(named(name)), "%s does not exclude %s", tt.pattern, name)
		}
	}
	none, err := filter.Names()
	require.NoError(t, err)
	assert.True(t, none.Match(named("anything")))
}

func TestBadPatternsAreAllNamed(t *testing.T) {
	t.Parallel()
	_, err := filter.Names("ok", "a(", "[", "", "a)(b")
	require.Error(t, err)
	assert.True(t, errdefs.IsInvalidArgument(err))
	assert.Contains(t, err.Error(), `"a("`)
	assert.Contains(t, err.Error(), `"["`)
	assert.Contains(t, err.Error(), `"a)(b"`)
	assert.Contains(t, err.Error(), "name: empty")
	assert.NotContains(t, err.Error(), "ok")
	_, err = filter.Images("x(", "")
	assert.True(t, errdefs.IsInvalidArgument(err))
	_, err = filter.ExceptNames("*")
	assert.True(t, errdefs.IsInvalidArgument(err))
}

func TestUnmatchedNamesAreTold(t *testing.T) {
	t.Parallel()
	f, err := filter.Names("web", "wbe", "db.*", "^/web$", "^/wbe$")
	require.NoError(t, err)
	assert.Equal(t, []string{"wbe", "^/wbe$"}, f.Unmatched([]lifecycle.Container{named("web"), named("db-1")}))
}

func TestEnableLabel(t *testing.T) {
	t.Parallel()
	for label, want := range map[string][2]bool{ // not required, required
		"true": {true, true}, "1": {true, true}, "false": {false, false}, "0": {false, false},
		"yes": {true, false}, "": {true, false}, "absent": {true, false},
	} {
		c := lifecycle.Container{Labels: map[string]string{filter.EnableLabel: label}}
		if label == "absent" {
			c.Labels = nil
		}
		assert.Equal(t, want[0], filter.Enabled(false).Match(c), label)
		assert.Equal(t, want[1], filter.Enabled(true).Match(c), label)
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		scope, label string
		want         bool
		reason       string
	}{
		{"", "", true, ""},
		{"", "a", true, ""},
		{"none", "", true, ""},
		{"none", "none", true, ""},
		{"none", "a", false, `its scope is "a", not "none"`},
		{"a", "a", true, ""},
		{"a", "b", false, `its scope is "b", not "a"`},
		{"a", "", false, `it is in no scope, not in "a"`},
	} {
		ok, reason := filter.Reason(filter.Scope(tt.scope), lifecycle.Container{Labels: map[string]string{filter.ScopeLabel: tt.label}})
		assert.Equal(t, tt.want, ok, "%+v", tt)
		assert.Equal(t, tt.reason, reason)
	}
}

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestImages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, image string
		want           bool
	}{
		{"nginx", "nginx", true},
		{"nginx", "nginx:1.27", true},
		{"nginx", "docker.io/library/nginx:latest", true},
		{"docker.io/library/nginx", "nginx:1.27", true},
		{"nginx", "ghcr.io/x/nginx", false},
		{"nginx:1.27", "nginx:1.27", true},
		{"nginx:latest", "nginx", true},
		{"nginx", "nginx:1.27@sha256:" + digest, true},
		{"nginx:1.27", "nginx:1.27@sha256:" + digest, true},
		{"nginx:1.28", "nginx:1.27@sha256:" + digest, false},
		{"nginx:latest", "nginx@sha256:" + digest, false},
		{"nginx@sha256:" + digest, "docker.io/library/nginx@sha256:" + digest, true},
		{"nginx:1\\..*", "nginx:1.27", true},
		{"nginx:1\\..*", "nginx:2.1", false},
		{"host:5000/app:2", "host:5000/app:2", true},
		{"nginx:1.27", "nginx:1.28", false},
		{"host:5000/app", "host:5000/app:2", true},
		{"host", "host:5000/app", false},
		{"ghcr.io/x/.*", "ghcr.io/x/y:1", true},
		{"(nginx|redis)", "redis:7", true},
		{"(nginx|redis)", "redis-stack", false},
	} {
		f, err := filter.Images(tt.pattern)
		require.NoError(t, err)
		assert.Equal(t, tt.want, f.Match(lifecycle.Container{Image: tt.image}), "%+v", tt)
	}
	every, err := filter.Images()
	require.NoError(t, err)
	assert.True(t, every.Match(lifecycle.Container{Image: "anything"}))
}

func TestReasonsNameWhoRefused(t *testing.T) {
	t.Parallel()
	names, err := filter.Names("db")
	require.NoError(t, err)
	web := named("web")
	isWeb, err := filter.Names("web", "w.*")
	require.NoError(t, err)
	notWeb, err := filter.ExceptNames("web")
	require.NoError(t, err)
	notNobody, err := filter.ExceptNames()
	require.NoError(t, err)
	nginx, err := filter.Images("nginx")
	require.NoError(t, err)
	all, err := filter.Images(".*")
	require.NoError(t, err)
	yes := filter.Func(func(lifecycle.Container) bool { return true })
	for _, tt := range []struct {
		f      filter.Filter
		ok     bool
		reason string
	}{
		{filter.All(), true, ""},
		{filter.Any(), false, "no filter is there to match it"},
		{filter.All(yes, names), false, "its name is none of db"},
		{filter.Any(names, yes), true, ""},
		{filter.Any(names, filter.Enabled(true)), false, "its name is none of db, and it has no enable label"},
		{filter.Not(yes), false, "excluded by a filter"},
		{filter.Not(names), true, ""},
		{filter.Not(isWeb), false, "its name is one of web, w.*"},
		{notWeb, false, "its name is one of web"},
		{notNobody, true, ""},
		{nginx, false, "its image is none of nginx"},
		{filter.Not(all), false, "its image is one of .*"},
		{filter.Not(filter.Scope(filter.NoScope)), false, "it is in no scope"},
		{filter.Not(filter.Scope("")), false, "it is in any scope or none"},
		{filter.Not(filter.Enabled(false)), false, "its enable label is not false"},
		{filter.Not(filter.Enabled(true)), true, ""},
		{filter.Not(filter.Not(names)), false, "excluded by a filter"},
		{filter.Not(filter.All(yes)), false, "excluded by a filter"},
		{filter.Func(func(lifecycle.Container) bool { return false }), false, "refused by a filter"},
	} {
		ok, reason := filter.Reason(tt.f, web)
		assert.Equal(t, tt.ok, ok)
		assert.Equal(t, tt.reason, reason)
		assert.Equal(t, tt.ok, tt.f.Match(web), "Match and Explain agree")
	}
	c := lifecycle.Container{Labels: map[string]string{filter.EnableLabel: "true", filter.ScopeLabel: "staging"}}
	_, reason := filter.Reason(filter.Not(filter.Enabled(true)), c)
	assert.Equal(t, "its enable label is true", reason)
	_, reason = filter.Reason(filter.Not(filter.Scope("staging")), c)
	assert.Equal(t, `its scope is "staging"`, reason)
}

func FuzzNames(f *testing.F) {
	f.Add("app|web", "web")
	f.Add("a.b", "a.b")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		names, err := filter.Names(pattern)
		if err != nil {
			return
		}
		except, err := filter.ExceptNames(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if names.Match(named(name)) == except.Match(named(name)) {
			t.Errorf("%q both takes and excludes %q, or neither", pattern, name)
		}
	})
}

func FuzzImages(f *testing.F) {
	f.Add("docker.io/library/nginx:1.27")
	f.Add("host:5000/app@sha256:" + digest)
	f.Add("(nginx|redis)")
	f.Fuzz(func(t *testing.T, text string) {
		images, err := filter.Images(text)
		if err != nil {
			if !errdefs.IsInvalidArgument(err) {
				t.Error(err)
			}
			return
		}
		if plain := regexp.MustCompile(`^[a-zA-Z0-9_.:/@-]+$`); plain.MatchString(text) && !images.Match(lifecycle.Container{Image: text}) {
			t.Errorf("%q does not match itself", text)
		}
	})
}
