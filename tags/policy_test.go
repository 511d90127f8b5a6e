package tags_test

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/tags"
)

func TestTheTagToMoveTo(t *testing.T) {
	t.Parallel()
	const (
		nginx = "latest stable alpine 1 1.25 1.26 1.27 1.25-alpine 1.27-alpine 1.27-alpine3.20 1.25.3 1.27.0 1.27.1 2 2.0 2.0.0 1.28-perl mainline"
		pg    = "16 17 18 16.4 17.2 18beta1 18rc1 16-alpine 17-alpine 17-alpine3.20 16-alpine3.19 17rc1-alpine bookworm 16-bookworm 20240102"
		lsio  = "latest 4.0.9.2244-ls235 4.0.10.2544-ls240 4.0.10.2544-ls241 develop-4.0.11.1-ls9 version-4.0.9 arm64v8-4.0.10.2544-ls240"
		next  = "1.0.0-rc1 1.0.0-rc2 1.0.0-beta.3 1.0.0 1.1.0-rc1"
		dated = "20260101 20260131 20251231-slim 12 12.1"
	)
	tests := []struct{ name, policy, current, tags, want string }{
		{"a minor", "semver:^1.25", "1.25", nginx, "1.27"},
		{"of three numbers", "semver:^1.25", "1.25.3", nginx, "1.27.1"},
		{"only patches", "semver:~1.25", "1.25.3", nginx, ""},
		{"any", "semver:*", "1.25", nginx, "2.0"},
		{"of one number", "semver:*", "1", nginx, "2"},
		{"the same family", "semver:*", "1.25-alpine", nginx, "1.27-alpine"},
		{"the family's own version", "semver:*", "1.25-alpine3.19", nginx, "1.27-alpine3.20"},
		{"two numbers are not one", "semver:*", "16", pg, "18"},
		{"a range", "semver:>=16 <18", "16", pg, "17"},
		{"either range", "semver:16.x || 18.x", "16", pg, "18"},
		{"no pre-release", "semver:*", "17", pg, "18"},
		{"nor of a family", "semver:*", "17-alpine", pg, ""},
		{"four numbers and a build", "semver:^4", "4.0.9.2244-ls235", lsio, "4.0.10.2544-ls241"},
		{"from one pre-release to the release", "semver:1.0.x", "1.0.0-rc1", next, "1.0.0"},
		{"or to the next pre-release", "semver:*", "1.0.0-rc1", next, "1.1.0-rc1"},
		{"a pre-release of a later one", "semver:*", "1.0.0", next, ""},
		{"a date is no version", "semver:*", "12", dated, ""},
		{"nor a version a date", "semver:*", "20260101", dated, "20260131"},
		{"the newest", "semver:*", "2.0.0", nginx, ""},
		{"newer than the range", "semver:^1", "2.0.0", nginx, ""},
		{"with a v", "semver:*", "v1.2.0", "1.3.0 v1.2.1 V1.9.0", "v1.2.1"},
		{"leading zeros", "semver:*", "2024.01.05", "2024.01.06 2024.1.9 2023.12.31", "2024.1.9"},
		{"numbers too long", "semver:*", "1", "99999999999999999999999 2", "2"},
		{"a variant's pre-release stays in its family", "semver:*", "17rc1-alpine", pg + " 17-alpine", "17-alpine"},
		{"of three words", "semver:*", "8.4.0RC1-fpm-alpine", "8.4.0 8.4.0-fpm 8.4.0-fpm-alpine 8.4.0RC2", "8.4.0-fpm-alpine"},
		{"a machine is no number", "semver:*", "1.2.3-armv6", "1.2.3-armv7 1.2.4-armv6 1.2.5-armv7 1.2.5-arm64v8", "1.2.4-armv6"},
		{"nor what it runs on", "semver:*", "6.4-php8.1", "6.5-php7.4 6.5-php8.2 6.6-php8.1", "6.6-php8.1"},
		{"nor a system's release", "semver:*", "1.2-ltsc2019", "1.3-ltsc2022", ""},
		{"its base never goes back", "semver:*", "1.25-alpine3.19", "1.26-alpine3.18 1.27-alpine3.17", ""},
		{"nor a runtime's version", "semver:*", "3.9-eclipse-temurin-17", "3.9-eclipse-temurin-21 3.8-eclipse-temurin-17", ""},
		{"of a later version neither", "semver:~3.9", "3.9.6-amazoncorretto-11", "3.9.6-amazoncorretto-23 3.9.7-amazoncorretto-21 3.9.7-amazoncorretto-11", "3.9.7-amazoncorretto-11"},
		{"nor a language's", "semver:*", "1.16-otp-25", "1.16-otp-26 1.17-otp-26", ""},
		{"nor a kit's", "semver:*", "9-jdk-8", "9-jdk-17 10-jdk-17", ""},
		{"nor a system's", "semver:*", "5.0-debian-11", "5.0-debian-12", ""},
		{"nor a platform's", "semver:*", "5.0-node-18", "5.0-node-20 5.1-node-20", ""},
		{"nor one with a dot", "semver:*", "5.0-python-3.9", "5.0-python-3.12 5.0-python-4.0", ""},
		{"nor one without a dash", "semver:*", "12.3.1-runtime-ubuntu20.04", "12.3.1-runtime-ubuntu20.10 12.4.0-runtime-ubuntu22.04", ""},
		{"nor an extension's", "semver:*", "16-3.4", "16-3.5 16-4.0 17-3.4 17-3.5", "17-3.4"},
		{"nor one after a base", "semver:*", "1.2-alpine3.19-8", "1.2-alpine3.19-17 1.2-alpine3.20-8", "1.2-alpine3.20-8"},
		{"a system's image has builds", "semver:*", "1.2.3-debian-12-r7", "1.2.3-debian-12-r8 1.2.3-debian-13-r9", "1.2.3-debian-12-r8"},
		{"and they begin anew", "semver:*", "1.2.3-debian-12-r7", "1.2.3-debian-12-r8 1.2.4-debian-12-r0 1.2.5-debian-13-r0", "1.2.4-debian-12-r0"},
		{"a build by its name", "semver:*", "1.2.3-ls45", "1.2.3-ls46 1.2.3-ls9", "1.2.3-ls46"},
		{"after an underscore", "semver:*", "1.2.3_p1", "1.2.3_p2", "1.2.3_p2"},
		{"of a base's", "semver:*", "1.2.3-alpine3.19-r1", "1.2.3-alpine3.19-r2", "1.2.3-alpine3.19-r2"},
		{"a fourth number is a build to a range", "semver:<=1.2.3", "1.2.3.4", "1.2.3.9 1.2.4.0 1.2.3", "1.2.3.9"},
		{"a build of the same version", "semver:*", "1.2.3-1", "1.2.3-2 1.2.3-20240101 1.2.2-9", "1.2.3-2"},
		{"builds begin anew", "semver:*", "1.2.3-r5", "1.2.4-r0 1.2.3-r6", "1.2.4-r0"},
		{"a commit is no version", "semver:*", "7", "8 2026013100 1234567", "8"},
		{"no policy", "", "1.25", nginx, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := tags.Parse(tt.policy)
			require.NoError(t, err)
			got, newer, err := p.Choose(tt.current, strings.Fields(tt.tags))
			require.NoError(t, err)
			assert.Equal(t, tt.want != "", newer)
			if tt.want == "" {
				tt.want = tt.current
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestATagThatSaysNoVersion(t *testing.T) {
	t.Parallel()
	p, err := tags.Parse("semver:*")
	require.NoError(t, err)
	for _, tag := range []string{"latest", "stable-1.2", "", "alpine3.19"} {
		_, _, err := p.Choose(tag, []string{"1.2"})
		require.EqualError(t, err, `tags: semver:*: "`+tag+`" says no version`)
		assert.True(t, errdefs.IsFailedPrecondition(err))
	}
}

func TestWhatIsNoPolicy(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"^1.2", "semver:", "semver:newest", "regex:.*"} {
		_, err := tags.Parse(text)
		require.Error(t, err, text)
		assert.True(t, errdefs.IsInvalidArgument(err))
		assert.Contains(t, err.Error(), `want "digest", or "semver:" and a range`)
	}
	p, err := tags.Parse("digest")
	require.NoError(t, err)
	assert.True(t, p.IsZero())
}

func FuzzChoose(f *testing.F) {
	f.Add("1.2-alpine3.19", "1.3-alpine3.20 2 latest")
	f.Fuzz(func(t *testing.T, current, list string) {
		p, err := tags.Parse("semver:*")
		require.NoError(t, err)
		got, newer, err := p.Choose(current, strings.Fields(list))
		if err != nil || !newer {
			assert.Equal(t, current, got)
			return
		}
		assert.Contains(t, strings.Fields(list), got)
		_, again, err := p.Choose(got, []string{current})
		require.NoError(t, err)
		assert.False(t, again, "%q is newer than %q, and the other way round", got, current)
	})
}
