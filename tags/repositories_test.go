package tags_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/tags"
)

// Tags in the shapes that well-known repositories have, the one that a container
// runs, and those it is to move to, one after the other, as long as there is a newer.
func TestTagsAsRepositoriesHaveThem(t *testing.T) {
	t.Parallel()
	unstable := regexp.MustCompile(`(?i)rc|alpha|beta|preview|snapshot|dev|nightly|-M\d|\d[ab]\d`)
	tests := []struct{ name, policy, current, tags, want string }{
		{
			"postgres", "semver:*", "16.4-alpine3.20",
			"latest 16 16.4 16.6 16.6-alpine 16.6-alpine3.20 16.6-alpine3.21 16.6-bookworm 17.2-alpine3.21 17.2-alpine3.19 " +
				"17rc1-alpine3.20 18beta1-alpine3.21 18.0-alpine 16-alpine3.21 alpine3.21",
			"17.2-alpine3.21 16.6-alpine3.21 16.6-alpine3.20",
		},
		{
			"nginx", "semver:~1.27", "1.27.1-alpine-slim",
			"1.27.2-alpine-slim 1.27.2-alpine3.20-slim 1.27.3-alpine 1.27.3-alpine-otel 1.27.3-alpine-perl 1.27.3 1.27-alpine-slim " +
				"1.28.0-alpine-slim mainline-alpine-slim stable-alpine3.20-slim",
			"1.27.2-alpine-slim",
		},
		{
			"linuxserver", "semver:^1", "1.2.3-ls45",
			"1.2.3-ls46 1.2.4-ls47 1.2.4 arm64v8-1.2.4-ls47 amd64-1.2.4-ls47 version-1.2.4 develop-1.3.0-ls48 nightly-1.3.0-ls2 " +
				"1.3.0-beta-ls3 2.0.0-ls49 8.2.1.123-ls50",
			"1.2.4-ls47 1.2.3-ls46",
		},
		{
			"maven", "semver:*", "3.9.9-eclipse-temurin-17",
			"3.9.10-eclipse-temurin-17 3.9.11-eclipse-temurin-21 3.9.11-eclipse-temurin-17-alpine 3.9.11-amazoncorretto-17 3.9-eclipse-temurin-17 " +
				"4.0.0-rc-3-eclipse-temurin-17 4.0.0-alpha-13-eclipse-temurin-17 4.0.0-beta-5-eclipse-temurin-17 eclipse-temurin-17 3.9.11",
			"3.9.10-eclipse-temurin-17",
		},
		{
			"grafana", "semver:*", "11.2.0-ubuntu",
			"11.3.0-ubuntu 11.3.1-ubuntu-amd64 11.4.0-ubuntu-arm64 11.4.0 11.5.0-68102-ubuntu 11.6.0-19121841ubuntu 12.0.0-preview-ubuntu " +
				"main-ubuntu latest-ubuntu 11.3-ubuntu 11.3.0-security-01-ubuntu",
			"11.3.0-ubuntu",
		},
		{
			"days", "semver:*", "20240801",
			"20240901 20240902-slim 2024 2024.9 240903 202409 1.20240904 20240905.1 v20240906 3f2a9c1 20240831",
			"20240901 20240831",
		},
		{"ubuntu", "semver:*", "24.04", "24.10 25.04 24.04.1 noble noble-20240801 26 25.10-amd64 22.04 devel", "25.04 24.10"},
		{
			"traefik", "semver:*", "v2.10",
			"v2.11 v3.0 v3.1.2 2.12 v3.2-rc1 v3.2-rc v3.0.0-beta3 v2.11-windowsservercore-1809 v3.0-nanoserver experimental-v3.3",
			"v3.0 v2.11",
		},
		{
			"redis", "semver:*", "7.4.0-bookworm",
			"7.4.1-bookworm 7.4.2-alpine 7.4.2-alpine3.21 8.0-M04-bookworm 8.0.0-M02-bookworm 8.0.0-rc1-bookworm 7.4-bookworm 7.2.6-bookworm 8.0.0",
			"7.4.1-bookworm",
		},
		{
			"gitea", "semver:*", "1.22-rootless",
			"1.23-rootless 1.23 1.22.1-rootless 1-rootless 1.24-dev-rootless 1.24-nightly-rootless 1.24-rc0-rootless latest-rootless 1.25-dev",
			"1.23-rootless",
		},
		{
			"python", "semver:*", "3.12.4-slim-bookworm",
			"3.12.7-slim-bookworm 3.13.0-slim-bookworm 3.13.1-slim 3.14.0a6-slim-bookworm 3.14.0b1-slim-bookworm 3.14.0rc2-slim-bookworm " +
				"3.13.1-slim-bullseye 3.13.1-bookworm",
			"3.13.0-slim-bookworm 3.12.7-slim-bookworm",
		},
		{
			"dotnet", "semver:*", "8.0.7-alpine3.20",
			"8.0.8-alpine3.20 8.0.8-alpine3.20-amd64 9.0.0-preview.6-alpine3.20 9.0.0-rc.1-alpine3.20 9.0.0-rc.1-alpine3.20-amd64 8.0.10-alpine3.19",
			"8.0.8-alpine3.20",
		},
		{
			"tomcat", "semver:*", "10.1.26-jdk17-temurin-jammy",
			"10.1.28-jdk17-temurin-jammy 10.1.28-jdk21-temurin-jammy 10.1.30-jdk17-temurin-noble 11.0.0-M24-jdk17-temurin-jammy 10.1.30-jre17-temurin-jammy",
			"10.1.28-jdk17-temurin-jammy",
		},
		{
			"home-assistant", "semver:*", "2024.8.1",
			"2024.8.2 2024.9.0b3 2024.9.0.dev202408010231 2024.9.0 2024.9 stable beta dev",
			"2024.9.0 2024.8.2",
		},
		{
			"gitlab", "semver:*", "17.2.1-ce.0",
			"17.2.2-ce.0 17.3.0-ee.0 17.3.0-rc42.ce.0 17.2.2-ee.0 nightly rc",
			"17.2.2-ce.0",
		},
		{
			"rabbitmq", "semver:*", "3.13.6-management-alpine",
			"3.13.7-management-alpine 3.13.7-management 3.13.7-alpine 4.0.0-beta.5-management-alpine 4.0-rc-management-alpine 4.0.0-rc.2-management-alpine",
			"3.13.7-management-alpine",
		},
		{"bitnami", "semver:^7", "7.4.0-debian-12-r3", "7.4.0-debian-12-r4 7.4.1-debian-12-r0 7.4.1-debian-12 7.4.2-debian-13-r0 8.0.0-debian-12-r0 7.4.1", "7.4.1-debian-12-r0 7.4.0-debian-12-r4"},
		{"elasticsearch", "semver:^8", "8.14.0", "8.15.0 8.16.0-SNAPSHOT 8.15.1-amd64 8.15.1-arm64 9.0.0 8.16.0-b2f1c1d-SNAPSHOT", "8.15.0"},
		{
			"eclipse-temurin", "semver:^17", "17.0.11_9-jre-alpine",
			"17.0.12_7-jre-alpine 17.0.11_10-jre-alpine 17.0.12_7-jre-alpine-3.20 17.0.12_7-jre 17.0.12_7-jdk-alpine 21.0.4_7-jre-alpine " +
				"17-jre-alpine 17.0.13_11.1-jre-alpine 17.0.13-jre-alpine",
			"17.0.12_7-jre-alpine 17.0.11_10-jre-alpine",
		},
		{"builds of a day", "semver:*", "1.1.3", "1.1.4 1.1.20240801 1.20240801.0 1.1.3.20240801", "1.1.4"},
		{"builds of days", "semver:*", "9.3.20231119", "9.4.20240523 9.4.20240601-minimal 9.4.1", "9.4.20240523"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := tags.Parse(tt.policy)
			require.NoError(t, err)
			list := strings.Fields(tt.tags)
			var got []string
			for {
				tag, newer, err := p.Choose(tt.current, list)
				require.NoError(t, err)
				if !newer {
					break
				}
				got = append(got, tag)
				list = slices.DeleteFunc(list, func(other string) bool { return other == tag })
			}
			assert.Equal(t, strings.Fields(tt.want), got)
			for _, tag := range got {
				assert.NotRegexp(t, unstable, tag)
				assert.Equal(t, shape(tt.current), shape(tag))
			}
		})
	}
}

// shape is a tag with the numbers left out that may go up.
func shape(tag string) string {
	version := regexp.MustCompile(`^v?[\d.]+|alpine[\d.]+|_\d+|-(ls|r)\d+$`)
	return version.ReplaceAllStringFunc(tag, func(numbers string) string {
		return regexp.MustCompile(`\d+`).ReplaceAllString(numbers, "#")
	})
}
