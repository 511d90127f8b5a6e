package gate

import (
	"cmp"
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
// The images' variables tell, PG_MAJOR or one like POSTGRES_VERSION: one that both have
// and that differs in its major holds, whatever the tags say, which may have numbers of
// their own. Where they do not, the tag it runs and the tag it could move to do, if both
// begin with a version ("16-alpine"); where there are neither, the label
// org.opencontainers.image.version, which many inherit from what they are built on.
// Where one of the two does not tell, nobody knows, and it is held.
func NoMajorJump(names ...string) Gate {
	if len(names) == 0 {
		names = Stateful()
	}
	return Func(func(_ context.Context, c Candidate) (Decision, error) {
		repository, tag := splitTag(c.Reference)
		_, running := splitTag(c.Container.Image)
		name := path.Base(repository)
		if !slices.Contains(names, name) {
			return Decision{}, nil
		}
		judge := func(was, is string) Decision {
			switch {
			case was == "" || is == "":
				return Decision{Verdict: Hold, Reason: fmt.Sprintf("%s keeps data, and whether this is another major version is not known", name)}
			case was != is:
				return Decision{Verdict: Hold, Reason: fmt.Sprintf("%s keeps data, and this is major version %s after %s", name, is, was)}
			default:
				return Decision{}
			}
		}
		was, is := c.Current.variables(name), c.Next.variables(name)
		for i := range was {
			if was[i] != "" && is[i] != "" && was[i] != is[i] {
				return judge(was[i], is[i]), nil
			}
		}
		switch first, other := major(running), major(tag); {
		case first != "" && other != "":
			return judge(first, other), nil
		case anyOf(was) != "" || anyOf(is) != "":
			return judge(anyOf(was), anyOf(is)), nil
		default:
			return judge(c.Current.label(), c.Next.label()), nil
		}
	})
}

// anyOf is the first that says something.
func anyOf(majors []string) string { return cmp.Or(majors...) }

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

// label is the major version in the image's label; empty if there is none.
func (m *Metadata) label() string {
	if m == nil {
		return ""
	}
	return major(m.Labels[versionLabel])
}

// variables are the major versions in those of the image's variables that tell one, in
// a fixed order; empty for what is not there.
func (m *Metadata) variables(name string) []string {
	word := strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
	keys := []string{word + "_MAJOR", word + "_VERSION", "PG_MAJOR", "PG_VERSION"}
	out := make([]string, len(keys))
	if m == nil {
		return out
	}
	for i, key := range keys {
		for _, pair := range m.Env {
			if k, value, _ := strings.Cut(pair, "="); k == key {
				out[i] = major(value)
			}
		}
	}
	return out
}
