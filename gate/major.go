package gate

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// versionLabel is the OCI image specification's annotation for an image's version.
const versionLabel = "org.opencontainers.image.version"

// Stateful are the images, by the last part of their repository's name, whose data
// a new major version may make unreadable for the old one: the databases and
// stores most used.
func Stateful() []string {
	return []string{
		"cassandra", "clickhouse", "clickhouse-server", "cockroach", "couchbase", "couchdb", "elasticsearch", "etcd", "forgejo",
		"gitea", "gitlab-ce", "gitlab-ee", "grafana", "influxdb", "keycloak", "mariadb", "meilisearch", "minio", "mongo",
		"mongodb", "mssql-server", "mysql", "neo4j", "nextcloud", "opensearch", "percona", "pgvector", "postgis", "postgres",
		"postgresql", "prometheus", "rabbitmq", "redis", "solr", "timescaledb", "typesense", "valkey", "vault", "victoria-metrics",
	}
}

// NoMajorJump holds a candidate that is of another major version than the container
// runs, or may be, for the images named by the last part of their repository
// ("postgres"); without names, those of Stateful. It holds until somebody approves:
// put it beside Approvals with Unless.
//
// A tag that begins with a version ("16-alpine") stands for its major; otherwise the
// version is the label org.opencontainers.image.version or a variable of the
// image's, PG_MAJOR or one like POSTGRES_VERSION. Where neither image tells, nobody
// knows, and it is held.
func NoMajorJump(names ...string) Gate {
	if len(names) == 0 {
		names = Stateful()
	}
	return Func(func(_ context.Context, c Candidate) (Decision, error) {
		repository, tag := splitTag(c.Reference)
		name := path.Base(repository)
		if !slices.Contains(names, name) || major(tag) != "" {
			return Decision{}, nil
		}
		was, is := c.Current.major(name), c.Next.major(name)
		switch {
		case was == "" || is == "":
			return Decision{Verdict: Hold, Reason: fmt.Sprintf("%s keeps data, and whether this is another major version is not known", name)}, nil
		case was != is:
			return Decision{Verdict: Hold, Reason: fmt.Sprintf("%s keeps data, and this is major version %s after %s", name, is, was)}, nil
		}
		return Decision{}, nil
	})
}

// Unless lets the exception, approvals for one, overrule a gate: what the exception
// accepts is accepted, and the gate is not asked.
func Unless(exception, g Gate) Gate {
	return Func(func(ctx context.Context, c Candidate) (Decision, error) {
		if d, err := exception.Judge(ctx, c); err == nil && d.Accepted() {
			return d, nil
		}
		return g.Judge(ctx, c)
	})
}

func splitTag(reference string) (repository, tag string) {
	i := strings.LastIndex(reference, ":")
	if i < strings.LastIndex(reference, "/") || i < 0 {
		return reference, ""
	}
	return reference[:i], reference[i+1:]
}

var leadingVersion = regexp.MustCompile(`^v?([0-9]+)([.-].*)?$`)

// major is the first number of a version; empty for what is none.
func major(version string) string {
	if m := leadingVersion.FindStringSubmatch(version); m != nil {
		return m[1]
	}
	return ""
}

// major is that of the image, as far as it says.
func (m *Metadata) major(name string) string {
	if m == nil {
		return ""
	}
	if v := major(m.Labels[versionLabel]); v != "" {
		return v
	}
	word := strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
	keys := []string{word + "_MAJOR", word + "_VERSION", "PG_MAJOR", "PG_VERSION"}
	for _, key := range keys {
		for _, pair := range m.Env {
			if k, value, _ := strings.Cut(pair, "="); k == key {
				if v := major(value); v != "" {
					return v
				}
			}
		}
	}
	return ""
}
